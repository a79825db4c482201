"""The write-ahead journal: an intent row before every external effect, an outcome row after it.

Every write checks the lease's fence in its own transaction, so that a worker that was paused past its lease writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, final

from sqlalchemy import Connection, Row, func, insert, select, update

from keysweep.foundation.clock import Clock, from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.engine.lease import Lease, fresh, hold
from keysweep.rotation.engine.steps import Mode, Outcome, Phase, Result, Step

Detail = Mapping[str, str | int | bool | None]


class UnknownRotationError(UsageError):
    """No rotation has that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRecord:
    """One replacement of a credential's value, as stored."""

    id: str
    credential_id: CredentialId
    old_number: int
    new_number: int | None
    mode: Mode
    steps: tuple[Step, ...]
    reason: str
    incident_id: str | None
    tag: str
    started_at: datetime
    finished_at: datetime | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationEvent:
    """One journal row."""

    seq: int
    step: Step
    attempt: int
    phase: Phase
    result: Result | None
    detail: Detail
    at: datetime


@final
class Journal:
    """Writes the journal of one rotation under one lease."""

    def __init__(self, rotation_id: str, lease: Lease, clock: Clock) -> None:
        self._rotation_id = rotation_id
        self._lease = lease
        self._clock = clock

    def intent(self, connection: Connection, step: Step, detail: Detail | None = None) -> int:
        """Write that *step* is about to act, and return the number of the attempt, counted from 1.

        Raises:
            FencedError: another worker took over.
        """
        attempt = 1 + max((e.attempt for e in events(connection, self._rotation_id) if e.step is step), default=0)
        self._write(connection, step, attempt, Phase.INTENT, None, detail or {})
        return attempt

    def outcome(
        self, connection: Connection, step: Step, attempt: int, result: Result, detail: Detail | None = None
    ) -> None:
        """Write how an attempt ended; in the same transaction as what it changes here.

        Raises:
            FencedError: another worker took over.
        """
        self._write(connection, step, attempt, Phase.OUTCOME, result, detail or {})

    def renew(self, connection: Connection) -> None:
        """Keep the lease while a step waits.

        Raises:
            FencedError: another worker took over.
        """
        hold(connection, self._lease, self._clock)

    def fresh(self, connection: Connection) -> bool:
        """Return whether the lease needs no renewal yet; only reads.

        Raises:
            FencedError: another worker took over.
        """
        return fresh(connection, self._lease, self._clock)

    def _write(
        self, connection: Connection, step: Step, attempt: int, phase: Phase, result: Result | None, detail: Detail
    ) -> None:
        hold(connection, self._lease, self._clock)
        newest = connection.execute(
            select(func.max(tables.journal.c.seq)).where(tables.journal.c.rotation_id == self._rotation_id)
        ).scalar()
        connection.execute(
            insert(tables.journal).values(
                rotation_id=self._rotation_id,
                seq=int(newest or 0) + 1,
                step=step.value,
                attempt=attempt,
                phase=phase.value,
                result=result.value if result else None,
                detail=json.dumps(dict(detail), sort_keys=True),
                fence=self._lease.fence,
                at=to_text(self._clock()),
            )
        )


def begin(connection: Connection, record: RotationRecord) -> None:
    """Store a new rotation."""
    connection.execute(
        insert(tables.rotation).values(
            id=record.id,
            credential_id=record.credential_id,
            old_number=record.old_number,
            new_number=record.new_number,
            mode=record.mode.value,
            steps=json.dumps([step.value for step in record.steps]),
            reason=record.reason,
            incident_id=record.incident_id,
            tag=record.tag,
            started_at=to_text(record.started_at),
        )
    )


def set_new_number(connection: Connection, rotation_id: str, number: int) -> None:
    """Record which version comes."""
    connection.execute(update(tables.rotation).where(tables.rotation.c.id == rotation_id).values(new_number=number))


def escalate(
    connection: Connection, rotation_id: str, steps: tuple[Step, ...], reason: str, incident_id: str | None
) -> None:
    """Turn a planned rotation into a forced one: from here on it only goes forward."""
    connection.execute(
        update(tables.rotation)
        .where(tables.rotation.c.id == rotation_id)
        .values(
            mode=Mode.FORCED.value,
            steps=json.dumps([step.value for step in steps]),
            reason=reason,
            incident_id=incident_id,
        )
    )


def replan(connection: Connection, rotation_id: str, steps: tuple[Step, ...]) -> None:
    """Let a rotation go on by other steps; what is done stays done."""
    values = {"steps": json.dumps([step.value for step in steps])}
    connection.execute(update(tables.rotation).where(tables.rotation.c.id == rotation_id).values(**values))


