"""Numbers and moments in words, the same everywhere in a report."""

from __future__ import annotations

from datetime import datetime


def count(number: int, one: str, many: str | None = None) -> str:
    """Return `1 leak`, `3 leaks`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def share(part: int, whole: int) -> str:
    """Return a percentage with one decimal; a dash of nothing."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def duration(seconds: float) -> str:
    """Return the largest fitting unit: `3.2 s`, `26 min`, `4.5 h`, `12 d`."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.0f} d"


def day(when: datetime) -> str:
    """Return `24 Nov 2026`."""
    return f"{when:%-d %b %Y}"


def moment(when: datetime) -> str:
    """Return `24 Nov 2026 05:35:22`."""
    return f"{when:%-d %b %Y %H:%M:%S}"
