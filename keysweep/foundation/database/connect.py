"""Open the store: SQLite with full durability and private files, or PostgreSQL by URL."""

from __future__ import annotations

import os
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from keysweep.foundation.database.row_states import watch, watching
from keysweep.foundation.errors import DeniedError, IntegrityError, KeysweepError, MissingExtraError, UsageError

HEAD = "0012"
"""The newest revision under `migrations/versions`; Alembic is imported only where a store is older than this."""

_NETWORK_FILE_SYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "fuse.sshfs"})
_PRAGMAS = (
    "PRAGMA busy_timeout = 15000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # else INSERT OR REPLACE deletes a row without asking its trigger
    "PRAGMA secure_delete = ON",
    "PRAGMA trusted_schema = OFF",
)
_WAIT_FOR_WRITERS = "SET LOCAL lock_timeout = '15s'"
_LOCK_WRITERS = "SELECT pg_advisory_xact_lock(7236282)"
"""One writer at a time in this database, as on SQLite; what is locked in another order later cannot deadlock."""


class StoreMissingError(UsageError):
    """There is no store where the settings say."""


class StoreUnusableError(DeniedError):
    """The store cannot be read or written now: locked, full, read-only, gone."""


@final
class Database:
    """A store that is open.

    `write` takes the lock of writers when it begins, so a read followed by a write inside it is one atomic decision:
    `BEGIN IMMEDIATE` on SQLite, an advisory lock on PostgreSQL.
    """

    __slots__ = ("_turn", "engine", "prologue", "witness")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = threading.Lock()
        """One thread of this process writes at a time; else they would wait for each other's lock by asking again and again."""
        self.prologue: Callable[[Connection], None] | None = None
        """Asked at the beginning of each write; an unlocked vault learns of a new master key."""
        self.witness: Callable[[Connection], None] | None = None
        """Asked at the end of each write; an unlocked vault names in its ledger what was written (`row_states`)."""

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction; committed when the block ends, rolled back when it raises.

        Raises:
            DeniedError: the store cannot be used now: locked, full, read-only, gone.
            IntegrityError: the store's file is damaged.
        """
        with (
            _named_failures(),
            self._turn,
            self.engine.connect().execution_options(keysweep_begin="BEGIN IMMEDIATE", **watching()) as connection,
            connection.begin(),
        ):
            if self.prologue is not None:
                self.prologue(connection)
            yield connection
            if self.witness is not None:
                self.witness(connection)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot.

        Raises:
            DeniedError: the store cannot be used now.
            IntegrityError: the store's file is damaged.
        """
        with _named_failures(), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            yield connection

    def forget_log(self) -> None:
        """Empty SQLite's write-ahead log, so that ciphertext that was shredded does not lie in it any longer."""
        if self.engine.dialect.name == "sqlite":
            with self.engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget_connections(self) -> None:
        """Let go of the connections that a process inherited when it was forked; they belong to its parent."""
        self.engine.dispose(close=False)

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


def open_database(store: str, *, create: bool = False) -> Database:
    """Open the store and bring its schema up to date.

    Args:
        store: path of a SQLite file, or a SQLAlchemy URL (`postgresql+psycopg://...`).
        create: make it if it does not exist.

    Raises:
        StoreMissingError: no store there, and *create* is false.
        UsageError: *store* is no URL that we know, it cannot be made there, or it is of a newer keysweep.
        MissingExtraError: PostgreSQL's driver is not installed.
        DeniedError: the store's files are open to others, lie on a network file system, or cannot be reached.
        IntegrityError: the file is not a database.
    """
    if "://" in store and not store.startswith("sqlite"):
        engine = _server(store)
    else:
        path = Path(store.removeprefix("sqlite:///"))
        try:
            _prepare(path, create=create)
        except OSError as error:
            msg = f"cannot make a store at {path}: {error.strerror}"
            raise UsageError(msg) from error
        engine = _sqlite(path)
    try:
        with _named_failures():
            _bring_up_to_date(engine)
    except BaseException:
        engine.dispose()
        raise
    return Database(engine)


def _bring_up_to_date(engine: Engine) -> None:
    revision = _revision(engine)
    if (revision or "") > HEAD:
        msg = "the store was written by a newer keysweep"
        raise UsageError(msg, hint="install the newest keysweep")
    if revision != HEAD:
        from keysweep.foundation.database.migrations.run import upgrade

        upgrade(engine)


def _server(url: str) -> Engine:
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True)
    except ModuleNotFoundError:
        raise MissingExtraError(feature="a store on PostgreSQL", extra="rotate") from None
    except (ArgumentError, ValueError):
        msg = "the store is neither a path nor a URL that can be used"
        raise UsageError(msg, hint="postgresql+psycopg://USER@HOST/DATABASE") from None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if "keysweep_begin" in connection.get_execution_options():
            connection.exec_driver_sql(_WAIT_FOR_WRITERS)
            connection.exec_driver_sql(_LOCK_WRITERS)

    watch(engine)
    return engine


@contextmanager
def _named_failures() -> Iterator[None]:
    """Turn what the engines say of a store that cannot be used into errors that people can act on."""
    try:
        yield
    except DBAPIError as error:
        named = _named(error)
        if named is None:
            raise
        raise named from error


def _named(error: DBAPIError) -> KeysweepError | None:
    """Return None for what is a mistake of ours: a constraint, a wrong statement."""
    code = getattr(error.orig, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary == sqlite3.SQLITE_NOTADB:
        return IntegrityError("the store's file is not a keysweep store")
    if primary == sqlite3.SQLITE_CORRUPT:
        return IntegrityError("the store's file is damaged", hint="restore it from a backup")
    if not isinstance(error, OperationalError) or primary == sqlite3.SQLITE_ERROR:
        return None
    why = str(error.orig) if primary is not None else type(error.orig).__name__
    return StoreUnusableError(
        f"the store cannot be used: {why}", hint="check that it is reachable and writable for you"
    )


def _sqlite(path: Path) -> Engine:
    # NOTE: to open the file and to set it up took half of the time in which a leaked key is recognised.
    engine = create_engine(f"sqlite:///{path}", poolclass=QueuePool, pool_size=1, max_overflow=-1, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        for pragma in _PRAGMAS:
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("keysweep_begin", "BEGIN"))

    watch(engine)
    return engine


def _prepare(path: Path, *, create: bool) -> None:
    if not path.exists():
        if not create:
            msg = f"no store at {path}"
            raise StoreMissingError(msg, hint="keysweep init")
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_network(path)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600))
        return
    _refuse_network(path)
    if path.is_symlink() or stat.S_IMODE(path.stat().st_mode) & 0o077:
        msg = f"the store {path} is open to other users, or a link"
        raise DeniedError(msg, hint=f"chmod 600 {path}")


def _refuse_network(path: Path) -> None:
    """SQLite's locks do not hold on network file systems (https://sqlite.org/faq.html#q5)."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    target = path.parent.resolve()
    best, kind = -1, ""
    for mount in mounts:
        _, point, filesystem, *_ = mount.split(" ")
        if target.is_relative_to(point) and len(point) > best:
            best, kind = len(point), filesystem
    if kind in _NETWORK_FILE_SYSTEMS:
        msg = f"the store would lie on a network file system ({kind}), where SQLite cannot lock"
        raise DeniedError(msg, hint="use a local path, or PostgreSQL through KEYSWEEP_STORE")


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
