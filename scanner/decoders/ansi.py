"""Colour codes of a terminal that cut through a word, raw or as a JSON escape: `grep --color` puts them into keys."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.cuts import COLOUR
from keysweep.scanner.decoders import EXTENT, Anchor, Decoded, Decoder, Piece, Spot

_ANCHORS = (
    rb"[A-Za-z0-9_-](?:\x1b\[[0-9;]{0,12}[mK]){1,4}[A-Za-z0-9_-]",
    rb"[A-Za-z0-9_-](?:\\u001[bB]\[[0-9;]{0,12}[mK]){1,4}[A-Za-z0-9_-]",
)
_ONE = re.compile(COLOUR)
_REACH = 512


def _anchors(_heads: Iterable[bytes]) -> Sequence[Anchor]:
    return [Anchor(pattern, 0) for pattern in _ANCHORS]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    at = 0
    while at < len(spots):
        start, end = max(spots[at].end - _REACH, 0), spots[at].end + _REACH
        while at < len(spots) and spots[at].end < end and spots[at].end - start < EXTENT:
            end = max(end, spots[at].end + _REACH)
            at += 1
        yield strip(data, start, min(end, len(data)))


def strip(data: bytes, start: int, end: int) -> Decoded:
    """Return a stretch of text without colour codes."""
    text, pieces, last = bytearray(), [], start
    for code in _ONE.finditer(data, start, end):
        pieces.append(Piece(len(text), last))
        text += data[last : code.start()]
        last = code.end()
    pieces.append(Piece(len(text), last))
    text += data[last:end]
    return Decoded(via=("ansi",), data=bytes(text), start=start, end=end, pieces=tuple(pieces))


DECODER = Decoder(name="ansi", anchors=_anchors, decode=_decode)
