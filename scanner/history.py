"""What scans saw, kept in the store: findings, their places, and what was read.  The repository of the room."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.scanner.finding import Finding, Occurrence
from keysweep.scanner.group import finding_id
from keysweep.scanner.known import MatchKind
from keysweep.scanner.output.json import occurrence_json
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.place import describe_place

_SUREST = list(MatchKind)


class UnknownFindingError(UsageError):
    """No finding has that id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFinding:
    """A finding as the store remembers it."""

    id: str
    rule: str
    provider: str
    severity: str
    fingerprint: Fingerprint
    preview: Preview
    credential: str | None
    number: int | None
    match: MatchKind | None
    certainty: float | None
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One place where a finding was seen."""

    place: str
    first_seen: datetime
    last_seen: datetime


def record(
    connection: Connection,
    result: ScanResult,
    targets: Sequence[str],
    at: datetime,
    *,
    renewed: Callable[[Fingerprint], Fingerprint] = lambda fingerprint: fingerprint,
) -> str:
    """Store a scan and what it found; return the id of the scan.

    Args:
        connection: the transaction.
        result: what was found.
        targets: what was asked for.
        at: when the scan ended.
        renewed: what a fingerprint of the scan is now, where the store's master key was rotated meanwhile.
    """
    for found in result.findings:
        now = renewed(found.fingerprint)
        same = now == found.fingerprint
        _record_finding(connection, found if same else found._replace(id=finding_id(now), fingerprint=now), at)
    identifier = uuid.uuid4().hex
    coverage = result.coverage
    connection.execute(
        insert(tables.scan).values(
            id=identifier,
            targets=json.dumps(list(targets)),
            rules=result.rules,
            started_at=to_text(result.started_at),
            finished_at=to_text(at),
            complete=int(coverage.complete),
            files=coverage.files,
            bytes=coverage.bytes,
            skipped=json.dumps([{"path": skip.path, "reason": skip.reason.value} for skip in coverage.skipped]),
            findings=len(result.findings),
            mapped=sum(finding.credential is not None for finding in result.findings),
        )
    )
    return identifier


def get(connection: Connection, identifier: str) -> StoredFinding:
    """Return a finding by its id, an unambiguous beginning of it, or one that it had under a former master key.

    Raises:
        UnknownFindingError: none, or more than one, begins like that.
    """
    finding, alias = tables.finding, tables.finding_alias
    former = select(alias.c.finding_id).where(alias.c.former.startswith(identifier, autoescape=True))
    rows = connection.execute(
        select(finding).where(finding.c.id.startswith(identifier, autoescape=True) | finding.c.id.in_(former)).limit(2)
    ).all()
    if len(rows) != 1:
        msg = f"no single finding is called {identifier!r}"
        raise UnknownFindingError(msg, hint="scan with a store first; the id stands before each finding")
    return _stored(rows[0])


def mapped(connection: Connection) -> tuple[StoredFinding, ...]:
    """Return every finding that is a stored credential, oldest first."""
    rows = connection.execute(
        select(tables.finding)
        .where(tables.finding.c.credential.is_not(None))
        .order_by(tables.finding.c.first_seen, tables.finding.c.id)
    )
    return tuple(_stored(row) for row in rows)


def places(connection: Connection, finding_id: str) -> tuple[str, ...]:
    """Return where a finding was seen, a line each."""
    return tuple(
        connection.execute(
            select(tables.sighting.c.place)
            .where(tables.sighting.c.finding_id == finding_id)
            .order_by(tables.sighting.c.place)
        ).scalars()
    )


def sightings(connection: Connection, finding_id: str) -> tuple[Sighting, ...]:
    """Return where and when a finding was seen, in order of the first time."""
    table = tables.sighting
    rows = connection.execute(
        select(table).where(table.c.finding_id == finding_id).order_by(table.c.first_seen, table.c.place)
    )
    return tuple(
        Sighting(place=row.place, first_seen=from_text(row.first_seen), last_seen=from_text(row.last_seen))
        for row in rows
    )


def with_fingerprint(connection: Connection, beginning: bytes) -> tuple[StoredFinding, ...]:
    """Return the findings whose fingerprint begins like that, ten at most."""
    column = tables.finding.c.fingerprint
    lowest, highest = (beginning.ljust(32, filler) for filler in (b"\0", b"\xff"))
    rows = connection.execute(
        select(tables.finding).where(column >= lowest, column <= highest).order_by(tables.finding.c.id).limit(10)
    )
    return tuple(_stored(row) for row in rows)


def of_credential(connection: Connection, name: str) -> tuple[StoredFinding, ...]:
    """Return every finding that is a value of a credential, the newest first."""
    rows = connection.execute(
        select(tables.finding)
        .where(tables.finding.c.credential == name)
        .order_by(tables.finding.c.last_seen.desc(), tables.finding.c.id)
    )
    return tuple(_stored(row) for row in rows)


def _record_finding(connection: Connection, finding: Finding, at: datetime) -> None:
    now = to_text(at)
    known = finding.credential
    values: dict[str, Any] = {
        "rule": finding.rule,
        "provider": finding.provider,
        "severity": finding.severity.value,
        "confidence": finding.confidence.value,
        "fingerprint": finding.fingerprint.digest,
        "prefix": finding.preview.prefix,
        "length": finding.preview.length,
        "last_seen": now,
    }
    if known is not None:
        values |= {
            "credential": known.name,
            "number": known.version,
            "match": known.match.value,
            "certainty": known.certainty,
        }
    table = tables.finding
    before = connection.execute(select(table.c.match).where(table.c.id == finding.id)).scalar()
    # NOTE: a masked sighting of a key that was seen whole before must not take back that it leaked.
    if before and (known is None or _SUREST.index(known.match) > _SUREST.index(MatchKind(before))):
        values = {"last_seen": now}
    if connection.execute(update(table).where(table.c.id == finding.id).values(**values)).rowcount == 0:
        connection.execute(insert(table).values(id=finding.id, first_seen=now, **values))
    for occurrence in finding.occurrences:
        _record_sighting(connection, finding.id, occurrence, now)


def _record_sighting(connection: Connection, finding_id: str, occurrence: Occurrence, now: str) -> None:
    table = tables.sighting
    # NOTE: a path may hold bytes that are no text; databases refuse those, and a place is for people only.
    place = describe_place(occurrence).encode("utf-8", "backslashreplace").decode()
    where = (table.c.finding_id == finding_id, table.c.place == place)
    if connection.execute(update(table).where(*where).values(last_seen=now)).rowcount == 0:
        connection.execute(
            insert(table).values(
                finding_id=finding_id,
                place=place,
                detail=json.dumps(occurrence_json(occurrence)),
                first_seen=now,
                last_seen=now,
            )
        )


def _stored(row: Row[Any]) -> StoredFinding:
    return StoredFinding(
        id=row.id,
        rule=row.rule,
        provider=row.provider,
        severity=row.severity,
        fingerprint=Fingerprint(row.fingerprint),
        preview=Preview(prefix=row.prefix, length=row.length),
        credential=row.credential,
        number=row.number,
        match=MatchKind(row.match) if row.match else None,
        certainty=row.certainty,
        first_seen=from_text(row.first_seen),
        last_seen=from_text(row.last_seen),
    )
