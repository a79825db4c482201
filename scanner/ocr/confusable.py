"""Look-alike folding: what an OCR engine takes for each other becomes one character, what it adds or drops goes away.

The classes come from measured confusions of Tesseract 5 on terminal screenshots (docs/adr/0009-ocr-matching.md).
"""

from __future__ import annotations

from dataclasses import dataclass

_CLASSES = ("o0OQD", "l1Ii|!jJ][}", "s5S$", "b8B", "z2Z", "g9qG6", "uUvV", "7/")


@dataclass(frozen=True, slots=True)
class Folded:
    """Folded text with the way back."""

    text: bytes
    offsets: tuple[int, ...]
    """For each folded byte, the offset of its original."""


def fold(text: bytes) -> Folded:
    """Fold *text*; letters and digits are left, in lower case, each class as one character."""
    kept = bytearray()
    offsets: list[int] = []
    for offset, byte in enumerate(text):
        folded = _TABLE[byte]
        if folded:
            kept.append(folded)
            offsets.append(offset)
    return Folded(bytes(kept), tuple(offsets))


def _table() -> bytes:
    table = bytearray(256)
    for char in range(128):
        if chr(char).isalnum():
            table[char] = ord(chr(char).lower())
    for members in _CLASSES:
        for member in members:
            table[ord(member)] = ord(members[0])
    return bytes(table)


_TABLE = _table()
