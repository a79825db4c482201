"""From positions in decoded text back to the text that it was decoded from."""

from __future__ import annotations

from bisect import bisect_right

from keysweep.scanner.decoders import Decoded, Piece


def place_of(decoded: Decoded, start: int, end: int) -> tuple[int, int]:
    """Return where `decoded.data[start:end]` stands in the encoding text: the whole run, where no more can be told."""
    if not decoded.pieces:
        return decoded.start, decoded.end
    first = decoded.pieces[max(bisect_right(decoded.pieces, start, key=_at) - 1, 0)]
    last = decoded.pieces[max(bisect_right(decoded.pieces, end - 1, key=_at) - 1, 0)]
    begin = first.start if first.end is not None else first.start + start - first.at
    return begin, last.end if last.end is not None else last.start + end - last.at


def _at(piece: Piece) -> int:
    return piece.at
