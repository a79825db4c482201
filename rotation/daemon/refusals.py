"""How many refusals are written down one by one: who asks on and on for what he may not have fills no disk, and is counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import final

_EACH_MINUTE = 60
_WINDOW_S = 60.0


@final
class Refusals:
    """Counts them by user.

    Args:
        now: monotonic time, in seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._begun = now()
        self._seen: dict[int, int] = {}
        self._owed: dict[int, int] = {}

    def count(self, uid: int) -> bool:
        """Count one; return whether it is to be written down by itself."""
        if self._now() - self._begun >= _WINDOW_S:
            self._begun = self._now()
            self._seen.clear()
        self._seen[uid] = self._seen.get(uid, 0) + 1
        if self._seen[uid] <= _EACH_MINUTE:
            return True
        self._owed[uid] = self._owed.get(uid, 0) + 1
        return False

    def owed(self) -> Mapping[int, int]:
        """Return by user how many were not, and forget them."""
        owed, self._owed = self._owed, {}
        return owed
