"""Fixtures: an empty store of its own for each test, on SQLite and on one real PostgreSQL server of the session.

A `conftest.py` that wants them imports them by name.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest

from keysweep.foundation.clock import Clock
from keysweep.foundation.database.connect import Database, open_database
from keysweep.foundation.settings import Settings
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from samples.servers.postgres import Server, running_postgres

NOON = datetime(2026, 9, 30, 12, tzinfo=UTC)
ENGINES = [
    pytest.param("sqlite", id="sqlite"),
    pytest.param("postgresql", id="postgresql", marks=pytest.mark.xdist_group("postgresql")),
]


def ticking(start: datetime = NOON, step: timedelta = timedelta(seconds=1)) -> Clock:
    """Return a clock that moves by *step* each time it is asked."""
    now = start - step

    def clock() -> datetime:
        nonlocal now
        now += step
        return now

    return clock


@pytest.fixture(scope="session")
def engine_server() -> Iterator[Server]:
    """The PostgreSQL server of this session."""
    with running_postgres() as server:
        yield server


def new_database(server: Server, like: str = "template1") -> str:
    """Make a database, which is empty or like another one, and return its URL."""
    import psycopg

    name = f"t{secrets.token_hex(8)}"
    with psycopg.connect(server.admin_uri, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}".encode())
    return f"{server.admin_uri.replace('postgresql://', 'postgresql+psycopg://').rpartition('/')[0]}/{name}"


@cache
def _migrated(server: Server) -> str:
    """Return the name of a database of the server that holds an empty store, and to which nobody is connected."""
    url = new_database(server)
    open_database(url, create=True).close()
    return url.rpartition("/")[2]


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path, quick_stores: bool) -> str:
    """Where a store can be made, on either engine."""
    if request.param == "sqlite":
        return str(tmp_path / "store" / "store.db")
    server = request.getfixturevalue("engine_server")
    return new_database(server, _migrated(server)) if quick_stores else new_database(server)


@pytest.fixture
def store(store_url: str) -> Iterator[Database]:
    """An empty store at the newest schema, on either engine."""
    database = open_database(store_url, create=True)
    yield database
    database.close()


@pytest.fixture
def opened(store_url: str, tmp_path: Path) -> Iterator[OpenVault]:
    """An unlocked store, on either engine; its clock starts at noon and ticks in seconds."""
    yield from _opened(store_url, tmp_path)


@pytest.fixture
def opened_sqlite(tmp_path: Path) -> Iterator[OpenVault]:
    """An unlocked store on SQLite, for what concerns its files or is the same on every engine."""
    yield from _opened(str(tmp_path / "store" / "store.db"), tmp_path)


def _opened(store: str, folder: Path) -> Iterator[OpenVault]:
    settings = Settings(store=store, key_file=folder / "keys" / "store.key")
    clock = ticking()
    initialise(settings, clock=clock)
    found = unlock(settings, clock=clock)
    yield found
    found.close()