def wait(connection: Connection, rotation_id: str) -> None:
    """Record that nothing is to be done until the grace of the old key is over."""
    values = {"outcome": Outcome.WAITING.value, "finished_at": None}
    connection.execute(update(tables.rotation).where(tables.rotation.c.id == rotation_id).values(**values))


def finish(connection: Connection, rotation_id: str, outcome: Outcome, at: datetime) -> None:
    """Record how a rotation ended; a half-way one may be finished again later."""
    connection.execute(
        update(tables.rotation)
        .where(tables.rotation.c.id == rotation_id)
        .values(outcome=outcome.value, finished_at=to_text(at))
    )


def get(connection: Connection, rotation_id: str) -> RotationRecord:
    """Return a rotation by its id or an unambiguous beginning of it.

    Raises:
        UnknownRotationError: none, or more than one, begins like that.
    """
    rows = connection.execute(
        select(tables.rotation).where(tables.rotation.c.id.startswith(rotation_id, autoescape=True)).limit(2)
    ).all()
    if len(rows) != 1:
        msg = f"no single rotation is called {rotation_id!r}"
        raise UnknownRotationError(msg, hint="keysweep rotate --list")
    return _record(rows[0])


def unfinished(connection: Connection, credential: CredentialId | None = None) -> tuple[RotationRecord, ...]:
    """Return rotations that did not reach an end, wait, or stopped half way; oldest first."""
    query = select(tables.rotation).where(
        tables.rotation.c.outcome.is_(None)
        | tables.rotation.c.outcome.in_([Outcome.HALF_WAY.value, Outcome.WAITING.value])
    )
    if credential:
        query = query.where(tables.rotation.c.credential_id == credential)
    return tuple(_record(row) for row in connection.execute(query.order_by(tables.rotation.c.started_at)))


def forced_since(connection: Connection, credential: CredentialId, moment: datetime) -> tuple[RotationRecord, ...]:
    """Return the forced rotations of a credential that began at *moment* or later; oldest first."""
    query = select(tables.rotation).where(
        tables.rotation.c.credential_id == credential,
        tables.rotation.c.mode == Mode.FORCED.value,
        tables.rotation.c.started_at >= to_text(moment),
    )
    return tuple(_record(row) for row in connection.execute(query.order_by(tables.rotation.c.started_at)))


def events(connection: Connection, rotation_id: str) -> tuple[RotationEvent, ...]:
    """Return the journal of a rotation, in order."""
    rows = connection.execute(
        select(tables.journal).where(tables.journal.c.rotation_id == rotation_id).order_by(tables.journal.c.seq)
    )
    return tuple(
        RotationEvent(
            seq=row.seq,
            step=Step(row.step),
            attempt=row.attempt,
            phase=Phase(row.phase),
            result=Result(row.result) if row.result else None,
            detail=json.loads(row.detail),
            at=from_text(row.at),
        )
        for row in rows
    )


def put_cell(connection: Connection, rotation_id: str, name: str, sealed: bytes, at: datetime) -> None:
    """Keep a sealed value until the rotation ends, in place of an earlier one of that name."""
    where = (tables.cell.c.rotation_id == rotation_id, tables.cell.c.name == name)
    values: dict[str, Any] = {"sealed": sealed, "created_at": to_text(at), "shredded_at": None}
    if connection.execute(update(tables.cell).where(*where).values(**values)).rowcount == 0:
        connection.execute(insert(tables.cell).values(rotation_id=rotation_id, name=name, **values))


def get_cell(connection: Connection, rotation_id: str, name: str) -> tuple[bytes, datetime] | None:
    """Return a sealed value and when it was sealed; None if it was never there or is shredded."""
    row = connection.execute(
        select(tables.cell).where(tables.cell.c.rotation_id == rotation_id, tables.cell.c.name == name)
    ).first()
    return (row.sealed, from_text(row.created_at)) if row and row.sealed is not None else None


def shred_cells(connection: Connection, rotation_id: str, at: datetime, *, name: str | None = None) -> None:
    """Destroy the sealed values of a rotation, or the one of that name."""
    query = update(tables.cell).where(tables.cell.c.rotation_id == rotation_id, tables.cell.c.sealed.is_not(None))
    if name:
        query = query.where(tables.cell.c.name == name)
    connection.execute(query.values(sealed=None, shredded_at=to_text(at)))


def _record(row: Row[Any]) -> RotationRecord:
    return RotationRecord(
        id=row.id,
        credential_id=CredentialId(row.credential_id),
        old_number=row.old_number,
        new_number=row.new_number,
        mode=Mode(row.mode),
        steps=tuple(Step(name) for name in json.loads(row.steps)),
        reason=row.reason,
        incident_id=row.incident_id,
        tag=row.tag,
        started_at=from_text(row.started_at),
        finished_at=from_text(row.finished_at) if row.finished_at else None,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )
