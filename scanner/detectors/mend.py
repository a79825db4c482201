r"""A key that was cut: by the edge of a terminal, a log record's end, a colour code, a string that goes on in the next line, or escapes.

The engine sees the beginning of such a key, and the exact pattern does not fit.  Then the text behind is put together again, cuts out and
escapes resolved, and the pattern is asked once more.
"""

from __future__ import annotations

import re

from keysweep.scanner.decoders import Decoded, Piece
from keysweep.scanner.decoders.escapes import unescape

_MOST = 4096
_COLOUR = rb"(?:\x1b|\\{1,2}u001[bB]|\\{1,2}x1[bB]|\\{1,2}033)\[[0-9;]{0,12}[mK]"
_MARGIN = rb"[ \t]{0,40}(?:(?:[|>+*#]|\xe2\x94\x82|\xe2\x94\x83|//)[ \t]{0,8})?"
_LINE = rb"(?:[ \t]{0,40}(?:[|]|\xe2\x94\x82|\xe2\x94\x83)[ \t]{0,2})?(?:\r?\n|(?:\\{1,2}r)?\\{1,2}n|\r)" + _MARGIN
_DOCKER = rb'"\s{0,2},(?:"[a-z]{3,8}":"[^"\n]{0,64}",?){1,3}\}\r?\n\{"log":\s{0,2}"'
_CRI = rb"\r?\n\d{4}-\d\d-\d\dT[0-9:.]{8,20}(?:Z|[+-]\d\d:\d\d) std(?:out|err) [PF] "
_SHELL = rb"\\\r?\n[ \t]{0,40}"
_STRINGS = rb"[\"'][ \t]{0,8}(?:[+.&][ \t]{0,8})?(?:\\?\r?\n[ \t]{0,40})?(?:[+.&][ \t]{0,8})?[\"']"
_QUOTED_PRINTABLE = rb"=\r?\n"
_CUT = re.compile(b"|".join((_CRI, _DOCKER, _SHELL, _QUOTED_PRINTABLE, _COLOUR, _STRINGS, _LINE)))
_RECORD = re.compile(b"|".join((_CRI, _DOCKER)))
_BREAK = re.compile(rb"\r?\n|(?:\\r)?\\n")
_MORE = re.compile(rb"(?![A-Za-z_][A-Za-z0-9_.-]{1,40}[ \t]{0,4}[=:](?!//))[A-Za-z0-9+/=_.~@:%-]+(?=[\s\"'\\,;)\]}]|\Z)")
_NARROWEST = 40
_WIDTHS = frozenset((60, 64, 72, 76, 79, 80, 96, 100, 110, 119, 120, 128, 132, 140, 150, 158, 160, 180, 200, 211, 237, 240))
"""Columns that terminals usually have."""
_STOPS = frozenset(b"\n\r\\%&\x1b\"'=| \t\xe2")


def goes_on(data: bytes, start: int, end: int) -> bool:
    """Whether a key of no fixed length that ends at *end* probably goes on behind a cut.

    A log record that was split says so.  A line break says so where the line is as long as one beside it or as a terminal is wide, and
    the next line begins with more of the same.
    """
    if _RECORD.match(data, end):
        return True
    cut = _BREAK.match(data, end)
    if cut is None or (more := _MORE.match(data, cut.end())) is None or data.startswith(data[start : start + 4], cut.end()):
        return False
    escaped = data.rfind(b"\\n", 0, end)
    begin = max(data.rfind(b"\n", 0, end) + 1, escaped + 2 if escaped >= 0 else 0)
    width = end - begin
    beside = len(more[0]) if more.end() < len(data) and data[more.end()] in b"\r\n\\" else -1
    return width >= _NARROWEST and (width in _WIDTHS or beside == width)


def worth_mending(data: bytes, end: int, alphabet: re.Pattern[bytes]) -> bool:
    """Whether what stops the run of a key's characters behind *end* looks like a cut or an escape."""
    run = alphabet.match(data, end, end + _MOST)
    stop = run.end() if run else end
    return stop < len(data) and data[stop] in _STOPS


def mended(data: bytes, start: int, width: int) -> Decoded:
    """Return the text from *start*, where a key begins, without the cuts; a little more than the key is wide."""
    high = min(start + min(2 * width + 512, _MOST), len(data))
    text, pieces, last = bytearray(), [Piece(0, start)], start
    for cut in _CUT.finditer(data, start, high):
        pieces.append(Piece(len(text), last))
        text += data[last : cut.start()]
        last = cut.end()
    pieces.append(Piece(len(text), last))
    text += data[last:high]
    return Decoded(via=("joined",), data=bytes(text), start=start, end=high, pieces=tuple(pieces))


def resolved(data: bytes, start: int, width: int) -> Decoded:
    """Return the text from *start*, where a key begins, with its escapes resolved."""
    return unescape(data, start, min(start + min(4 * width + 256, _MOST), len(data)), via="escaped")
