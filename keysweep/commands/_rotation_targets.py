"""From the options of `rotate` to what is rotated, and the use cases that do it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import click

from keysweep.commands._table import table
from keysweep.foundation.errors import KeysweepError, UsageError
from keysweep.rotation import listing
from keysweep.rotation.credential import State
from keysweep.rotation.engine import journal
from keysweep.rotation.engine import rotate as engine
from keysweep.rotation.engine.rotate import Report, Request
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.incident.correlate import Suspicion, suspicions
from keysweep.rotation.incident.incident import Cause
from keysweep.rotation.incident.policy import Response
from keysweep.rotation.incident.respond import consider, respond, settle_incident, suspicion_of
from keysweep.rotation.incident.triggers.generic import TRIGGER
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner import history
from keysweep.scanner.known import MatchKind


def planned(opened: OpenVault, names: tuple[str, ...], *, due: bool, within: str) -> tuple[str, ...]:
    """Return the credentials that are rotated without haste: the named ones, or those past their age limit."""
    if not due:
        with opened.database.read() as connection:
            return tuple(store.credential_named(connection, name).name for name in names)
    return tuple(row.name for row in listing.due(opened, within=_days(within)))


def suspected(
    opened: OpenVault, names: tuple[str, ...], findings: tuple[str, ...], event: bytes | None, *, everything: bool
) -> tuple[Suspicion, ...]:
    """Return the stored versions that are said to be compromised: by name, by finding, by an event, or by every scan."""
    if event is not None:
        return (suspicion_of(opened, TRIGGER.parse(event)),)
    with opened.database.read() as connection:
        if everything:
            return tuple(
                s for s in suspicions(history.mapped(connection)) if s.match in {MatchKind.EXACT, MatchKind.PART}
            )
        named = tuple(_person(opened, name) for name in names)
        seen = [history.get(connection, identifier) for identifier in findings]
    for finding in seen:
        if finding.credential is None:
            msg = f"finding {finding.id} is no stored credential"
            raise UsageError(msg, hint="end it at its provider; then keysweep keys add, if an agent needs it")
    return (*named, *suspicions(seen))


def show_plans(opened: OpenVault, names: tuple[str, ...], suspects: tuple[Suspicion, ...], *, confirmed: bool) -> None:
    """Print the steps that would be taken, and what would not be rotated and why."""
    rows = []
    for name in names:
        steps = engine.preview(opened, Request(credential=name, mode=Mode.PLANNED, reason="")).steps
        rows.append((name, "planned", " > ".join(step.value for step in steps)))
    for suspicion in suspects:
        decision = consider(opened, suspicion, confirmed=confirmed)
        if decision.response is not Response.ROTATE:
            rows.append((suspicion.credential, decision.response.value, decision.reason.value))
            continue
        steps = engine.preview(opened, Request(credential=suspicion.credential, mode=Mode.FORCED, reason="")).steps
        rows.append((suspicion.credential, "forced", " > ".join(step.value for step in steps)))
    if rows:
        click.echo(table(("CREDENTIAL", "HOW", "STEPS"), rows))
    click.echo("Nothing was changed." if rows else "Nothing to rotate.", err=True)


def perform(
    opened: OpenVault,
    names: tuple[str, ...],
    suspects: tuple[Suspicion, ...],
    *,
    reason: str,
    confirmed: bool,
    say: Callable[[str], None],
) -> list[Report]:
    """Rotate all of them, one after the other, and return how each ended; one that cannot be rotated stops no other."""
    reports: list[Report] = []
    for name in names:
        try:
            reports.append(
                engine.rotate(opened, Request(credential=name, mode=Mode.PLANNED, reason=reason or "planned"))
            )
        except KeysweepError as error:
            reports.append(_not_rotated(name, error))
    for suspicion in suspects:
        why = reason or f"{suspicion.cause.value} {suspicion.reference}"
        try:
            answer = respond(opened, suspicion, reason=why, confirmed=confirmed)
        except KeysweepError as error:
            reports.append(_not_rotated(suspicion.credential, error))
            continue
        if answer.report is not None:
            reports.append(answer.report)
        else:
            say(f"{suspicion.credential}: not rotated ({answer.decision.reason.value}).")
            if answer.decision.response is Response.ASK:
                say(f"Next: keysweep rotate --finding {suspicion.reference} --yes")
    return reports


def _not_rotated(credential: str, error: KeysweepError) -> Report:
    return Report(credential=credential, outcome=Outcome.HALF_WAY, rotation=None, failure=error)


def resume(opened: OpenVault, rotation_id: str) -> Report:
    """Go on with an interrupted rotation, and close its incident if that ends it."""
    report = engine.resume(opened, rotation_id)
    settle_incident(opened, report)
    return report


def show_open(opened: OpenVault) -> int:
    """Print the rotations that have not ended."""
    with opened.database.read() as connection:
        rows = [
            (
                record.id[:12],
                store.credential_by_id(connection, record.credential_id).name,
                record.mode.value,
                f"{record.started_at:%F %T}",
                record.outcome.value if record.outcome else "interrupted",
            )
            for record in journal.unfinished(connection)
        ]
    click.echo(table(("ROTATION", "CREDENTIAL", "MODE", "STARTED (UTC)", "STATE"), rows))
    return 0


def _person(opened: OpenVault, name: str) -> Suspicion:
    """Return the version that a person means: the current one, or the one that an interrupted rotation is about."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        current = store.version_in(connection, credential.id, State.CURRENT)
        interrupted = journal.unfinished(connection, credential.id)
    if current is None:
        msg = f"{name!r} has no current value"
        raise UsageError(msg)
    return Suspicion(
        credential=name,
        number=interrupted[0].old_number if interrupted else current.ref.number,
        match=MatchKind.KEY_ID,
        certainty=1.0,
        cause=Cause.PERSON,
        reference="person",
    )


def _days(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,4})d?", text)
    if not found:
        msg = f"--within is a number of days, as 14d; not {text!r}"
        raise UsageError(msg)
    return timedelta(days=int(found[1]))
