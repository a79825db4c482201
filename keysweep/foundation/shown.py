"""Text that strangers chose, as a terminal may show it."""

from __future__ import annotations


def visible(text: str) -> str:
    """Return *text* with control characters escaped, so that a name cannot steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
