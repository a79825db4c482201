"""Stateful simulators of providers: programs of their own that speak the vendors' real HTTP API.

One file a vendor, exporting `VENDOR`; `python -m samples.simulators` starts them all on one port.  They keep hashes of keys,
never keys; values that the vendor shows again, enciphered.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.fernet import Fernet


@dataclass
class Key:
    """One key at the vendor."""

    id: str
    name: str
    digest: str
    """SHA-256 of the value."""
    hint: str
    owner: str
    status: str = "active"
    admin: bool = False
    created_at: int = 0
    ended_at: float | None = None
    """When it was ended, in seconds; it is still accepted until the propagation delay has passed."""
    last_used_at: float | None = None
    workspace: str = ""
    """Part of the account that it belongs to; empty for the default one."""
    uses: int = 0
    refusals: int = 0


@dataclass
class State:
    """What a vendor knows."""

    keys: dict[str, Key] = field(default_factory=dict)
    propagation_s: float = 0.0
    """How long a key that was ended is still accepted."""
    limit: int | None = None
    """How many live keys the vendor allows; None for its usual number."""
    extra: dict[str, Any] = field(default_factory=dict)
    """What else the vendor keeps; JSON, and no value of a key in the clear."""

    def by_value(self, value: str) -> Key | None:
        """Return the key with that value."""
        wanted = digest(value)
        return next((key for key in self.keys.values() if key.digest == wanted), None)


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    """Without the query."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: Mapping[str, object]
    """A JSON object, or the fields of a form; empty for anything else."""
    now: float


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int
    body: object
    """Sent as JSON; None for an empty body."""


class NewValue(Protocol):
    """Makes values in a vendor's shape."""

    def __call__(self, *, admin: bool) -> str:
        """Return a value; *admin* says whether it is an administering key."""
        ...


@dataclass(frozen=True)
class Vendor:
    """One simulated vendor."""

    name: str
    answer: Callable[[State, Call], Answer]
    new_value: NewValue
    new_id: Callable[[], str] = lambda: f"apikey_{secrets.token_hex(8)}"
    """Makes an id in the vendor's shape."""
    id_from: Callable[[str], str] | None = None
    """Derives an id from a value, at a vendor whose ids are hashes."""
    seeded: Callable[[State, Key, str], None] = lambda *_: None
    """Notes what the vendor knows of a key that a person made, given its value: a public half, a slot, a value to be shown again."""
    serves: Callable[[Call], bool] = lambda _: False
    """Whether a request is for this vendor, by its headers and path.  Every vendor is served under `/NAME/...` as well, and then
    sees the path without its name."""


def digest(value: str) -> str:
    """Return what is kept of a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def shelve(state: State, key_id: str, value: str) -> None:
    """Keep a value that the vendor shows again: enciphered, so that it stands in no file of the simulator in the clear."""
    cipher = state.extra.setdefault("cipher", Fernet.generate_key().decode())
    state.extra.setdefault("shelf", {})[key_id] = Fernet(cipher).encrypt(value.encode()).decode()


def shown_again(state: State, key_id: str) -> str:
    """Return a shelved value."""
    return Fernet(state.extra["cipher"]).decrypt(state.extra["shelf"][key_id]).decode()


def accepted(state: State, key: Key | None, now: float) -> bool:
    """Whether a key is accepted now, and count the use or the refusal."""
    if key is None:
        return False
    alive = key.status == "active" or (key.ended_at is not None and now - key.ended_at < state.propagation_s)
    if alive:
        key.last_used_at, key.uses = now, key.uses + 1
    else:
        key.refusals += 1
    return alive
