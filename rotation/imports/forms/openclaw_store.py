"""OpenClaw's SQLite stores: named secrets, auth profiles and tokens of devices, which lie there unencrypted; nothing is written.

A secret that was removed in OpenClaw stays in the file for thirty days, and nothing revoked it: each is named.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.profiles import profiles
from keysweep.rotation.imports.structured import NoTreeError, parse_json
from keysweep.rotation.inventory import ImportRowError

_SECONDS = 20.0
_MOST = 100_000
_LARGEST = 1 << 20
_STEPS = 10_000


def _recognises(document: Document) -> bool:
    return document.is_database


def _read(document: Document) -> Iterator[Placed]:
    if document.path is None:
        msg = "a database has to be a file"
        raise ImportRowError(msg, hint="keysweep keys import openclaw.sqlite")
    try:
        with closing(_opened(document.path)) as connection:
            known = _tables(connection)
            readers = [(name, read) for name, read in _READERS.items() if name in known]
            if not readers:
                msg = f"{document.name} has no table in which OpenClaw keeps keys"
                raise ImportRowError(msg)
            for name, read in readers:
                yield from read(connection, known[name])
    except sqlite3.Error:
        msg = f"{document.name} is damaged, locked, or takes too long to read"
        raise ImportRowError(msg) from None


def _opened(path: Path) -> sqlite3.Connection:
    """Open a database so that nothing in it can act: read only, no trust in its schema, for a limited time."""
    if path.is_symlink():
        path = path.resolve()
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=2)
    except sqlite3.Error:
        msg = f"cannot open {path}"
        raise UsageError(msg) from None
    end = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > end), _STEPS)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST)
    for pragma in ("query_only=ON", "trusted_schema=OFF", "cell_size_check=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _tables(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the real tables that we read, with their columns; views and virtual tables are none."""
    found = {}
    for name in _READERS:
        row = connection.execute("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone()
        if row and str(row[0]).upper().startswith("CREATE TABLE"):
            found[name] = {str(column[1]) for column in connection.execute(f"PRAGMA table_info({name})")}
    return found


def _secrets(connection: sqlite3.Connection, columns: set[str]) -> Iterator[Placed]:
    wanted = [
        name if name in columns else "NULL" for name in ("scope_kind", "scope_id", "name", "value", "deleted_at_ms")
    ]
    query = f"SELECT {', '.join(wanted)} FROM secret_store_entries ORDER BY rowid LIMIT {_MOST}"  # noqa: S608  our own words
    for kind, scope, name, value, deleted in connection.execute(query):
        place = f"secret_store_entries/{name}"
        path = (str(name),) if kind in {None, "global", "gateway"} or not scope else (str(scope), str(name))
        if deleted is not None:
            yield place, Left(name="/".join(path), reason=Reason.ARCHIVED)
        elif (text := _text(value)) is not None:
            yield place, Given(path=path, variable=str(name), value=Secret(text), declared=True)


def _profiles(connection: sqlite3.Connection, columns: set[str]) -> Iterator[Placed]:
    if not {"store_key", "store_json"} <= columns:
        return
    for key, content in connection.execute(f"SELECT store_key, store_json FROM auth_profile_store LIMIT {_MOST}"):  # noqa: S608
        place, text = f"auth_profile_store/{key}", _text(content)
        try:
            tree = parse_json((text or b"").decode())
        except (NoTreeError, UnicodeDecodeError):
            yield place, ImportRowError("the profiles in it are not JSON")
            continue
        yield from profiles(tree)


def _devices(connection: sqlite3.Connection, columns: set[str]) -> Iterator[Placed]:
    """Say that there are tokens of devices: OpenClaw issues them itself."""
    if "token" in columns:
        (count,) = connection.execute("SELECT count(*) FROM device_auth_tokens").fetchone()
        for number in range(min(int(count), _MOST)):
            yield "device_auth_tokens", Left(name=f"device {number + 1}", reason=Reason.SESSION)


def _text(value: object) -> bytes | None:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value if isinstance(value, bytes) else None


_READERS = {"secret_store_entries": _secrets, "auth_profile_store": _profiles, "device_auth_tokens": _devices}


FORM = Form(rank=1, recognises=_recognises, read=_read)
