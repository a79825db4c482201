"""Moments as people type them: an age such as 90d, a day, or an RFC 3339 time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keysweep.foundation.clock import from_text
from keysweep.foundation.errors import UsageError

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60}


def moment(text: str, option: str, now: datetime, *, ahead: bool = False) -> datetime:
    """Return the moment that *text* means.

    Args:
        text: `90d`, `12h`, `30m`, `2026-11-24` (its midnight in UTC), or a time with its zone.
        option: for the message.
        now: what an age is counted from.
        ahead: an age lies in the future.

    Raises:
        UsageError: it means none.
    """
    number, unit = text[:-1], _SECONDS.get(text[-1:])
    try:
        if unit and number.isdecimal() and number.isascii() and len(number) < 6:
            age = timedelta(seconds=int(number) * unit)
            return now + age if ahead else now - age
        if len(text) == len("2026-11-24"):
            return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
        return from_text(text)
    except (ValueError, OverflowError):
        msg = f"{option} is an age such as 90d, a day, or an RFC 3339 time with its zone"
        raise UsageError(msg) from None


def duration(text: str, option: str) -> timedelta:
    """Return the length of time that *text* means: `90s`, `10m`, `24h` or `14d`.

    Raises:
        UsageError: it means none.
    """
    number, unit = text[:-1], {**_SECONDS, "s": 1}.get(text[-1:])
    if not (unit and number.isdecimal() and number.isascii() and len(number) < 6):
        msg = f"{option} is a length of time such as 90s, 10m or 24h; not {text!r}"
        raise UsageError(msg)
    return timedelta(seconds=int(number) * unit)
