"""A new store is a copy of one that the migrations made once in this process: they take longer than most tests of a store.

`tests/foundation/database` is about the migrations and runs them each time.  A store that holds anything is migrated everywhere.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, inspect
from sqlalchemy.pool import PoolProxiedConnection

from keysweep.foundation.database.connect import open_database
from keysweep.foundation.database.migrations import run

migrated: Callable[[Engine], None] = run.upgrade
"""The product's own."""


@contextmanager
def copied() -> Iterator[None]:
    """Let new SQLite stores of this process be copies, for the length of a block."""
    run.upgrade = _upgrade
    try:
        yield
    finally:
        run.upgrade = migrated


def _upgrade(engine: Engine) -> None:
    if engine.dialect.name != "sqlite" or inspect(engine).get_table_names():
        migrated(engine)
        return
    connection: PoolProxiedConnection = engine.raw_connection()
    try:
        _template().backup(connection.driver_connection)
    finally:
        connection.close()


@cache
def _template() -> sqlite3.Connection:
    """Return an empty store in memory."""
    kept = sqlite3.connect(":memory:", check_same_thread=False)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        run.upgrade = migrated
        try:
            open_database(str(path), create=True).close()
        finally:
            run.upgrade = _upgrade
        reading = sqlite3.connect(path)
        reading.backup(kept)
        reading.close()
    return kept
