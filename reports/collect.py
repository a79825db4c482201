"""Read the evidence of a period from the store, as it stood at the freeze.  Read-only, one snapshot."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.ledger.chain import head
from keysweep.reports import collect_open
from keysweep.reports.collect_lists import lists
from keysweep.reports.evidence import Evidence, ExposureRow, KeyRow, Policy, RotationRow, ScanRow, StepRow, UseRow
from keysweep.rotation import lister_catalog, policies, profiles, provider_catalog
from keysweep.rotation.age_limit import AgeLimit, Policies, Source
from keysweep.rotation.credential import State
from keysweep.scanner.known import MatchKind

_Uses = Mapping[str, Sequence[UseRow]]


def collect(connection: Connection, policy: Policy, *, start: datetime, end: datetime) -> Evidence:
    """Read the evidence of a period.

    Args:
        connection: an open store.
        policy: what it is held against.
        start: first moment of the period.
        end: the freeze: what happened later is not seen.
    """
    seq, digest = head(connection)
    oldest = connection.execute(select(tables.ledger.c.body).order_by(tables.ledger.c.seq).limit(1)).scalar()
    limits = policies.as_of(connection, end, default_days=policy.max_age_days)
    if policy.asked:
        limits = replace(limits, default=AgeLimit(max_age_days=policy.max_age_days, source=Source.SETTINGS))
    policy = _with_approval(policy, limits)
    uses = _uses(connection, limits, end)
    return Evidence(
        start=start,
        end=end,
        policy=policy,
        keys=_keys(connection, limits, uses, end),
        uses=tuple(use for of_one in uses.values() for use in of_one if use.until is None or use.until >= start),
        rotations=_rotations(connection, start, end),
        exposures=_exposures(connection, start, end),
        scans=_scans(connection, start, end),
        events=_events(connection, start, end),
        ledger_seq=seq,
        ledger_head=digest,
        oldest_entry=from_text(json.loads(oldest)["at"]) if oldest else None,
        lists=lists(connection, end),
        listable=lister_catalog.names(),
        adapters=provider_catalog.names(),
        open_rotations=collect_open.rotations(connection, end),
        strangers=collect_open.strangers(connection, start, end),
    )


def _with_approval(policy: Policy, limits: Policies) -> Policy:
    """Take the limits, their risk analyses and approvers from the stored policies, where there are any."""
    policy = replace(policy, classes=tuple(limit for _, limit in sorted(limits.classes.items())))
    if (stored := limits.default).source is Source.SETTINGS:
        return policy
    return replace(
        policy,
        max_age_days=stored.max_age_days,
        risk_analysis=stored.risk_analysis,
        approved_by=stored.approved_by,
    )


def _uses(connection: Connection, limits: Policies, end: datetime) -> _Uses:
    """Return, by credential, each value that was ever in use before the freeze, oldest first."""
    classes = profiles.classes(connection)
    promoted: dict[str, list[Row[Any]]] = defaultdict(list)
    query = select(tables.version).where(tables.version.c.promoted_at <= to_text(end))
    for row in connection.execute(query.order_by(tables.version.c.promoted_at, tables.version.c.number)):
        promoted[row.credential_id].append(row)
    uses: dict[str, list[UseRow]] = {}
    for credential in connection.execute(select(tables.credential).order_by(tables.credential.c.name)):
        values = promoted[credential.id]
        uses[credential.id] = [
            UseRow(
                credential=credential.name,
                owner=credential.owner,
                version=value.number,
                fingerprint=Fingerprint(value.fingerprint).short,
                since=from_text(value.promoted_at),
                until=_before(min(filter(None, (after, value.dead_at, credential.retired_at)), default=None), end),
                limit_days=limits.limit_of(classes.get(credential.id, ""), credential.max_age_days).max_age_days,
            )
            for value, after in zip(values, [*(v.promoted_at for v in values), None][1:], strict=True)
        ]
    return uses


def _keys(connection: Connection, limits: Policies, uses: _Uses, end: datetime) -> tuple[KeyRow, ...]:
    agents = defaultdict(set)
    for row in connection.execute(select(tables.binding.c.credential_id, tables.binding.c.agent)):
        agents[row.credential_id].add(row.agent)
    rows, classes, ends = [], profiles.classes(connection), collect_open.replaced_ends(connection, end)
    query = select(tables.credential).where(tables.credential.c.created_at <= to_text(end))
    for row in connection.execute(query.order_by(tables.credential.c.name)):
        value = next((use for use in uses[row.id] if use.until is None), None)
        since = value.since if value else from_text(row.created_at)
        standing = limits.standing(
            row.id, since=since, now=end, policy_class=classes.get(row.id, ""), own_days=row.max_age_days
        )
        rows.append(
            KeyRow(
                name=row.name,
                provider=row.provider,
                owner=row.owner,
                environment=row.environment,
                is_admin=bool(row.is_admin),
                created_at=from_text(row.created_at),
                version=value.version if value else None,
                fingerprint=value.fingerprint if value else "",
                since=since,
                age_days=standing.age_days,
                limit_days=standing.limit.max_age_days,
                policy_class=standing.limit.policy_class,
                risk_analysis=standing.limit.risk_analysis,
                approved_by=standing.limit.approved_by,
                exemption=standing.exemption,
                agents=tuple(sorted(agents[row.id])),
                expires_at=ends.get(row.id, from_text(row.expires_at) if row.expires_at else None),
            )
        )
    return tuple(rows)


def _rotations(connection: Connection, start: datetime, end: datetime) -> tuple[RotationRow, ...]:
    versions = {
        (row.credential_id, row.number): Fingerprint(row.fingerprint).short
        for row in connection.execute(select(tables.version))
    }
    steps: dict[str, list[tuple[str, datetime, bool]]] = defaultdict(list)
    outcomes = select(tables.journal).where(tables.journal.c.phase == "outcome", tables.journal.c.at <= to_text(end))
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
            outcome=(row.outcome if _before(row.finished_at, end) else None) or "running",
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


def _exposures(connection: Connection, start: datetime, end: datetime) -> tuple[ExposureRow, ...]:
    """Return every stored value that a scan saw and that was alive at some time of the period, with its fate.

    An id at its provider is no exposure of a key.
    """
    finding, sighting, credential = tables.finding, tables.sighting, tables.credential
    opened = {
        (row.credential_id, row.number): _before(row.opened_at, end)
        for row in connection.execute(select(tables.incident))
    }
    versions = {(row.credential_id, row.number): row for row in connection.execute(select(tables.version))}
    query = (
        select(finding, credential.c.id.label("credential_id"))
        .join(credential, credential.c.name == finding.c.credential)
        .where(finding.c.first_seen <= to_text(end), func.coalesce(finding.c.match, "") != MatchKind.KEY_ID.value)
        .order_by(finding.c.first_seen, finding.c.id)
    )
    rows = []
    for row in connection.execute(query):
        value = versions.get((row.credential_id, row.number))
        died = _before(value.dead_at, end) if value else None
        if died is not None and died < start and from_text(row.first_seen) < start:
            continue
        places = connection.execute(
            select(sighting.c.place)
            .where(sighting.c.finding_id == row.id, sighting.c.first_seen <= to_text(end))
            .order_by(sighting.c.place)
        )
        rows.append(
            ExposureRow(
                credential=row.credential,
                version=row.number,
                finding_id=row.id,
                places=tuple(places.scalars()),
                first_seen=from_text(row.first_seen),
                opened_at=opened.get((row.credential_id, row.number)),
                dead_at=died,
                standby=value is not None and value.state == State.STANDBY.value,
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
    for body in connection.execute(select(tables.ledger.c.body)).scalars():
        entry = json.loads(body)
        if to_text(start) <= entry["at"] <= to_text(end):
            counts[entry["action"]] += 1
    return dict(sorted(counts.items()))


def _before(text: str | None, end: datetime) -> datetime | None:
    """Return a moment unless it came after the freeze."""
    moment = from_text(text) if text else None
    return moment if moment is not None and moment <= end else None
