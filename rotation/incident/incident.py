"""Incidents: a stored key that is compromised, and why we think so.  Its repository, too."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.rotation.credential import CredentialId, VersionRef


class Cause(StrEnum):
    """Where the alarm came from."""

    FINDING = "finding"
    EVENT = "event"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One compromised version; later alarms about the same one join it."""

    id: str
    version: VersionRef
    cause: Cause
    reference: str
    """Finding id, ticket or event id."""
    opened_at: datetime
    closed_at: datetime | None = None


def incident_of(connection: Connection, version: VersionRef) -> Incident | None:
    """Return the incident of a version, open or closed; None if there never was one."""
    row = connection.execute(
        select(tables.incident).where(
            tables.incident.c.credential_id == version.credential_id, tables.incident.c.number == version.number
        )
    ).first()
    if row is None:
        return None
    return Incident(
        id=row.id,
        version=VersionRef(credential_id=CredentialId(row.credential_id), number=row.number),
        cause=Cause(row.cause),
        reference=row.reference,
        opened_at=from_text(row.opened_at),
        closed_at=from_text(row.closed_at) if row.closed_at else None,
    )


def open_incident(
    connection: Connection, version: VersionRef, cause: Cause, reference: str, at: datetime
) -> tuple[Incident, bool]:
    """Return the incident of a version, and whether it is new."""
    before = incident_of(connection, version)
    if before is not None:
        return before, False
    incident = Incident(id=uuid.uuid4().hex, version=version, cause=cause, reference=reference, opened_at=at)
    connection.execute(
        insert(tables.incident).values(
            id=incident.id,
            credential_id=version.credential_id,
            number=version.number,
            cause=cause.value,
            reference=reference,
            opened_at=to_text(at),
        )
    )
    return incident, True


def close_incident(connection: Connection, incident_id: str, at: datetime) -> None:
    """Record that the compromised key is proven dead; a closed incident stays as it was closed."""
    connection.execute(
        update(tables.incident)
        .where(tables.incident.c.id == incident_id, tables.incident.c.closed_at.is_(None))
        .values(closed_at=to_text(at))
    )
