"""What is known of a credential beside its values: class, kind, runbook, last use.  The repository of the table `profile`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.rotation.credential import CredentialId

_USE_PAUSE = timedelta(minutes=1)
"""Uses closer together are noted once: a busy agent must not make every resolve a write of its own."""
PROVIDER = "provider"
"""Who a use is known from where the provider's list says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Facts of one credential."""

    policy_class: str = ""
    kind: str = ""
    """What the rules take its value for."""
    runbook: str = ""
    retired_reason: str = ""
    last_used_at: datetime | None = None
    last_used_by: str | None = None


def of(connection: Connection, credential: CredentialId) -> Profile:
    """Return what is known of a credential; an empty profile where nothing is."""
    row = connection.execute(_of(credential)).mappings().first()
    return read(row) if row else Profile()


def classes(connection: Connection) -> dict[str, str]:
    """Return the policy class of every credential that has one, by its id."""
    profile = tables.profile.c
    rows = connection.execute(select(profile.credential_id, profile["class"]).where(profile["class"] != ""))
    return {row.credential_id: row[1] for row in rows}


def read(row: RowMapping) -> Profile:
    """Read a row of the table, or of one joined to it."""
    return Profile(
        policy_class=row["class"] or "",
        kind=row["kind"] or "",
        runbook=row["runbook"] or "",
        retired_reason=row["retired_reason"] or "",
        last_used_at=from_text(row["last_used_at"]) if row["last_used_at"] else None,
        last_used_by=row["last_used_by"],
    )


def put(connection: Connection, credential: CredentialId, **facts: str) -> None:
    """State some facts; the others stay.

    Args:
        connection: a write transaction.
        credential: whose facts.
        facts: `policy_class`, `kind`, `runbook`, `retired_reason`.
    """
    if "policy_class" in facts:
        facts["class"] = facts.pop("policy_class")
    _write(connection, credential, facts)


def note_use(connection: Connection, credential: CredentialId, at: datetime, by: str) -> bool:
    """Note that a credential was used; False if a later or nearly as late use is known.

    Args:
        connection: a write transaction.
        credential: which.
        at: when.
        by: the agent that it was handed to, or `PROVIDER`.
    """
    known = of(connection, credential).last_used_at
    if known is not None and at - known < (timedelta(microseconds=1) if by == PROVIDER else _USE_PAUSE):
        return False
    _write(connection, credential, {"last_used_at": to_text(at), "last_used_by": by})
    return True


def _of(credential: CredentialId) -> Any:
    return select(tables.profile).where(tables.profile.c.credential_id == credential)


def _write(connection: Connection, credential: CredentialId, facts: dict[str, str]) -> None:
    known = connection.execute(_of(credential).with_for_update()).first()
    if known:
        connection.execute(update(tables.profile).where(tables.profile.c.credential_id == credential).values(facts))
        return
    empty = {"class": "", "kind": "", "runbook": "", "retired_reason": ""}
    connection.execute(insert(tables.profile).values(empty | facts | {"credential_id": credential}))
