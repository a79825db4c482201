"""Runs of text that are taken: whether a new one overlaps is told in logarithmic time, so that dense hits stay cheap."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import final


@final
class Spans:
    """Runs that do not overlap each other.

    Args:
        taken: to begin with; (start, end), end excluded.
    """

    def __init__(self, taken: Iterable[tuple[int, int]] = ()) -> None:
        self._taken: list[tuple[int, int]] = []
        for start, end in taken:
            self.take(start, end)

    def take(self, start: int, end: int) -> bool:
        """Add a run and return True; False if it overlaps one that is there."""
        at = bisect_left(self._taken, (start, end))
        if at < len(self._taken) and self._taken[at][0] < end:
            return False
        if at > 0 and self._taken[at - 1][1] > start:
            return False
        insort(self._taken, (start, end))
        return True
