"""Secrets of Kubernetes: a name in plain text with its value in base64, so that neither alone tells what a key without a form is.

The manifest is read around `kind: Secret`, in YAML and JSON, also as a string inside JSON; the text that results is `NAME=value`.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Sequence

from keysweep.scanner.decoders import Anchor, Decoded, Decoder, Piece, Spot

_ANCHORS = (
    Anchor(rb"kind: Secret", 0),
    Anchor(rb'"kind": ?"Secret"', 0),
    Anchor(rb'\\"kind\\": ?\\"Secret\\"', 0),
)
_REACH = 32 << 10
"""Bytes to each side of the kind in which the values of its manifest stand."""
_END = re.compile(rb"^---|\\n---", re.MULTILINE)
_ENTRY = re.compile(
    rb"(?P<name>[A-Za-z_.][A-Za-z0-9_.-]{1,80})[\\\"']{0,4}: {0,4}[\\\"']{0,4}(?P<value>[A-Za-z0-9+/]{12,8192}={0,2})(?=[\\\"'\s,}]|\Z)"
)
_PRINTABLE = bytes(range(32, 127)) + b"\t\n\r"


def _anchors(_heads: Iterable[bytes]) -> Sequence[Anchor]:
    return _ANCHORS


def _decode(data: bytes, spots: Sequence[Spot]) -> Iterator[Decoded]:
    taken = 0
    for spot in spots:
        if spot.end < taken:
            continue
        low = max(spot.end - _REACH, taken)
        low = max((mark.end() for mark in _END.finditer(data, low, spot.end)), default=low)
        mark = _END.search(data, spot.end, spot.end + _REACH)
        taken = mark.start() if mark else min(spot.end + _REACH, len(data))
        if (manifest := _manifest(data, low, taken)) is not None:
            yield manifest


def _manifest(data: bytes, low: int, high: int) -> Decoded | None:
    """Return names and values of one manifest, each value placed where its base64 stands."""
    text, pieces = bytearray(), []
    for entry in _ENTRY.finditer(data, low, high):
        if (value := _value(entry["value"])) is None:
            continue
        pieces.append(Piece(len(text), entry.start()))
        text += entry["name"] + b"="
        pieces.append(Piece(len(text), *entry.span("value")))
        text += value + b"\n"
    if not text:
        return None
    return Decoded(via=("kubernetes", "base64"), data=bytes(text), start=low, end=high, pieces=tuple(pieces))


def _value(coded: bytes) -> bytes | None:
    """Return what a value says; None for what is no base64 of text."""
    try:
        value = base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return value.strip() if not value.translate(None, _PRINTABLE) else None


DECODER = Decoder(name="kubernetes", anchors=_anchors, decode=_decode)
