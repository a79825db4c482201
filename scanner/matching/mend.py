r"""A key that was cut: by the edge of a terminal, a log record's end, a colour code, a string that goes on in the next line, or escapes.

The engine sees the beginning of such a key, and the exact pattern does not fit.  Then the text behind is put together again, cuts out and
escapes resolved, and the pattern is asked once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from keysweep.scanner.cuts import COLOUR, CONTAINER, NODE
from keysweep.scanner.decoders import Decoded, Piece
from keysweep.scanner.decoders.escapes import escaped, has_escape, unescape

_MOST = 4096
_RECORD = 64 << 10
"""How far back a log record may begin."""
_MARGIN = rb"[ \t]{0,40}(?:(?:[|>+*#]|\xe2\x94\x82|\xe2\x94\x83|//)[ \t]{0,8})?"
_LINE = rb"(?:[ \t]{0,40}(?:[|]|\xe2\x94\x82|\xe2\x94\x83)[ \t]{0,2})?(?:\r?\n|(?:\\{1,2}r)?\\{1,2}n|\r)" + _MARGIN
_SHELL = rb"\\\r?\n[ \t]{0,40}"
_STRINGS = rb"[\"'][ \t]{0,8}(?:[+.&][ \t]{0,8})?(?:\\?\r?\n[ \t]{0,40})?(?:[+.&][ \t]{0,8})?[\"']"
_QUOTED_PRINTABLE = rb"=\r?\n"
_CUT = re.compile(b"|".join((NODE, CONTAINER, _SHELL, _QUOTED_PRINTABLE, COLOUR, _STRINGS, _LINE)))
_PARTIAL = re.compile(rb"[^\n]{20,40} std(?:out|err) P ")
"""The beginning of a line of a node's log that goes on in the next one."""
_ADDED = re.compile(
    CONTAINER
    + rb"|\\\r?\n(?=[A-Za-z0-9_.-])|[\"'][ \t]{0,8}(?:\r?\n[ \t]{0,40})?[+&][ \t]{0,8}(?:\r?\n[ \t]{0,40})?[\"'](?=[A-Za-z0-9])"
)
"""A cut behind which a key goes on whatever stands there: a record that was split, a line of the shell, strings that are added."""
_NODE = re.compile(NODE)
_ADJACENT = re.compile(rb"([\"'])[ \t]{0,8}\r?\n[ \t]{1,40}(?=\1)[\"']([A-Za-z0-9_.-]{8,})")
"""Two strings on lines of their own with nothing between them, as Python and C put them together."""
_BREAK = re.compile(rb"=?\r?\n|(?:\\r)?\\n")
_BORDER = re.compile(
    rb"[ \t]{0,2}(?:\xe2\x94\x82|\xe2\x94\x83|[|])(?:\r?\n|(?:\\r)?\\n)[ \t]{0,2}(?:\xe2\x94\x82|\xe2\x94\x83|[|])[ \t]{0,2}"
)
"""Between two lines of a pane or a box that is filled up to its border."""
_MORE = re.compile(
    rb"(?![A-Za-z_][A-Za-z0-9_.-]{0,40}[ \t]{0,4}[=:](?!//)|\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d|[A-Za-z0-9_./-]{1,80}:\d{1,6}[: ])"
    rb"[A-Za-z0-9+/=_.~@:%-]+(?=[\s\"'\\,;)\]}]|\Z)"
)
_NARROWEST = 40
_LEAST_REST = 4
"""Characters on the next line that are taken for the rest of a key."""
_WIDTHS = frozenset((60, 64, 72, 76, 80, 100, 120, 132, 160, 200))
"""Columns that terminals usually have."""
_LONGEST_ESCAPE = 10
_WORDS = re.compile(
    rb"[A-Za-z0-9_.-]{0,40}[\\\"'`\]) \t]{0,6}[=:>,]{1,2}[\\\"'` \t(]{0,6}(?:(?<=\()\r?\n[ \t]{0,40}[\"'])?"
)
_EQUALS = b"="[0]
"""At the end of a line of a mail it says that the line goes on."""
_HEAD = 8
_SPARE = 24
_MOST_CUTS = 64


