"""A context: one way in which a key stands in a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.accuracy.chance import Chance
from benchmarks.accuracy.kinds import Key, Pairs, Shape

Write = Callable[[Key, Chance], str | bytes]
"""Returns a whole file that holds the key."""


class Group(StrEnum):
    """Contexts that are counted together."""

    PLAIN = "plain"
    AGENT = "log and agent"
    ENCODED = "encoded"


TOKENS = frozenset({Shape.TOKEN})
"""Inside of a URL or a header, where a URI does not stand."""
BARE = frozenset({Shape.TOKEN, Shape.URI})
"""Without its name."""
NAMED = frozenset({Shape.TOKEN, Shape.URI, Shape.NAMED})
"""Behind its name, the public half before it."""
ANY = frozenset(Shape)
"""Several lines too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One way to write a key down."""

    name: str
    group: Group
    shapes: frozenset[Shape]
    write: Write
    suffix: str = ".txt"


def pairs(key: Key) -> Pairs:
    """Return the names and values to write: what stands beside the key, then the key."""
    return (*key.beside, (key.name, key.value))


def lines(key: Key, form: str = "{}={}") -> str:
    """Return the names and values, one a line."""
    return "\n".join(form.format(name, value) for name, value in pairs(key))
