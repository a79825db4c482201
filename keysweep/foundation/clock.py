"""Time as a value that is passed in: wall time for evidence, monotonic time for deadlines."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Tells the time in UTC; tests pass a fixed one."""

Monotonic = Callable[[], float]
"""Seconds that never jump; only differences mean something."""

Sleep = Callable[[float], None]
"""Waits that many seconds; tests pass one that does not."""


def system_clock() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Return RFC 3339 with microseconds and `Z`; sorts as text in time order.

    Raises:
        ValueError: *moment* has no time zone.
    """
    if moment.tzinfo is None:
        msg = "a time without a zone"
        raise ValueError(msg)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def from_text(text: str) -> datetime:
    """Read an RFC 3339 time; one without a zone is refused.

    Raises:
        ValueError: *text* is no such time.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        msg = "a time without a zone"
        raise ValueError(msg)
    return moment.astimezone(UTC)
