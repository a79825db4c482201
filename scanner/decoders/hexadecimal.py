"""Hexadecimal, small or capital letters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Spot
from keysweep.scanner.runs import extent

_PART = 6
_RUN = re.compile(rb"[0-9A-Fa-f]*")


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    parts = dict.fromkeys(head[:_PART] for head in heads)
    return [Anchor(b"(?i)" + part.hex().encode(), width=2 * len(part)) for part in parts]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken, done = -1, set[int]()
    for spot in spots:
        start = spot.end - spot.width
        if start >= taken:
            first, taken = extent(data, start, spot.end, forward=_RUN, backward=_RUN)
            done = set()
        odd = (start - first) % 2
        if odd in done:
            continue
        done.add(odd)
        text = data[first + odd : taken]
        decoded = bytes.fromhex(text[: len(text) // 2 * 2].decode("ascii"))
        yield Decoded(via=("hex",), data=decoded, start=first, end=taken)


DECODER = Decoder(name="hex", anchors=_anchors, decode=_decode)
