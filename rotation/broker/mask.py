"""Keep a key out of what comes back: every form of it becomes stars of the same length, also where it is cut between two blocks.

Nothing is held back but the end of a block that may be the beginning of a key: a stream is not made to wait.
"""

from __future__ import annotations

from typing import final

from keysweep.foundation.redaction import encodings

_SHORTEST = 6
_TELLING = 16
"""A beginning so long says more than whose key it is."""


@final
class Forms:
    """The forms of one key that are looked for."""

    __slots__ = ("_ends", "needles")

    def __init__(self, key: bytes) -> None:
        found = {form.encode() for form in encodings(key)} | {key}
        self.needles = tuple(sorted((form for form in found if len(form) >= _SHORTEST), key=len, reverse=True))
        self._ends: dict[int, list[bytes]] = {}
        """Beginnings of a form by their last byte, the longest first."""
        for needle in self.needles:
            for length in range(len(needle) - 1, 0, -1):
                self._ends.setdefault(needle[length - 1], []).append(needle[:length])
        for beginnings in self._ends.values():
            beginnings.sort(key=len, reverse=True)

    def cover(self, data: bytes) -> bytes:
        """Return *data* with stars in place of the key."""
        for needle in self.needles:
            if needle in data:
                data = data.replace(needle, b"*" * len(needle))
        return data

    def begun(self, data: bytes) -> int:
        """Return how many bytes at the end of *data* may be the beginning of the key."""
        if not data:
            return 0
        return next((len(begun) for begun in self._ends.get(data[-1], ()) if data.endswith(begun)), 0)

    def forget(self) -> None:
        """Let go of every form."""
        self.needles = ()
        self._ends.clear()


@final
class Mask:
    """Covers a key in one stream of bytes; what comes out is as long as what went in.

    Args:
        forms: of the key that went out.
    """

    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._held = b""

    def feed(self, block: bytes) -> bytes:
        """Return what may go on now."""
        data = self._forms.cover(self._held + block)
        keep = self._forms.begun(data)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def end(self) -> bytes:
        """Return what was held back; most of a key is covered as well."""
        held, self._held = self._held, b""
        return held if len(held) < _TELLING else b"*" * len(held)
