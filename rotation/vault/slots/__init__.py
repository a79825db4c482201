"""Kinds of slots: where the key lies that opens a store.  One file a kind; its name, with dashes, is the kind's name."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.secret import Secret

Params = Mapping[str, str | int]
"""Public facts of a slot: salt and cost, the name of an entry.  Bound into what the slot seals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which slot of which store a key is for."""

    tenant: str
    slot: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What this process can open slots with."""

    key_file: Path
    environ: Mapping[str, str]
    ask: Callable[[str], Secret] | None = None
    """Asks a person for what is named; None where nobody may be asked."""
    wanted: Params = field(default_factory=dict)
    """What a new slot shall be like: the name of a credential, the id of a KMS key."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewKey:
    """A key that was made for a slot, 32 bytes."""

    key: bytes
    params: Params
    done: Callable[[], None] = lambda: None
    """Called once the store names the new key: lets go of the one that it replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A kind of slot."""

    title: str
    rank: int
    """Lower ones are tried first; one that asks a person comes last."""
    make: Callable[[Means, Place, Params | None], NewKey]
    """Make a key for a new slot; where the third argument is given, one that replaces the key with these parameters."""
    keys: Callable[[Means, Place, Params], tuple[bytes, ...]]
    """Return the keys that may open a slot; none where this process has no way to one.  Raises: DeniedError."""
    forget: Callable[[Means, Place, Params], None] = lambda *_: None
    """Let go of a key whose slot is gone."""


class LockedError(DeniedError):
    """No slot of the store can be opened by this process."""


def kinds() -> tuple[str, ...]:
    """Return the names of all kinds, in the order in which they are tried."""
    names = (found.name.replace("_", "-") for found in pkgutil.iter_modules(__path__))
    return tuple(sorted(names, key=lambda name: (kind(name).rank, name)))


def kind(name: str) -> Slot:
    """Return a kind by its name.

    Raises:
        UsageError: there is none of that name.
    """
    if name.replace("-", "_") not in {found.name for found in pkgutil.iter_modules(__path__)}:
        msg = f"no kind of slot is called {name!r}"
        raise UsageError(msg, hint=f"known: {', '.join(kinds())}")
    found: Slot = importlib.import_module(f"{__name__}.{name.replace('-', '_')}").SLOT
    return found
