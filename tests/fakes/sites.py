"""Where the keys of one kind live, and how that place is asked behind the engine's back: simulated vendors, real servers, moto.

A further simulated vendor is one entry of `tests.fakes.simulated.SIMULATED`; a further server is one class of `tests.fakes.served`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from samples.servers import mariadb, moto, postgres, redis
from tests.fakes import served, simulated
from tests.fakes.vendors import Planted, Vendors

SERVED = ("aws", "mysql", "postgresql", "redis")
"""Kinds whose keys live on a server that must be installed."""


class Site(Protocol):
    """One place where keys live."""

    settings: Mapping[str, str]
    """What the adapter is told."""
    strangers: frozenset[str]
    """Ids of keys that were there before and are nobody's business."""

    def plant(self, name: str) -> Planted:
        """Make a key as a person would."""
        ...

    def administrator(self) -> Planted | None:
        """Make a key that administers it; None where no key does."""
        ...

    def accepts(self, value: str) -> bool:
        """Ask as an agent would."""
        ...

    def live(self, known: Iterable[str]) -> set[str]:
        """Return the ids of the keys that are switched on; of a place that is never empty, only if its value is known."""
        ...

    def id_of(self, value: str) -> str | None:
        """Return the id of the key with that value."""
        ...

    def end(self, key_id: str) -> None:
        """End a key as a person would."""
        ...

    def refuse_admins(self) -> Callable[[], None]:
        """Let every administering key be refused; return what takes that back."""
        ...


@dataclass(frozen=True)
class Servers:
    """The real servers that run."""

    postgresql: postgres.Server | None = None
    redis: redis.Server | None = None
    mysql: mariadb.Server | None = None
    aws: moto.Server | None = None


def site(kind: str, vendors: Vendors, servers: Servers) -> Site:
    """Return the place where the keys of a kind live.

    Raises:
        RuntimeError: it is on a server that does not run.
    """
    if kind in simulated.SIMULATED:
        return simulated.Simulated(kind, vendors)
    if servers.aws is not None and kind == "aws":
        return served.Aws(servers.aws)
    if servers.mysql is not None and kind == "mysql":
        return served.Mariadb(servers.mysql)
    if servers.postgresql is not None and kind == "postgresql":
        return served.Postgres(servers.postgresql)
    if servers.redis is not None and kind == "redis":
        return served.Redis(servers.redis)
    msg = f"the server of {kind} does not run"
    raise RuntimeError(msg)
