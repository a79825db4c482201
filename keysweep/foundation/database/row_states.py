"""What each row was when it was last written: kept beside the rows, and named by the ledger, so that `verify` names a forged row.

Every write through `Database.write` is watched.  Before the transaction's next ledger entry, or at its end, the rows that
it touched are read back and stated: table, key, digest, in a hash chain whose head stands in that entry (ADR 0022).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, Delete, Engine, FromClause, Insert, Row, Table, Update, event, insert, select, tuple_

from keysweep.foundation.database import tables

GENESIS = bytes(32)
"""The chain before the first statement."""
_OPTION = "keysweep_touched"
_BATCH = 400
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
"""Made once: an import of thousands writes tens of thousands of rows as text."""
_OF_ANOTHER = {"version_print": "version"}
"""Tables whose rows are stated as a part of the row that they belong to."""
UNSTATED: Mapping[str, str] = {
    "listed": "a copy that verify compares with what it was copied from",
    "ledger": "a hash chain with a MAC of its own",
    "row_state": "its chain is named by the ledger",
    "checkpoint": "signed; its end is known from exports",
    "checkpoint_export": "says where copies lie; the copies are the proof",
    "match_use": "the word of a holder who cannot write the ledger",
    "instance": "changes with each heartbeat; what a supervisor says of itself",
    "holding": "attested anew with each heartbeat",
    "lease": "runs out by itself; the fence is checked with each write",
    "finding": "scans again say the same; each scan is an entry of the ledger",
    "sighting": "as finding",
    "scan": "as finding",
    "finding_alias": "as finding",
    "moved": "how far a rotation of the master key is; the values say by themselves which key opens them",
}
"""Tables whose rows are not stated, and why; every other table is, also one that is added later."""

Key = tuple[str | int, ...]


class Statement(NamedTuple):
    """One row was this, or was deleted, then."""

    seq: int
    table: str
    key: str
    digest: bytes | None
    chain: bytes


class Touched:
    """The rows that a transaction has written since they were last stated."""

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Key], None] = {}

    def add(self, table: FromClause, keys: Iterable[Key]) -> None:
        """Note rows of *table*."""
        name = str(getattr(table, "name", ""))
        owner = tables.metadata.tables[_OF_ANOTHER.get(name, name)]
        width = len(owner.primary_key)
        self.rows.update(((owner.name, key[:width]), None) for key in keys)


def watching() -> dict[str, Touched]:
    """Return the execution options of a transaction that is watched."""
    return {_OPTION: Touched()}


def watch(engine: Engine) -> None:
    """Note every row that a watched transaction inserts, updates or deletes.

    Text statements are not seen: whoever writes rows with them forges them, also if it is we.
    """

    @event.listens_for(engine, "before_execute")
    def _before(connection: Connection, clause: object, many: Any, one: Any, _options: object) -> None:
        if isinstance(clause, Update | Delete) and (touched := _touched(connection, table := clause.table)):
            key = list(table.primary_key)
            chosen = select(*key).with_for_update()
            if clause.whereclause is not None:
                chosen = chosen.where(clause.whereclause)
            for parameters in many or [one or {}]:
                touched.add(table, [tuple(row) for row in connection.execute(chosen, parameters)])

    @event.listens_for(engine, "after_execute")
    def _after(
        connection: Connection, clause: object, _many: object, _one: object, _options: object, result: Any
    ) -> None:
        if isinstance(clause, Insert) and (touched := _touched(connection, table := clause.table)):
            names = [column.name for column in table.primary_key]
            touched.add(table, [tuple(p[n] for n in names) for p in result.context.compiled_parameters])


def _touched(connection: Connection, table: object) -> Touched | None:
    if not isinstance(table, Table) or table.name in UNSTATED:
        return None
    found: Touched | None = connection.get_execution_options().get(_OPTION)
    return found


def unstated(connection: Connection) -> int:
    """Return how many rows this transaction has written and not stated yet."""
    touched: Touched | None = connection.get_execution_options().get(_OPTION)
    return len(touched.rows) if touched else 0


def state(connection: Connection) -> str:
    """State the rows that this transaction has written; the caller holds the lock of writers.

    Returns:
        How many statements there are and the head of their chain, as a ledger entry names them; empty if no row was written.
    """
    touched: Touched | None = connection.get_execution_options().get(_OPTION)
    if touched is None or not touched.rows:
        return ""
    last = connection.execute(
        select(tables.row_state.c.seq, tables.row_state.c.chain).order_by(tables.row_state.c.seq.desc()).limit(1)
    ).first()
    number, chain = (last.seq, last.chain) if last else (0, GENESIS)
    rows = _again(connection, touched) if last else all_rows(connection)
    statements = []
    for name, key, digest in rows:
        number += 1
        chain = link(chain, name, key, digest)
        statements.append({"seq": number, "table_name": name, "row_key": key, "digest": digest, "chain": chain})
    connection.execute(insert(tables.row_state), statements)
    touched.rows.clear()
    return name_of(number, chain)


def name_of(number: int, chain: bytes) -> str:
    """Return how a ledger entry names the chain of statements."""
    return f"{number}:{chain.hex()}"


def link(chain: bytes, table: str, key: str, digest: bytes | None) -> bytes:
    """Return the chain behind one more statement."""
    text = f"keysweep-row-v1\0{table}\0{key}\0".encode()
    return hashlib.sha256(text + chain + (b"\1" + digest if digest is not None else b"\0")).digest()


def statements(connection: Connection) -> Iterator[Statement]:
    """Yield every statement, oldest first."""
    for row in connection.execute(select(tables.row_state).order_by(tables.row_state.c.seq)):
        yield Statement(row.seq, row.table_name, row.row_key, row.digest, row.chain)


def newest(connection: Connection, table: str) -> bytes | None:
    """Return the chain at the last statement about a row of *table*; None if there is none."""
    chosen = select(tables.row_state.c.chain).where(tables.row_state.c.table_name == table)
    found: bytes | None = connection.execute(chosen.order_by(tables.row_state.c.seq.desc()).limit(1)).scalar()
    return found


def all_rows(connection: Connection) -> Iterator[tuple[str, str, bytes]]:
    """Yield table, key and digest of every row that is to be stated; parts without an owner stand for one."""
    for table in tables.metadata.sorted_tables:
        if table.name not in UNSTATED and table.name not in _OF_ANOTHER:
            parts = _parts(connection, table, None)
            for row in connection.execute(select(table).order_by(*table.primary_key)):
                key = _key(table, row)
                yield table.name, key_text(key), _digest([row, *parts.pop(key, ())])
            for key, orphans in parts.items():
                yield table.name, key_text(key), _digest(orphans)


def _again(connection: Connection, touched: Touched) -> Iterator[tuple[str, str, bytes | None]]:
    """Read the rows that were touched; one that is not there any more has no digest."""
    names = dict.fromkeys(name for name, _ in touched.rows)
    for name in names:
        table = tables.metadata.tables[name]
        wanted = tuple(key for of, key in touched.rows if of == name)
        for start in range(0, len(wanted), _BATCH):
            keys = wanted[start : start + _BATCH]
            found = {_key(table, row): row for row in connection.execute(select(table).where(_among(table, keys)))}
            parts = _parts(connection, table, keys)
            for key in keys:
                digest = _digest([found[key], *parts.get(key, ())]) if key in found else None
                yield name, key_text(key), digest


def _parts(connection: Connection, table: Table, keys: tuple[Key, ...] | None) -> dict[Key, list[Row[Any]]]:
    """Return the rows that are stated as a part of rows of *table*, by the key of their owner."""
    found: dict[Key, list[Row[Any]]] = {}
    for name in (part for part, owner in _OF_ANOTHER.items() if owner == table.name):
        part = tables.metadata.tables[name]
        query = select(part).order_by(*part.primary_key)
        if keys is not None:
            query = query.where(_among(part, keys))
        for row in connection.execute(query):
            found.setdefault(_key(part, row)[: len(table.primary_key)], []).append(row)
    return found


def _among(table: Table, keys: tuple[Key, ...]) -> Any:
    columns = list(table.primary_key)[: len(keys[0])]
    if len(columns) == 1:
        return columns[0].in_([key[0] for key in keys])
    return tuple_(*columns).in_(keys)


def _key(table: Table, row: Row[Any]) -> Key:
    return tuple(row._mapping[column.name] for column in table.primary_key)  # noqa: SLF001  SQLAlchemy's public name


def key_text(key: Key) -> str:
    """Return a primary key as it is stated."""
    return _JSON.encode(key)


def _digest(rows: Iterable[Row[Any]]) -> bytes:
    return hashlib.sha256("\n".join(map(_text, rows)).encode()).digest()


def _text(row: Row[Any]) -> str:
    """Return a row as JSON; nulls are left out, so that a migration may add a column that is null."""
    values = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in row._mapping.items()  # noqa: SLF001  SQLAlchemy's public name
        if value is not None
    }
    return _JSON.encode(values)
