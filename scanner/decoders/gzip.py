"""Gzip in base64, as Helm releases, cloud-init data and compressed log fields have it."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import MOST_DECODED, Anchor, Decoded, Decoder, Spot

_ANCHOR = rb"H4sI[A-Za-z0-9+/_-]{20}"
_WIDTH = 24
_LONGEST = 4 << 20
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]|\r?\n|\\n)*={0,2}")
_WRAPS = re.compile(rb"\\n|[\r\n=]+")
_GZIP = 31
_URL = bytes.maketrans(b"-_", b"+/")


def _anchors(_heads: Iterable[bytes]) -> Sequence[Anchor]:
    return [Anchor(_ANCHOR, _WIDTH)]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken, budget = -1, 16 * MOST_DECODED
    for spot in spots:
        start = spot.end - spot.width
        run = _RUN.match(data, start, start + _LONGEST)
        if start < taken or run is None:
            continue
        taken = run.end()
        text = _WRAPS.sub(b"", run[0]).translate(_URL)
        try:
            packed = base64.b64decode(text[: len(text) // 4 * 4])
            plain = zlib.decompressobj(_GZIP).decompress(packed, min(MOST_DECODED, budget))
        except (binascii.Error, ValueError, zlib.error):
            continue
        budget -= len(plain)
        if budget <= 0:
            return
        yield Decoded(via=("base64", "gzip"), data=plain, start=start, end=taken)


DECODER = Decoder(name="gzip", anchors=_anchors, decode=_decode)
