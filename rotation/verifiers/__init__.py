"""How to ask a vendor whether a key still works: one file a vendor, named as its provider, exporting `QUESTIONS`.

A vendor is here only if the key can go in a header, and if reading is all that the call does.  A scan asks only where the prefix of
the key alone proves the host; a key that is stored as one of a vendor's is sent to that vendor whatever it begins with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple


class Sign(NamedTuple):
    """What an answer looks like."""

    status: int
    text: str
    """Part of the body, white space left out: a status alone may come from a gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One harmless call that shows whether a key is accepted."""

    prefixes: tuple[str, ...]
    """Public beginnings of the keys that a scan asks about so; no other vendor or installation has them.  None: no scan does."""
    shortest: int = 0
    """Length of the shortest such key, where another vendor's shorter ones begin alike."""
    url: str
    headers: Mapping[str, str]
    """`{key}` stands for the key."""
    method: str = "GET"
    alive: tuple[Sign, ...]
    dead: tuple[Sign, ...]
    """Whatever is neither is unknown."""


BEARER: Mapping[str, str] = {"Authorization": "Bearer {key}"}
