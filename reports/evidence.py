"""What happened, read from the store: the whole population of credentials, rotations, exposures and scans.  Read-only."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.ledger.chain import head


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rule that the evidence is held against: the organisation's own, not a standard's."""

    max_age_days: int
    organisation: str
    prepared_by: str
    risk_analysis: str
    approved_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One credential at the freeze."""

    name: str
    provider: str
    owner: str
    environment: str
    is_admin: bool
    version: int | None
    fingerprint: str
    since: datetime
    """When the value in use became current, or was first issued."""
    age_days: int
    limit_days: int
    agents: tuple[str, ...]

    @property
    def overdue(self) -> bool:
        """Older than its limit."""
        return self.version is not None and self.age_days > self.limit_days


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One finished step of a rotation."""

    step: str
    at_ms: int
    """Since the rotation was accepted."""
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRow:
    """One rotation."""

    id: str
    credential: str
    provider: str
    mode: str
    reason: str
    started_at: datetime
    outcome: str
    """done, rolled-back, half-way, or running."""
    steps: tuple[StepRow, ...]
    incident_id: str | None
    old_fingerprint: str
    new_fingerprint: str

    def at_ms(self, step: str) -> int | None:
        """Return when a step succeeded, None if it did not."""
        return next((row.at_ms for row in self.steps if row.step == step and row.ok), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """One stored value that leaked."""

    credential: str
    version: int
    finding_id: str
    places: tuple[str, ...]
    first_seen: datetime
    opened_at: datetime | None
    """When the incident was accepted."""
    dead_at: datetime | None
    """When the leaked value was proven dead."""

    @property
    def seconds(self) -> float | None:
        """From the first sighting to the proof of death."""
        return (self.dead_at - self.first_seen).total_seconds() if self.dead_at else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRow:
    """One scan."""

    targets: tuple[str, ...]
    finished_at: datetime
    complete: bool
    files: int
    bytes: int
    gaps: tuple[tuple[str, str], ...]
    """Path and reason of what was not read."""
    findings: int
    mapped: int
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a report says is computed from this."""

    start: datetime
    end: datetime
    """The freeze: ages are as of this moment."""
    policy: Policy
    keys: tuple[KeyRow, ...]
    rotations: tuple[RotationRow, ...]
    exposures: tuple[ExposureRow, ...]
    scans: tuple[ScanRow, ...]
    events: dict[str, int]
    """Ledger entries of the period by action."""
    ledger_seq: int
    ledger_head: bytes
    oldest_entry: datetime | None


def collect(connection: Connection, policy: Policy, *, start: datetime, end: datetime) -> Evidence:
    """Read the evidence of a period, in one snapshot.

    Args:
        connection: an open store.
        policy: what it is held against.
        start: first moment of the period.
        end: the freeze.
    """
    seq, digest = head(connection)
    oldest = connection.execute(select(tables.ledger.c.body).order_by(tables.ledger.c.seq).limit(1)).scalar()
    return Evidence(
        start=start,
        end=end,
        policy=policy,
        keys=_keys(connection, policy, end),
        rotations=_rotations(connection, start, end),
        exposures=_exposures(connection, end),
        scans=_scans(connection, start, end),
        events=_events(connection, start, end),
        ledger_seq=seq,
        ledger_head=digest,
        oldest_entry=from_text(json.loads(oldest)["at"]) if oldest else None,
    )


def _keys(connection: Connection, policy: Policy, end: datetime) -> tuple[KeyRow, ...]:
    current = {
        row.credential_id: row
        for row in connection.execute(select(tables.version).where(tables.version.c.state == "current"))
    }
    agents = defaultdict(set)
    for row in connection.execute(select(tables.binding.c.credential_id, tables.binding.c.agent)):
        agents[row.credential_id].add(row.agent)
    rows = []
    query = select(tables.credential).where(tables.credential.c.created_at <= to_text(end))
    for row in connection.execute(query.order_by(tables.credential.c.name)):
        since = from_text(row.rotated_at or row.created_at)
        value = current.get(row.id)
        rows.append(
            KeyRow(
                name=row.name,
                provider=row.provider,
                owner=row.owner,
                environment=row.environment,
                is_admin=bool(row.is_admin),
                version=value.number if value else None,
                fingerprint=Fingerprint(value.fingerprint).short if value else "",
                since=since,
                age_days=max((end - since).days, 0),
                limit_days=row.max_age_days or policy.max_age_days,
                agents=tuple(sorted(agents[row.id])),
            )
        )
    return tuple(rows)


def _rotations(connection: Connection, start: datetime, end: datetime) -> tuple[RotationRow, ...]:
    versions = {
        (row.credential_id, row.number): Fingerprint(row.fingerprint).short
        for row in connection.execute(select(tables.version))
    }
    steps: dict[str, list[tuple[str, datetime, bool]]] = defaultdict(list)
    outcomes = select(tables.journal).where(tables.journal.c.phase == "outcome")
    for row in connection.execute(outcomes.order_by(tables.journal.c.rotation_id, tables.journal.c.seq)):
        steps[row.rotation_id].append((row.step, from_text(row.at), row.result == "ok"))
    query = (
        select(tables.rotation, tables.credential.c.name, tables.credential.c.provider)
        .join(tables.credential, tables.credential.c.id == tables.rotation.c.credential_id)
        .where(tables.rotation.c.started_at >= to_text(start), tables.rotation.c.started_at <= to_text(end))
        .order_by(tables.rotation.c.started_at, tables.rotation.c.id)
    )
    return tuple(
        RotationRow(
            id=row.id,
            credential=row.name,
            provider=row.provider,
            mode=row.mode,
            reason=row.reason,
            started_at=from_text(row.started_at),
            outcome=row.outcome or "running",
            steps=tuple(
                StepRow(step=name, at_ms=round((at - from_text(row.started_at)).total_seconds() * 1000), ok=ok)
                for name, at, ok in steps[row.id]
            ),
            incident_id=row.incident_id,
            old_fingerprint=versions.get((row.credential_id, row.old_number), ""),
            new_fingerprint=versions.get((row.credential_id, row.new_number), ""),
        )
        for row in connection.execute(query)
    )


def _exposures(connection: Connection, end: datetime) -> tuple[ExposureRow, ...]:
    """Return every stored value that a scan saw, with the fate of that value."""
    finding, sighting, credential = tables.finding, tables.sighting, tables.credential
    opened = {
        (row.credential_id, row.number): from_text(row.opened_at) for row in connection.execute(select(tables.incident))
    }
    dead = {
        (row.credential_id, row.number): from_text(row.dead_at) if row.dead_at else None
        for row in connection.execute(select(tables.version))
    }
    query = (
        select(finding, credential.c.id.label("credential_id"))
        .join(credential, credential.c.name == finding.c.credential)
        .where(finding.c.first_seen <= to_text(end))
        .order_by(finding.c.first_seen, finding.c.id)
    )
    rows = []
    for row in connection.execute(query):
        places = connection.execute(
            select(sighting.c.place).where(sighting.c.finding_id == row.id).order_by(sighting.c.place)
        )
        rows.append(
            ExposureRow(
                credential=row.credential,
                version=row.number,
                finding_id=row.id,
                places=tuple(places.scalars()),
                first_seen=from_text(row.first_seen),
                opened_at=opened.get((row.credential_id, row.number)),
                dead_at=dead.get((row.credential_id, row.number)),
            )
        )
    return tuple(rows)


def _scans(connection: Connection, start: datetime, end: datetime) -> tuple[ScanRow, ...]:
    query = select(tables.scan).where(
        tables.scan.c.finished_at >= to_text(start), tables.scan.c.finished_at <= to_text(end)
    )
    return tuple(
        ScanRow(
            targets=tuple(json.loads(row.targets)),
            finished_at=from_text(row.finished_at),
            complete=bool(row.complete),
            files=row.files,
            bytes=row.bytes,
            gaps=tuple((gap["path"], gap["reason"]) for gap in json.loads(row.skipped)),
            findings=row.findings,
            mapped=row.mapped,
            rules=row.rules,
        )
        for row in connection.execute(query.order_by(tables.scan.c.finished_at, tables.scan.c.id))
    )


def _events(connection: Connection, start: datetime, end: datetime) -> dict[str, int]:
    counts: dict[str, int] = defaultdict(int)
    total = connection.execute(select(func.count()).select_from(tables.ledger)).scalar()
    if total:
        for body in connection.execute(select(tables.ledger.c.body)).scalars():
            entry = json.loads(body)
            if to_text(start) <= entry["at"] <= to_text(end):
                counts[entry["action"]] += 1
    return dict(sorted(counts.items()))
