"""A cut through the beginning of a key: two strings that are added, or a line that a terminal, a mail program or a shell broke.

What stands behind a beginning is put together by `mend`; but here the engine sees no beginning.  So it looks for the end of each head
at the beginning of a line, and for added strings; the one seam is taken out where the text on both sides can be of a key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Piece, Spot

_LINE, _STRINGS = 0, 1
_LEAST, _MOST = 3, 8
"""Bytes of the end of a head that are looked for."""
_FIRST = 2
"""Bytes of a head that stand before the seam, at least."""
_LAST = (b"-", b"_", b".")
"""What a head ends with that is no word: a word ends many lines."""
_BROKEN = (rb"\n", rb"\\n", rb"\\\n", rb"=\n", rb"\r\n")
_ADDED = (rb'"+"', rb"'+'", rb'" + "', rb"' + '", rb'\\"+\\"', rb'\\" + \\"')
_SEAMS = {
    _LINE: re.compile(rb"=?\r?\n|(?:\\r)?\\n|\\\r?\n"),
    _STRINGS: re.compile(rb"\\?[\"'] ?[+] ?\\?[\"']"),
}
_BEFORE = {
    _LINE: re.compile(rb"[A-Za-z0-9_.:/-]{2}\Z"),
    _STRINGS: re.compile(rb"[\"'`][A-Za-z0-9_.:/-]{1,20}\Z"),
}
_RANDOM = rb"(?=[A-Za-z_.:/+-]{0,40}(?:[0-9]|[a-z][A-Z]|[A-Z][a-z]))"
_AFTER = {
    _LINE: re.compile(_RANDOM + rb"[A-Za-z0-9_.:/+-]{10}"),
    _STRINGS: re.compile(_RANDOM + rb"[A-Za-z0-9_.:/+-]{14}"),
}
_BACK, _AHEAD = 160, 4096
_WIDEST = 24
_OPENING = 64
"""Bytes behind the seam in which the opening of a key ends that began before it."""


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    ends = dict.fromkeys(head[at : at + _MOST] for head in heads for at in range(_FIRST, len(head) - _LEAST + 1))
    anchors = [Anchor(before + re.escape(end), 0, _LINE) for end in ends for before in (rb"\n", rb"\\n")]
    begun = dict.fromkeys(
        head[max(at - _MOST, 0) : at]
        for head in heads
        for at in range(max(len(head) - _LEAST + 1, _LEAST + 1), len(head) + 1)
        if head[-1:] in _LAST
    )
    anchors += [Anchor(re.escape(part) + broken, 0, _LINE) for part in begun for broken in _BROKEN]
    return [*anchors, *(Anchor(re.escape(seam.replace(b"\\\\", b"\\")), 0, _STRINGS) for seam in _ADDED)]


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    done = -1
    for spot in spots:
        cut = next(_SEAMS[spot.note].finditer(data, max(spot.end - _WIDEST, done, 0), spot.end), None)
        if cut is None or cut.start() <= done:
            continue
        done = cut.start()
        if not _AFTER[spot.note].match(data, cut.end()) or not _BEFORE[spot.note].search(
            data[max(cut.start() - 24, 0) : cut.start()]
        ):
            continue
        start, end = max(cut.start() - _BACK, 0), min(cut.end() + _AHEAD, len(data))
        text = data[start : cut.start()] + data[cut.end() : end]
        pieces = (Piece(0, start), Piece(cut.start() - start, cut.end()))
        seam = cut.start() - start
        yield Decoded(("joined",), text, start, end, pieces, opened=(seam + 1, seam + _OPENING))


DECODER = Decoder(name="seams", anchors=_anchors, decode=_decode)
