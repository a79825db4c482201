"""Read the rows of one SQLite database in a confined process: `python sqlite_rows.py FILE` writes its texts to standard output.

Runs with limits on memory and time, without the rest of keysweep; see `readers/sqlite.py`.  FILE is a private copy.  Each record is a head
(`RECORD`) and as many bytes as it says: a table with the names of its columns as JSON, a cell, or the end with how it went.
"""

from __future__ import annotations

import json
import sqlite3
import struct
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

RECORD = struct.Struct(">cqHI")
"""Kind, row id, number of the column, length of what follows."""
TABLE, CELL, CELL_WITHOUT_ROWID, END = b"T", b"C", b"W", b"E"
WHOLE, BROKEN, TIMEOUT, TOO_MUCH = b"whole", b"broken", b"timeout", b"too-much"
LARGEST_CELL = 64 << 20
MOST = 2 << 30
"""Bytes of text of one database."""
SHORTEST = 8
"""Bytes of a cell below which no key fits in."""
_MEMORY = 1 << 30
_SECONDS = 60
_STEPS = 100_000
_COLUMNS = "table_xinfo"
_STORED = frozenset((0, 3))
"""Kinds of columns whose values are stored: plain ones and computed ones that are kept.  To ask for the others would compute them."""


def _confine() -> None:
    import resource

    for limit, value in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS), (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(limit, (value, value))


def _only_reads(action: int, what: object, *_details: object) -> int:
    reads = action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
    return sqlite3.SQLITE_OK if reads or (action == sqlite3.SQLITE_PRAGMA and what == _COLUMNS) else sqlite3.SQLITE_DENY


def open_for_reading(path: str) -> sqlite3.Connection:
    """Open a private copy: whatever its schema asks for, columns of tables are read and nothing else is done."""
    connection = sqlite3.connect(f"file:{path}?mode=rw", uri=True)
    connection.text_factory = bytes
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST_CELL)
    connection.set_authorizer(_only_reads)
    ends = time.monotonic() + _SECONDS
    connection.set_progress_handler(lambda: int(time.monotonic() > ends), _STEPS)
    return connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Return the tables that have rows of their own: neither views nor virtual tables, whose code would run."""
    rows = connection.execute("SELECT name, type, rootpage FROM sqlite_schema").fetchall()
    return sorted(name.decode("utf-8", "replace") for name, kind, root in rows if kind == b"table" and root)


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[int | None, tuple[object, ...], list[str]]]:
    described = connection.execute(f"PRAGMA {_COLUMNS}({_quoted(table)})").fetchall()
    names = [column[1].decode("utf-8", "replace") for column in described if column[6] in _STORED]
    columns = ", ".join(_quoted(name) for name in names)
    try:
        cursor = connection.execute(f"SELECT _rowid_, {columns} FROM {_quoted(table)}")  # noqa: S608  names in quotes
        with_rowid = True
    except sqlite3.OperationalError:
        cursor = connection.execute(f"SELECT {columns} FROM {_quoted(table)}")  # noqa: S608  as above
        with_rowid = False
    for row in cursor:
        identifier = row[0] if with_rowid and isinstance(row[0], int) else None
        yield identifier, row[with_rowid:], names


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _write(connection: sqlite3.Connection, out: BinaryIO) -> bytes:
    """Write every table; return how it went.  One that is broken does not hide the others."""
    went, written = WHOLE, 0
    for table in _tables(connection):
        said = False
        try:
            for identifier, values, names in _rows(connection, table):
                if not said:
                    head = json.dumps([table, names]).encode()
                    out.write(RECORD.pack(TABLE, 0, 0, len(head)) + head)
                    said = True
                kind = CELL if identifier is not None else CELL_WITHOUT_ROWID
                for number, value in enumerate(values):
                    if not isinstance(value, bytes) or len(value) < SHORTEST:
                        continue
                    written += len(value)
                    if written > MOST:
                        return TOO_MUCH
                    out.write(RECORD.pack(kind, identifier or 0, number, len(value)) + value)
        except sqlite3.Error as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                return TIMEOUT
            went = BROKEN
    return went


def main(path: str) -> int:
    """Write the rows of the database at *path*."""
    _confine()
    out = sys.stdout.buffer
    try:
        went = _write(open_for_reading(path), out)
    except (sqlite3.Error, MemoryError, UnicodeError):
        went = BROKEN
    out.write(RECORD.pack(END, 0, 0, len(went)) + went)
    out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
