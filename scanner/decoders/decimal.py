"""Lists of byte values, as `journalctl -o json` prints fields that are not plain text: `[115, 107, 45, ...]`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import MOST_DECODED, Anchor, Decoded, Decoder, Spot
from keysweep.scanner.runs import extent

_PART = 5
_RUN = re.compile(rb"[0-9]*(?:,[ \n]{0,8}[0-9]{1,3})*")
_NUR = re.compile(rb"[0-9]*(?:[ \n]{0,8},[0-9]{1,3})*")
_NUMBER = re.compile(rb"[0-9]+")


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    parts = dict.fromkeys(head[:_PART] for head in heads)
    return [Anchor(b", ?".join(str(byte).encode() for byte in part), width=0) for part in parts]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken = -1
    for spot in spots:
        if spot.end <= taken:
            continue
        first, taken = extent(data, spot.end, spot.end, forward=_RUN, backward=_NUR)
        values = [int(number) for number in _NUMBER.findall(data[first:taken])[:MOST_DECODED]]
        if all(value < 256 for value in values):
            yield Decoded(via=("decimal",), data=bytes(values), start=first, end=taken)


DECODER = Decoder(name="decimal", anchors=_anchors, decode=_decode)
