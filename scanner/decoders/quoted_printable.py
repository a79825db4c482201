"""Mails: `=3D` for an equals sign, and lines that end with `=` and go on in the next one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import EXTENT, Anchor, Decoded, Decoder, Piece, Spot

_ANCHORS = (Anchor(rb"[A-Za-z0-9_\"' :]=3D", 4),)
_ONE = re.compile(rb"=(?:(?P<byte>[0-9A-F]{2})|\r?\n)")
_BEFORE, _BEHIND = 160, 1024
"""Bytes to each side of an equals sign that are read: a name before it, a key behind it."""


def _anchors(_heads: Iterable[bytes]) -> Sequence[Anchor]:
    return _ANCHORS


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    at = 0
    while at < len(spots):
        start, end = max(spots[at].end - _BEFORE, 0), spots[at].end + _BEHIND
        while at < len(spots) and spots[at].end + _BEFORE < end and spots[at].end - start < EXTENT:
            end = max(end, spots[at].end + _BEHIND)
            at += 1
        yield _unquoted(data, start, min(end, len(data)))


def _unquoted(data: bytes, start: int, end: int) -> Decoded:
    text, pieces, last = bytearray(), [Piece(0, start)], start
    for one in _ONE.finditer(data, start, end):
        text += data[last : one.start()]
        if one["byte"]:
            pieces.append(Piece(len(text), one.start(), one.end()))
            text.append(int(one["byte"], 16))
        pieces.append(Piece(len(text), one.end()))
        last = one.end()
    text += data[last:end]
    return Decoded(via=("quoted-printable",), data=bytes(text), start=start, end=end, pieces=tuple(pieces))


DECODER = Decoder(name="quoted-printable", anchors=_anchors, decode=_decode)