def goes_on(data: bytes, start: int, end: int) -> bool:
    """Whether a key of no fixed length that ends at *end* probably goes on behind a cut.

    A log record that was split says so, and so do strings that are added.  A line break says so where the line is as long as one beside
    it or as a terminal is wide, and the next line begins with more of the same.
    """
    if _ADDED.match(data, end) or (
        _NODE.match(data, end) and _PARTIAL.match(data, data.rfind(b"\n", max(end - _RECORD, 0), end) + 1)
    ):
        return True
    next_string = _ADJACENT.match(data, end)
    if next_string is not None:
        return _random(next_string[2]) and not data.startswith(data[start : start + 4], next_string.start(2))
    border = _BORDER.match(data, end)
    cut = border or _BREAK.match(data, end)
    if cut is None or data.startswith(data[start : start + 4], cut.end()):
        return False
    if data[end : end + 1] == b"=":
        return data[cut.end() : cut.end() + 1].isalnum()
    more = _MORE.match(data, cut.end())
    if more is None or not _random(more[0]):
        return False
    if border is not None:
        return True
    low = max(start - _MOST, 0)
    begin = max(data.rfind(b"\n", low, end) + 1, low)
    escaped = data.rfind(b"\\n", begin, end)
    begin = escaped + 2 if escaped >= 0 else begin
    opened = data.rfind(b'": "', begin, start)
    widths = {end - begin, end - (opened + 4 if opened >= 0 else begin)}
    beside = len(more[0]) if more.end() < len(data) and data[more.end()] in b"\r\n\\" else -1
    return any(width >= _NARROWEST and (width in _WIDTHS or beside == width) for width in widths)


def escaped_on(data: bytes, end: int, alphabet: re.Pattern[bytes]) -> bool:
    """Whether a key goes on behind *end* with one of its own characters that is written as an escape."""
    character = escaped(data, end)
    return character is not None and (character == b"=" or alphabet.fullmatch(character) is not None)


def _random(text: bytes) -> bool:
    """Whether a stretch looks like the rest of a key rather than like a word."""
    mixed = any(b"a"[0] <= c <= b"z"[0] for c in text) and any(b"A"[0] <= c <= b"Z"[0] for c in text[1:])
    return len(text) >= _LEAST_REST and (mixed or any(b"0"[0] <= c <= b"9"[0] for c in text))


def joined(
    data: bytes, start: int, end: int, width: int, alphabet: re.Pattern[bytes], *, whole: bool = True
) -> Iterator[Decoded]:
    """Yield the text of a key from *start* on with its first cut left out, then with the second left out too, and so on.

    What stands behind the last cut may be the next setting: only the exact pattern can tell which of them is the key.  Goes from one run
    of the key's characters over a cut to the next, so that it costs no more than the key is long.

    Args:
        data: the text.
        start: where the key begins.
        end: how far it is known.
        width: of the widest key.
        alphabet: matches a run of its characters.
        whole: the key itself begins at *start*; otherwise words that tell of it do.
    """
    at = end if whole or (words := _WORDS.match(data, end)) is None else words.end()
    text, pieces = bytearray(data[start:at]), [Piece(0, start)]
    head = data[start : start + _HEAD]
    while len(text) < width + _SPARE and len(pieces) < _MOST_CUTS:
        run = alphabet.match(data, at, at + width + _SPARE)
        stop = run.end() if run else at
        stop -= stop > at and data[stop - 1] == _EQUALS and data[stop : stop + 2].lstrip(b"\r")[:1] == b"\n"
        text += data[at:stop]
        cut = _CUT.match(data, stop)
        if len(pieces) > 1:
            if stop == at:
                return
            behind = b"\n" if cut else data[stop : stop + _SPARE]
            yield Decoded(via=("joined",), data=bytes(text) + behind, start=start, end=stop, pieces=tuple(pieces))
        if cut is None or data.startswith(head, cut.end()):
            return
        at = cut.end()
        pieces.append(Piece(len(text), at))


def resolved(
    data: bytes, start: int, end: int, width: int, alphabet: re.Pattern[bytes], *, whole: bool = True
) -> Decoded | None:
    """Return the text from *start*, where a key begins, with its escapes resolved; None where it has none and is stopped by none."""
    at = end if whole or (words := _WORDS.match(data, end)) is None else words.end()
    run = alphabet.match(data, at, at + width)
    stop = run.end() if run else at
    if not has_escape(data, start if whole else at, stop + _LONGEST_ESCAPE):
        return None
    return unescape(data, start, min(start + min(4 * width + 256, _MOST), len(data)), via="escaped")
