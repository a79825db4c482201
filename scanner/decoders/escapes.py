r"""Characters written as escapes: `\u002d` of JSON, `\x2d`, `%2D` of URLs, `&#45;` of HTML, `\/` of JSON, `\:` of Java.

A writer escapes what it must or everything, so each head is looked for in both forms.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from keysweep.scanner.decoders import EXTENT, Anchor, Decoded, Decoder, Piece, Spot

_PART = 6
_WHOLE = 3
"""Bytes of a head that are looked for where every character is escaped."""
_MARKS = (b"\\", b"%", b"&")
"""What every escape begins with."""
_LETTERS = string.ascii_letters.encode() + string.digits.encode()
_UNRESERVED = _LETTERS + b"-_.~"
"""What a URL writes as it is."""
_BEFORE = 64
_BEHIND = 4096
_ONE = re.compile(
    rb"\\{1,4}u00(?P<u>[0-9A-Fa-f]{2})|\\{1,2}x(?P<x>[0-9A-Fa-f]{2})|%(?:25){0,2}(?P<p>[0-9A-Fa-f]{2})"
    rb"|&(?:amp;)?#x0{0,3}(?P<h>[0-9A-Fa-f]{2});|&(?:amp;)?#0{0,3}(?P<d>[0-9]{2,3});|&(?P<n>amp|lt|gt|quot|apos);|\\{1,3}(?P<s>[/:=])"
)
_HEX = frozenset({"u", "x", "p", "h"})
_FORMS: Mapping[str, Callable[[int], bytes]] = {
    "json": lambda byte: b"\\\\{1,4}u00%02x" % byte,
    "hex-escape": lambda byte: b"\\\\{1,2}x%02x" % byte,
    "percent": lambda byte: b"%%(?:25)?%02x" % byte,
    "html": lambda byte: b"&#%d;" % byte,
    "html-hex": lambda byte: b"&#x%02x;" % byte,
}
_NAMES = ("json", "hex-escape", "percent", "html", "html")
_SLASH, _PERCENT = len(_NAMES), _NAMES.index("percent")
_AND, _ESCAPE, _BREAK = b"&%\n"


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    found: dict[bytes, int] = {}
    for head in heads:
        for note, form in enumerate(_FORMS.values()):
            part = _telling(head)
            needed = b"".join(_plain(byte) if chr(byte).isalnum() else form(byte) for byte in part)
            if form is _FORMS["percent"] and any(byte not in _UNRESERVED for byte in head):
                part = _telling(head, _UNRESERVED)
                careful = b"".join(_plain(byte) if byte in _UNRESERVED else form(byte) for byte in part)
                found[b"(?i)" + careful] = note
            if not part.isalnum():
                found[b"(?i)" + needed] = note
            found[b"(?i)" + b"".join(form(byte) for byte in head[:_WHOLE])] = note
        if b"/" in head:
            found[re.escape(head).replace(b"/", b"\\\\/")] = _SLASH
        if b":" in head:
            found[re.escape(head).replace(b":", b"\\\\:")] = _SLASH
    return [Anchor(pattern, 0, note) for pattern, note in found.items()]


def _telling(head: bytes, plain: bytes = _LETTERS) -> bytes:
    """Return the stretch of a head around its first character that a careful writer would escape."""
    at = next((place for place, byte in enumerate(head) if byte not in plain), 0)
    start = max(at - _PART // 2, 0)
    return head[start : start + _PART]


def _plain(byte: int) -> bytes:
    return re.escape(bytes([byte]))


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    at = 0
    while at < len(spots):
        note = spots[at].note
        start, end = max(spots[at].end - _BEFORE, 0), spots[at].end + _BEHIND
        while at < len(spots) and spots[at].end + _BEFORE < end and spots[at].end - start < EXTENT:
            end = max(end, spots[at].end + _BEHIND)
            at += 1
        decoded = unescape(data, start, min(end, len(data)), via="json" if note == _SLASH else _NAMES[note])
        yield decoded._replace(data=_fields(data, decoded)) if note == _PERCENT else decoded


def escaped(data: bytes, at: int) -> bytes | None:
    """Return the character that the escape at a place stands for; None where none stands."""
    one = _ONE.match(data, at)
    return None if one is None else _resolved(one)


def has_escape(data: bytes, start: int, end: int) -> bool:
    """Whether a stretch of text has an escape in it."""
    begins = any(data.find(mark, start, end) >= 0 for mark in _MARKS)
    return begins and _ONE.search(data, start, end) is not None


def unescape(data: bytes, start: int, end: int, *, via: str) -> Decoded:
    """Return a stretch of text with its escapes resolved."""
    text, pieces, last = bytearray(), [Piece(0, start)], start
    for one in _ONE.finditer(data, start, end):
        text += data[last : one.start()]
        pieces.append(Piece(len(text), one.start(), one.end()))
        text += _resolved(one)
        pieces.append(Piece(len(text), one.end()))
        last = one.end()
    text += data[last:end]
    return Decoded(via=(via,), data=bytes(text), start=start, end=end, pieces=tuple(pieces))


def _fields(data: bytes, decoded: Decoded) -> bytes:
    """Return decoded text of a form or a URL with its fields apart: what stood there as `&` divides them, what was escaped does not."""
    text = bytearray(decoded.data)
    for piece in decoded.pieces:
        if piece.end is None:
            at, start = piece.at, piece.start
            while at < len(text) and start < decoded.end and data[start] == text[at] and data[start] != _ESCAPE:
                if data[start] == _AND:
                    text[at] = _BREAK
                at, start = at + 1, start + 1
    return bytes(text)


def _resolved(one: re.Match[bytes]) -> bytes:
    kind = one.lastgroup or ""
    value = one[kind]
    if kind in _HEX:
        return bytes([int(value, 16)])
    if kind == "d":
        return bytes([min(int(value), 255)])
    return value if kind == "s" else html.unescape(f"&{value.decode()};").encode()


DECODER = Decoder(name="escapes", anchors=_anchors, decode=_decode)
