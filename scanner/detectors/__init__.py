"""Text to matches: our own rules, and detect-secrets as a second opinion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from keysweep.scanner.finding import Match, Segment


class Detector(Protocol):
    """Finds keys in text, in time linear in its length."""

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return the keys in *segment*, in order of their start."""
        ...
