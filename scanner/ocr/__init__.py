"""Text in images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from keysweep.scanner.finding import Box


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word that an engine read."""

    text: str
    box: Box
    line: int
    """Words with the same number stand on one line, in order."""
    certainty: float
    """0 to 1, as the engine says."""


class OcrTimeoutError(Exception):
    """The engine did not finish within its time."""


class OcrFailedError(Exception):
    """The engine ended without a result."""


class OcrEngine(Protocol):
    """Reads the words of one image within a time limit, without the network."""

    def words(self, png: bytes) -> Sequence[Word]:
        """Return the words of a PNG image in reading order.

        Raises:
            OcrTimeoutError: it took too long and was killed.
            OcrFailedError: it crashed or refused.
        """
        ...
