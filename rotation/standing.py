"""Agents that ask for their keys (`keysweep resolve`): what the engine wants them to be served, and what they were seen to take.

They have no supervisor; each has one row of its own among the instances, whose host is empty.  What it took stands in `holding`:
how (`asked`, or what its kind saw beyond that) and whether since the engine told it last to take something.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Update, delete, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation import instances
from keysweep.rotation.credential import CredentialId, VersionRef

ASKED = "asked"
_BEFORE, _SINCE = 0, 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The last value that an agent took of one credential."""

    version: VersionRef
    fingerprint: Fingerprint
    method: str
    at: datetime
    since: bool
    """It was taken after the engine told the agent to."""


def wanted(connection: Connection, agent: str) -> Mapping[CredentialId, int]:
    """Return the versions that a rotation wants this agent to be served, where that is not simply the current one."""
    row = _row(connection, agent)
    found: Mapping[CredentialId, int] = json.loads(row.wanted_versions) if row else {}
    return found


def want(connection: Connection, agent: str, version: VersionRef, at: datetime) -> None:
    """Let the agent be served that version from now on."""
    row = _row(connection, agent)
    versions = json.loads(row.wanted_versions) if row else {}
    versions[version.credential_id] = version.number
    connection.execute(
        update(tables.instance)
        .where(tables.instance.c.id == _identifier(connection, agent, at))
        .values(wanted_versions=json.dumps(versions, sort_keys=True))
    )


def told(connection: Connection, agent: str, credential: CredentialId) -> None:
    """Note that what the agent took so far does not count any more."""
    row = _row(connection, agent)
    if row:
        connection.execute(_held(row.id, credential).values(generation=_BEFORE))


def took(
    connection: Connection,
    agent: str,
    version: VersionRef,
    fingerprint: Fingerprint,
    at: datetime,
    *,
    method: str = ASKED,
) -> None:
    """Note that the agent took a version; in the transaction that records the resolve."""
    identifier, credential = _identifier(connection, agent, at), version.credential_id
    connection.execute(
        delete(tables.holding).where(
            tables.holding.c.instance_id == identifier, tables.holding.c.credential_id == credential
        )
    )
    connection.execute(
        insert(tables.holding).values(
            instance_id=identifier,
            credential_id=credential,
            number=version.number,
            fingerprint=fingerprint.digest,
            generation=_SINCE,
            method=method,
            attested_at=to_text(at),
        )
    )


def proved(connection: Connection, agent: str, credential: CredentialId, method: str) -> None:
    """Note that what the agent took is what it runs on, and how that was seen."""
    row = _row(connection, agent)
    if row:
        connection.execute(_held(row.id, credential).values(method=method))


def taken(connection: Connection, agent: str, credential: CredentialId) -> Taken | None:
    """Return what the agent took last of a credential."""
    row = _row(connection, agent)
    if row is None:
        return None
    held = connection.execute(
        select(tables.holding).where(
            tables.holding.c.instance_id == row.id, tables.holding.c.credential_id == credential
        )
    ).first()
    return (
        Taken(
            version=VersionRef(credential_id=credential, number=held.number),
            fingerprint=Fingerprint(held.fingerprint),
            method=held.method,
            at=from_text(held.attested_at),
            since=held.generation == _SINCE,
        )
        if held
        else None
    )


def _row(connection: Connection, agent: str) -> Row[Any] | None:
    return connection.execute(
        select(tables.instance).where(
            tables.instance.c.agent == agent, tables.instance.c.host == "", tables.instance.c.stopped_at.is_(None)
        )
    ).first()


def _identifier(connection: Connection, agent: str, at: datetime) -> str:
    row = _row(connection, agent)
    return str(row.id) if row else instances.register(connection, agent, at, process=False)


def _held(identifier: str, credential: CredentialId) -> Update:
    return update(tables.holding).where(
        tables.holding.c.instance_id == identifier, tables.holding.c.credential_id == credential
    )
