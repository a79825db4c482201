"""A kind of key, and one generated key with what must stand beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from benchmarks.accuracy.chance import Chance

Pairs = tuple[tuple[str, str], ...]
"""Names and values."""


class Shape(StrEnum):
    """Where a key may stand."""

    TOKEN = "token"
    """Has a form of its own: anywhere."""
    NAMED = "named"
    """Has none: only beside a name that tells of it, or beside its public half."""
    URI = "uri"
    """Is a URI itself: not inside of another one, unless encoded."""
    BLOCK = "block"
    """Has several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A generated key."""

    kind: str
    provider: str
    name: str
    """Of the variable that usually holds it."""
    value: str
    shape: Shape
    beside: Pairs = ()
    """Names and values that stand before it: the public half of a pair."""
    exact: tuple[str, ...] = ()
    """Values that are as right as the whole one: the password of a URI."""

    @property
    def right(self) -> tuple[str, ...]:
        """Every value that counts as this key."""
        return (self.value, *self.exact)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A format, as its vendor documents it or as several scanners agree on it."""

    id: str
    provider: str
    name: str
    make: Callable[[Chance], str]
    shape: Shape = Shape.TOKEN
    beside: Callable[[Chance], Pairs] = lambda _chance: ()
    exact: Callable[[str], tuple[str, ...]] = lambda _value: ()
    fixed: bool = False
    """Has one length only: one character more or less is no key."""
    proven: bool = False
    """Ends with a checksum: a wrong one is no key."""

    def generate(self, chance: Chance) -> Key:
        """Return a fresh key."""
        value = self.make(chance)
        return Key(
            kind=self.id,
            provider=self.provider,
            name=self.name,
            value=value,
            shape=self.shape,
            beside=self.beside(chance),
            exact=self.exact(value),
        )


def by_id(*tables: tuple[Kind, ...]) -> Mapping[str, Kind]:
    """Return kinds by their id.

    Raises:
        ValueError: two have the same.
    """
    found: dict[str, Kind] = {}
    for kind in (kind for table in tables for kind in table):
        if kind.id in found:
            msg = f"two kinds are named {kind.id}"
            raise ValueError(msg)
        found[kind.id] = kind
    return found
