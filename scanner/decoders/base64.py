"""Base64, standard and URL alphabet, also wrapped over lines: found by what the heads of keys look like in it.

Three bytes are four characters, so a head looks different by where in its group of three it begins.  Each anchor is the head's own
characters, and of a short head classes for the two that it shares with its neighbours.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Spot
from keysweep.scanner.runs import extent

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BREAK = rb"(?:\r?\n|(?:\\r)?\\n)[ \t]{0,16}"
_KAERB = rb"[ \t]{0,16}(?:\n\r?|n\\(?:r\\)?)"
_FORWARD = re.compile(
    rb"[A-Za-z0-9+/_-]*(?:"
    + _BREAK
    + rb"[A-Za-z0-9+/_-]{20,}(?![A-Za-z0-9+/_-]))*(?:"
    + _BREAK
    + rb"[A-Za-z0-9+/_-]+(?==))?={0,2}"
)
_BACKWARD = re.compile(
    rb"(?:(?!n\\)[A-Za-z0-9+/_-])*(?:" + _KAERB + rb"(?:(?!n\\)[A-Za-z0-9+/_-]){40,}(?![A-Za-z0-9+/_-]))*"
)
_WRAPS = re.compile(rb"(?:\\r)?\\n|[\r\n\t =]+")
_PART = 6
"""Bytes of a head that are looked for: enough to be rare, short enough to be seldom cut."""
_TWICE = 4
"""Characters of a head in base64 that are looked for in base64 once more."""
_WIDE = 4
"""Characters of a head in UTF-16, as PowerShell takes commands, that are looked for in base64."""
_ENOUGH = 5
"""Characters that are a head's own, without those that it shares with its neighbours: the engine takes long to prepare classes."""
_GZIP = b"H4sI"
_LOOK, _TEXT = 40, 18
"""Characters that are looked at first, and the decoded bytes that must be text."""
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"
_URL = bytes.maketrans(b"-_", b"+/")


def _anchors(heads: Iterable[bytes]) -> Sequence[Anchor]:
    heads = tuple(heads)
    once = dict.fromkeys(part for head in heads for part in _parts(head))
    twice = dict.fromkeys(inner for part in once for before in range(3) if len(inner := _shown(part, before)) >= _TWICE)
    wide = dict.fromkeys(head[:_WIDE].decode("latin-1").encode("utf-16-le") for head in heads)
    parts = dict.fromkeys((*once, *twice, *wide, _GZIP))
    return [anchor for part in parts for before in range(3) if (anchor := _anchor(part, before)) is not None]


def _parts(head: bytes) -> tuple[bytes, ...]:
    """Return the beginning of a head, and of a long one its end too: a line break may fall into one of them, not into both."""
    return (head[:_PART], head[-_PART:]) if len(head) >= 2 * _PART - 1 else (head[:_PART],)


def _shown(part: bytes, before: int) -> bytes:
    """Return the characters that *part* surely gives in base64, with *before* bytes of its group in front of it."""
    coded = base64.b64encode(bytes(before) + part)
    return coded[(8 * before + 5) // 6 : 8 * (before + len(part)) // 6][:_PART]


def _anchor(head: bytes, before: int) -> Anchor | None:
    """Return what *head* looks like with *before* bytes of its group of three in front of it."""
    known = [(byte >> (7 - bit)) & 1 for byte in head for bit in range(8)]
    bits: list[int | None] = [None] * (8 * before) + [*known]
    bits += [None] * (-len(bits) % 6)
    groups = [bits[at : at + 6] for at in range(0, len(bits), 6)]
    exact = [group for group in groups if None not in group]
    if len(exact) < 3:
        return None
    shown = exact if len(exact) >= _ENOUGH else [group for group in groups if any(bit is not None for bit in group)]
    return Anchor(b"".join(_class(tuple(group)) for group in shown), width=len(shown), note=groups.index(shown[0]))


@cache
def _class(bits: tuple[int | None, ...]) -> bytes:
    """Return a class of the characters whose six bits agree with those that are known."""
    fits = [
        value
        for value in range(64)
        if all(bit is None or bit == (value >> (5 - place)) & 1 for place, bit in enumerate(bits))
    ]
    found = b"".join(_ALPHABET[value : value + 1] for value in fits)
    found += b"-" * (62 in fits) + b"_" * (63 in fits)
    if len(found) == 1:
        return re.escape(found) if found == b"+" else found
    return b"[" + found.replace(b"-", b"") + (b"-" if b"-" in found else b"") + b"]"


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken, done = -1, set[int]()
    for spot in spots:
        start = spot.end - spot.width
        if not _readable(data, start, spot.note):
            continue
        if start >= taken:
            first, taken = extent(data, start, spot.end, forward=_FORWARD, backward=_BACKWARD)
            done = set()
        before = _WRAPS.sub(b"", data[first:start])
        shift = (len(before) - spot.note) % 4
        if shift in done:
            continue
        done.add(shift)
        text = (before + _WRAPS.sub(b"", data[start:taken]))[shift:].translate(_URL)
        try:
            decoded = base64.b64decode(text[: len(text) // 4 * 4] + _rest(text))
        except (binascii.Error, ValueError):
            continue
        yield Decoded(via=("base64",), data=decoded, start=first, end=taken)


def _readable(data: bytes, start: int, before: int) -> bool:
    """Whether what follows an anchor decodes to text: in the bytes of an image a head stands by chance."""
    text = (b"A" * before + _WRAPS.sub(b"", data[start : start + _LOOK])).translate(_URL)
    try:
        decoded = base64.b64decode(text[: len(text) // 4 * 4])
    except (binascii.Error, ValueError):
        return True
    text = decoded[before:_TEXT]
    wide = (text[at::2] for at in range(2) if not text[1 - at :: 2].strip(b"\0"))
    return not next(wide, text).translate(None, _PRINTABLE)


def _rest(text: bytes) -> bytes:
    """Return the last, shorter group with its padding; one character alone says nothing."""
    rest = text[len(text) // 4 * 4 :]
    return rest + b"=" * (4 - len(rest)) if len(rest) > 1 else b""


DECODER = Decoder(name="base64", anchors=_anchors, decode=_decode)
