"""Masked forms of stored keys: `sk-ant…8hAA`, `abcdef******wxyz`.  Not a leak, but proof that the key passed through that text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import final

from keysweep.scanner.finding import Segment
from keysweep.scanner.known import Recognised, Resemblance
from keysweep.scanner.matching.matcher import Gated

_MASK = (
    r"(?:\xe2\x80\xa6|\.{3,8}|\\{1,3}u2026|\*{3,128}|(?:\xe2\x80\xa2){2,128}|(?:\\{1,3}u2022){2,128}"
    r"|[<\[](?i:redacted|masked|hidden)[>\]])"
)
_FADED = r"(?:x{4,128}|X{4,128})"
GATES = (
    rf"[\w-]{{4}}{_MASK.replace(',128', ',')}[\w-]{{4}}".encode(),
    rb"[\w-]{4}(?:x{4,}[A-WYZa-wyz0-9_-]|X{4,}[A-WYZa-wyz0-9_-])[\w-]{3}",
)
_SHOWN = re.compile(rf"(?P<head>[\w-]{{4,64}}?)(?P<mask>{_MASK}|{_FADED}(?![xX]))(?P<tail>[\w-]{{4,64}})".encode())
_REACH = 512
_COUNTED = 20
"""Characters of a mask that is as long as what it hides; shorter ones are often of a fixed length."""

Answer = Callable[[bytes, bytes, int | None], Recognised | None]
"""Asks the inventory which stored version begins and ends like that: `KnownKeys.masked`."""


@final
class Masked:
    """Asks the inventory about the masks that the engine saw.

    Args:
        answer: of the inventory.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def find(self, segment: Segment, spots: Sequence[Gated]) -> Sequence[Resemblance]:
        """Return each mask that exactly one stored version fits, in order."""
        found: list[Resemblance] = []
        reached = 0
        for place in sorted({spot.end for spot in spots}):
            if place <= reached:
                continue
            for shown in _SHOWN.finditer(segment.data, max(place - _REACH, reached), place + 64):
                if shown.end("mask") >= place:
                    break
                if shown.end() < place:
                    continue
                reached = shown.end()
                if (known := self._answer(shown["head"], shown["tail"], _length(shown))) is not None:
                    found.append(
                        Resemblance(
                            start=shown.start(),
                            end=shown.end(),
                            fingerprint=known.fingerprint,
                            preview=known.preview,
                            credential=known.credential,
                        )
                    )
                break
        return found


def _length(shown: re.Match[bytes]) -> int | None:
    """Return the length of the whole key, where the mask keeps it."""
    hidden = len(shown["mask"].decode("utf-8", "replace"))
    if hidden < _COUNTED or shown["mask"][:1] not in b"*xX\xe2":
        return None
    return len(shown["head"]) + hidden + len(shown["tail"])
