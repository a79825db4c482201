"""Check every row of the store against what was stated of it when it was last written (`foundation/database/row_states.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, select

from keysweep.foundation.database import listed, row_states, tables
from keysweep.foundation.errors import IntegrityError

_LISTED = 5
"""Forged rows that a message names one by one."""


def check_rows(connection: Connection) -> int | None:
    """Check the chain of statements against the ledger, and the rows against their last statements.

    The ledger itself is checked before.

    Returns:
        How many rows there are; None where nothing was stated yet: a store of an older keysweep, before its first write.

    Raises:
        IntegrityError: names the first bad statement, or the rows that are not what was written.
    """
    named = list(_named(connection))
    last = _last_statements(connection, named)
    if not named:
        return None
    forged: list[str] = []
    count = 0
    for table, key, digest in row_states.all_rows(connection):
        count += 1
        stated = last.pop((table, key), None)
        if stated is None:
            forged.append(f"{_called(connection, table, key)} was added")
        elif stated != digest:
            forged.append(f"{_called(connection, table, key)} {_how(connection, table, key, digest)}")
    forged += [
        f"{_called(connection, table, key)} was deleted" for (table, key), stated in last.items() if stated is not None
    ]
    if forged:
        more = f", and {len(forged) - _LISTED} more" if len(forged) > _LISTED else ""
        msg = f"not written by keysweep: {'; '.join(forged[:_LISTED])}{more}"
        raise IntegrityError(msg, hint="restore the store from a backup, and look for who wrote to it")
    if copied := listed.differing(connection, _LISTED):
        msg = f"not written by keysweep: the row of `listed` about {', '.join(copied)}"
        raise IntegrityError(msg, hint="restore the store from a backup, and look for who wrote to it")
    return count


def _named(connection: Connection) -> Iterator[tuple[int, int, bytes]]:
    """Yield the entries of the ledger that name the chain: entry, number of statements, head."""
    query = select(tables.ledger.c.seq, tables.ledger.c.body).where(tables.ledger.c.body.contains('"rows":"'))
    for row in connection.execute(query.order_by(tables.ledger.c.seq)):
        if text := json.loads(row.body).get("rows"):
            number, _, head = text.partition(":")
            yield row.seq, int(number), bytes.fromhex(head)


def _last_statements(
    connection: Connection, named: list[tuple[int, int, bytes]]
) -> dict[tuple[str, str], bytes | None]:
    """Walk the chain and return the last digest of each row.

    Raises:
        IntegrityError: a statement was changed, is missing, or was added behind the ledger's back.
    """
    awaited = iter(named)
    entry, number, head = next(awaited, (0, 0, row_states.GENESIS))
    expected, chain = 1, row_states.GENESIS
    last: dict[tuple[str, str], bytes | None] = {}
    for seq, table, key, digest, stored in row_states.statements(connection):
        chain = row_states.link(chain, table, key, digest)
        if seq != expected or stored != chain:
            msg = f"statement {expected} about {table} {key} was changed, or one before it is missing"
            raise IntegrityError(msg)
        if seq > number:
            msg = f"statement {seq} about {table} {key} is named by no entry of the ledger"
            raise IntegrityError(msg)
        if seq == number:
            if chain != head:
                msg = f"the statements up to {seq} are not those that ledger entry {entry} names"
                raise IntegrityError(msg)
            entry, number, head = next(awaited, (entry, number, head))
        last[table, key] = digest
        expected += 1
    if expected - 1 != number:
        msg = f"statements about rows are missing: ledger entry {entry} names {number}, there are {expected - 1}"
        raise IntegrityError(msg)
    return last


def _how(connection: Connection, table: str, key: str, digest: bytes) -> str:
    """Say whether a row is an earlier state of itself, or nothing that was ever written."""
    query = select(tables.row_state.c.seq).where(
        tables.row_state.c.table_name == table, tables.row_state.c.row_key == key, tables.row_state.c.digest == digest
    )
    return "is as it was before its last change" if connection.execute(query.limit(1)).first() else "was changed"


def _called(connection: Connection, table: str, key: str) -> str:
    """Name a row for people: by the credential's name where it belongs to one."""
    values = json.loads(key)
    columns = [column.name for column in tables.metadata.tables[table].primary_key]
    if table == "store":
        return "the row of the store"
    if table == "credential" or columns[0] == "credential_id":
        name = connection.execute(select(tables.credential.c.name).where(tables.credential.c.id == values[0])).scalar()
        rest = f" v{values[1]}" if table == "version" else "".join(f" {value}" for value in values[1:])
        return f"{table} {name or values[0]}{rest}"
    return f"{table} {'/'.join(str(value) for value in values)}"
