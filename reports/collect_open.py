"""Read what had not ended at the freeze: rotations by their journals, leaked keys that are not stored.  Read-only."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.reports.open_rows import OpenRotation, StrangerRow
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.engine.next_command import lacks_key
from keysweep.rotation.engine.steps import Mode, Outcome, Policy, Result, Step

_NOT_ENDED = (Outcome.HALF_WAY.value, Outcome.CONTAINED.value)
_GUESS = "generic"
"""Confidence of a finding that only looks random: it may be no key at all."""


def rotations(connection: Connection, end: datetime) -> tuple[OpenRotation, ...]:
    """Return the rotations that had not ended at the freeze, oldest first; those whose old key nobody proved dead among them."""
    rotation, credential, version, terms = tables.rotation, tables.credential, tables.version, tables.rotation_terms
    freeze = to_text(end)
    query = (
        select(rotation, credential.c.name, credential.c.provider, version.c.dead_at, terms.c.policy, terms.c.grace_s)
        .join(credential, credential.c.id == rotation.c.credential_id)
        .join(
            version,
            and_(
                version.c.credential_id == rotation.c.credential_id,
                version.c.number == rotation.c.old_number,
            ),
        )
        .outerjoin(terms, terms.c.rotation_id == rotation.c.id)
        .where(
            rotation.c.started_at <= freeze,
            or_(
                rotation.c.finished_at.is_(None),
                rotation.c.finished_at > freeze,
                rotation.c.outcome.in_(_NOT_ENDED),
            ),
        )
    )
    rows = connection.execute(query.order_by(rotation.c.started_at, rotation.c.id))
    found = (_rotation(connection, row, _events(connection, row.id, freeze), freeze) for row in rows)
    return tuple(one for one in found if one.outcome is not Outcome.CONTAINED or one.dead_at is None)


def replaced_ends(connection: Connection, end: datetime) -> dict[str, datetime | None]:
    """Return when each credential ended by itself at the freeze, where a rotation has brought another value since."""
    journal, rotation = tables.journal, tables.rotation
    query = (
        select(rotation.c.credential_id, journal.c.detail)
        .join(rotation, rotation.c.id == journal.c.rotation_id)
        .where(journal.c.step == Step.PROMOTE.value, journal.c.result == Result.OK.value, journal.c.at > to_text(end))
        .order_by(journal.c.at, journal.c.rotation_id)
    )
    ends: dict[str, datetime | None] = {}
    for row in connection.execute(query):
        before = json.loads(row.detail).get("expired_before")
        ends.setdefault(row.credential_id, from_text(before) if before else None)
    return ends


def strangers(connection: Connection, start: datetime, end: datetime) -> tuple[StrangerRow, ...]:
    """Return the leaked keys that are not stored and that a scan saw in the period or after it; none that is a mere guess."""
    finding, sighting = tables.finding, tables.sighting
    freeze = to_text(end)
    query = select(finding).where(
        finding.c.credential.is_(None),
        finding.c.confidence != _GUESS,
        finding.c.first_seen <= freeze,
        finding.c.last_seen >= to_text(start),
    )
    return tuple(
        StrangerRow(
            finding_id=row.id,
            rule=row.rule,
            provider=row.provider,
            confidence=row.confidence,
            places=tuple(
                connection.execute(
                    select(sighting.c.place)
                    .where(sighting.c.finding_id == row.id, sighting.c.first_seen <= freeze)
                    .order_by(sighting.c.place)
                ).scalars()
            ),
            first_seen=from_text(row.first_seen),
            last_seen=min(from_text(row.last_seen), end),
        )
        for row in connection.execute(query.order_by(finding.c.first_seen, finding.c.id))
    )


def _events(connection: Connection, rotation_id: str, freeze: str) -> Sequence[Row[Any]]:
    journal = tables.journal.c
    query = select(tables.journal).where(journal.rotation_id == rotation_id, journal.at <= freeze)
    return connection.execute(query.order_by(journal.seq)).all()


def _rotation(connection: Connection, row: Row[Any], events: Sequence[Row[Any]], freeze: str) -> OpenRotation:
    policy = Policy(row.policy) if row.policy else Policy.SWAP
    done = {event.step: from_text(event.at) for event in events if event.result == Result.OK.value}
    failed = [event for event in events if event.result == Result.FAILED.value and event.step not in done]
    promoted = done.get(Step.PROMOTE.value)
    waits = promoted if Step.GRACE.value in json.loads(row.steps) and Step.GRACE.value not in done else None
    ended = row.finished_at is not None and row.finished_at <= freeze
    return OpenRotation(
        id=row.id,
        credential=row.name,
        provider=row.provider,
        number=row.old_number,
        mode=Mode(row.mode),
        policy=policy,
        guided=provider_catalog.rotation_of(row.provider) == "guided",
        started_at=from_text(row.started_at),
        last_at=from_text(events[-1].at if events else row.started_at),
        outcome=Outcome(row.outcome) if ended else None,
        promoted_at=promoted,
        waits_until=waits + timedelta(seconds=row.grace_s or 0) if waits else None,
        lacks_key=lacks_key(connection, CredentialId(row.credential_id), policy),
        dead_at=from_text(row.dead_at) if row.dead_at and row.dead_at <= freeze else None,
        why=str(json.loads(failed[-1].detail).get("message", "")) if failed else "",
    )
