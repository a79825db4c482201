"""Read the newest list of each provider's account before the freeze.  Read-only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.reports.listed import ListedRow, ListRow
from keysweep.rotation import lister_catalog


def lists(connection: Connection, end: datetime) -> tuple[ListRow, ...]:
    """Return one row an account that was asked before the freeze, by provider and account."""
    run = tables.reconciliation.c
    query = select(tables.reconciliation).where(run.finished_at <= to_text(end))
    asked: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query.order_by(run.finished_at, run.id)):
        asked[row.provider, row.account].append(row)
    names = {row.id: row.name for row in connection.execute(select(tables.credential.c.id, tables.credential.c.name))}
    return tuple(_of_account(connection, attempts, names) for _, attempts in sorted(asked.items()))


def _of_account(connection: Connection, attempts: list[Row[Any]], names: Mapping[str, str]) -> ListRow:
    newest = attempts[-1]
    read = next((row for row in reversed(attempts) if row.failure is None), None)
    admins = newest.provider in lister_catalog.names() and lister_catalog.get(newest.provider).lists_admins
    return ListRow(
        provider=newest.provider,
        account=newest.account,
        method=(read or newest).method,
        read_at=from_text(read.finished_at) if read else None,
        failed_at=from_text(newest.finished_at) if newest.failure is not None else None,
        failure=newest.failure or "",
        listed=read.listed if read else 0,
        matched=read.matched if read else 0,
        unknown=read.unknown if read else 0,
        gone=read.gone if read else 0,
        lists_admins=admins,
        keys=_keys(connection, read.id, names) if read else (),
    )


def _keys(connection: Connection, run: str, names: Mapping[str, str]) -> tuple[ListedRow, ...]:
    key = tables.provider_key.c
    query = select(tables.provider_key).where(key.reconciliation_id == run).order_by(key.key_id)
    return tuple(
        ListedRow(
            key_id=row.key_id,
            name=row.name,
            hint=row.hint,
            owner=row.owner,
            active=bool(row.active),
            created_at=from_text(row.created_at) if row.created_at else None,
            last_used_at=from_text(row.last_used_at) if row.last_used_at else None,
            first_seen=from_text(row.first_seen),
            credential=names.get(row.credential_id, ""),
            number=row.number,
        )
        for row in connection.execute(query)
    )
