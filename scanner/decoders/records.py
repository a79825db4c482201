"""Records of a container's log that were split at their longest: `docker` leaves the line's end out, a node's log marks it with `P`.

The parts are put together whatever the cut went through, the beginning of a key or its name included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.cuts import CONTAINER, NODE
from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Piece, Spot

_DOCKER, _NODE = 0, 1
_ANCHORS = (
    Anchor(rb'[^n]","stream":"std', 17, _DOCKER),
    Anchor(rb'[^\\]n","stream":"std', 17, _DOCKER),
    Anchor(rb" stdout P ", 10, _NODE),
    Anchor(rb" stderr P ", 10, _NODE),
)
_NEXT = {
    _DOCKER: re.compile(CONTAINER),
    _NODE: re.compile(NODE),
}
_STREAM = rb'","stream":"std'
_REACH = 2048
"""Bytes to each side of a cut that are put together: more than most keys and their names are long."""
_LONGEST = 64 << 10


def _anchors(_heads: Iterable[bytes]) -> Sequence[Anchor]:
    return _ANCHORS


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    group: list[tuple[int, int]] = []
    for cut in _cuts(data, spots):
        if group and (cut[0] > group[-1][1] + _REACH or cut[0] > group[0][0] + _LONGEST):
            yield _joined(data, group)
            group = []
        group.append(cut)
    if group:
        yield _joined(data, group)


def _cuts(data: bytes, spots: Sequence[Spot]) -> Iterator[tuple[int, int]]:
    """Yield where one part of a record ends and where the next begins."""
    last = -1
    for spot in spots:
        end = spot.end - len(_STREAM)
        if spot.note == _NODE:
            end = data.find(b"\n", spot.end, spot.end + _LONGEST)
            end -= end > 0 and data[end - 1 : end] == b"\r"
        match = _NEXT[spot.note].match(data, end) if end >= last else None
        if match is not None:
            last = match.end()
            yield match.span()


def _joined(data: bytes, cuts: Sequence[tuple[int, int]]) -> Decoded:
    start, end = max(cuts[0][0] - _REACH, 0), min(cuts[-1][1] + _REACH, len(data))
    text, pieces, at = bytearray(), [], start
    for stop, next_ in [*cuts, (end, end)]:
        pieces.append(Piece(len(text), at))
        text += data[at:stop]
        at = next_
    return Decoded(via=("records",), data=bytes(text), start=start, end=end, pieces=tuple(pieces))


DECODER = Decoder(name="records", anchors=_anchors, decode=_decode)
