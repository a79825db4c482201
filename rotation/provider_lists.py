"""What providers listed, and every comparison with it.  The repository of the tables `provider_key` and `reconciliation`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, update

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.listers import ListedKey


def names(connection: Connection, account: str) -> dict[str, str]:
    """Return the name of each key that an account ever listed, by its id."""
    key = tables.provider_key.c
    rows = connection.execute(select(key.key_id, key.name).where(key.account == account))
    return {row.key_id: row.name for row in rows}


def add_run(
    connection: Connection,
    *,
    run: str,
    provider: str,
    account: str,
    started_at: datetime,
    finished_at: datetime,
    method: str,
    failure: str | None,
    numbers: Mapping[str, int],
) -> None:
    """Record one comparison, or that there was none and why."""
    connection.execute(
        insert(tables.reconciliation).values(
            id=run,
            provider=provider,
            account=account,
            started_at=to_text(started_at),
            finished_at=to_text(finished_at),
            method=method,
            failure=failure,
            **numbers,
        )
    )


def keep(
    connection: Connection,
    listed: Iterable[ListedKey],
    pairs: Mapping[str, VersionRef],
    *,
    run: str,
    provider: str,
    account: str,
    at: datetime,
) -> None:
    """Keep a list: a key that stood in an earlier one keeps when it was first seen; one that left stays as it was last seen."""
    known, fresh, again = names(connection, account), [], []
    for key in listed:
        stored = pairs.get(key.key_id)
        row = {
            "name": key.name,
            "hint": key.hint,
            "owner": key.owner,
            "active": int(key.active),
            "created_at": _text(key.created_at),
            "last_used_at": _text(key.last_used_at),
            "expires_at": _text(key.expires_at),
            "credential_id": stored.credential_id if stored else None,
            "number": stored.number if stored else None,
            "last_seen": to_text(at),
            "reconciliation_id": run,
        }
        if key.key_id in known:
            again.append(row | {"its_account": account, "its_id": key.key_id})
        else:
            place = {"account": account, "key_id": key.key_id, "provider": provider, "first_seen": to_text(at)}
            fresh.append(row | place)
            known[key.key_id] = key.name
    if fresh:
        connection.execute(insert(tables.provider_key), fresh)
    if again:
        its = tables.provider_key.c
        is_it = (its.account == bindparam("its_account")) & (its.key_id == bindparam("its_id"))
        connection.execute(update(tables.provider_key).where(is_it), again)


def _text(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
