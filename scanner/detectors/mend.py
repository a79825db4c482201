r"""A key that was cut: by the edge of a terminal, a log record's end, a colour code, a string that goes on in the next line, or escapes.

The engine sees the beginning of such a key, and the exact pattern does not fit.  Then the text behind is put together again, cuts out and
escapes resolved, and the pattern is asked once more.
"""

from __future__ import annotations

import re

from keysweep.scanner.decoders import Decoded, Piece
from keysweep.scanner.decoders.escapes import unescape

_BEFORE = 96
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
_STOPS = frozenset(b"\n\r\\%&\x1b\"'=| \t\xe2")


def worth_mending(data: bytes, end: int, alphabet: re.Pattern[bytes]) -> bool:
    """Whether what stops the run of a key's characters behind *end* looks like a cut or an escape."""
    run = alphabet.match(data, end, end + _MOST)
    stop = run.end() if run else end
    return stop < len(data) and data[stop] in _STOPS


def mended(data: bytes, start: int, width: int) -> Decoded:
    """Return the text around a key that begins at *start* without the cuts, a little more than the key is wide."""
    low, high = max(start - _BEFORE, 0), min(start + min(2 * width + 512, _MOST), len(data))
    text, pieces, last = bytearray(data[low:start]), [Piece(0, low)], start
    for cut in _CUT.finditer(data, start, high):
        pieces.append(Piece(len(text), last))
        text += data[last : cut.start()]
        last = cut.end()
    pieces.append(Piece(len(text), last))
    text += data[last:high]
    return Decoded(via=("joined",), data=bytes(text), start=low, end=high, pieces=tuple(pieces))


def resolved(data: bytes, start: int, width: int) -> Decoded:
    """Return the text around a key that begins at *start* with its escapes resolved."""
    low, high = max(start - _BEFORE, 0), min(start + min(4 * width + 256, _MOST), len(data))
    return unescape(data, low, high, via="escaped")
