"""From the options of `rotate` to what is rotated, and the use cases that do it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import click

from keysweep.commands._moment import duration
from keysweep.commands._table import table
from keysweep.foundation.errors import ExitCode, KeysweepError, UsageError
from keysweep.rotation import listing
from keysweep.rotation.credential import State
from keysweep.rotation.engine import grace, journal, rotate, terms
from keysweep.rotation.engine.begin import Request, preview
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.steps import Mode, Outcome, Policy
from keysweep.rotation.engine.sweep import sweep_all
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.incident.correlate import Suspicion, suspicions
from keysweep.rotation.incident.incident import Cause
from keysweep.rotation.incident.many import run_all
from keysweep.rotation.incident.policy import Response
from keysweep.rotation.incident.respond import answered, consider, forced_policy, respond, settle_incident
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner import history
from keysweep.scanner.known import MatchKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Targets:
    """What shall be rotated, in this order."""

    open_ones: tuple[str, ...] = ()
    """Ids of rotations that were begun and are to go on."""
    names: tuple[str, ...] = ()
    """Credentials that are rotated without haste."""
    suspects: tuple[Suspicion, ...] = ()
    """Stored versions that are said to be compromised."""
    confirmed: bool = False
    """A person has named them."""

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.open_ones or self.names or self.suspects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How it shall be done."""

    reason: str
    planned: Terms
    forced: Terms
    override_breaker: bool = False
    jobs: int = 1


def manner(
    opened: OpenVault,
    *,
    reason: str,
    policy: str | None,
    grace_for: str | None,
    deadline: str | None,
    reference: str,
    override_breaker: bool,
    jobs: int,
    confirmed: bool,
) -> Manner:
    """Return the manner that the options of a command mean.

    Raises:
        UsageError: they mean none.
    """
    if override_breaker and not reason:
        msg = "whoever overrides the circuit breaker says why"
        raise UsageError(msg, hint="--override-breaker --reason 'the source is closed'")
    within = duration(deadline, "--deadline") if deadline else timedelta(seconds=opened.settings.rotation.deadline_s)
    plain = Terms(agents=within, reference=reference)
    return Manner(
        reason=reason,
        planned=replace(plain, grace=duration(grace_for, "--grace") if grace_for else timedelta(0)),
        forced=replace(plain, policy=forced_policy(opened, Policy(policy) if policy else None, confirmed=confirmed)),
        override_breaker=override_breaker,
        jobs=jobs,
    )


def named(opened: OpenVault, names: tuple[str, ...]) -> Targets:
    """Return credentials that are rotated without haste, in the order in which they were named.

    Raises:
        UnknownCredentialError: one of them is not stored.
    """
    with opened.database.read() as connection:
        return Targets(names=tuple(dict.fromkeys(store.credential_named(connection, name).name for name in names)))


def due(opened: OpenVault, *, within: str) -> Targets:
    """Return the rotations that wait no longer or were interrupted, and the credentials that are past their age limit."""
    now = opened.clock()
    with opened.database.read() as connection:
        unfinished = journal.unfinished(connection)
        waiting = {
            record.id
            for record in unfinished
            if record.outcome is Outcome.WAITING
            and now < grace.over_after(journal.events(connection, record.id), terms.of(connection, record.id))
        }
        busy = {store.credential_by_id(connection, record.credential_id).name for record in unfinished}
    rows = listing.due(opened, within=duration(within, "--within") if within[-1:].isalpha() else _days(within))
    return Targets(
        open_ones=tuple(record.id for record in unfinished if record.id not in waiting),
        names=tuple(row.name for row in rows if row.name not in busy),
    )


def compromised(opened: OpenVault, names: tuple[str, ...], findings: tuple[str, ...], *, everything: bool) -> Targets:
    """Return the stored versions that are compromised: by name, by finding, or by every scan.

    Raises:
        UsageError: a name or a finding is none of a stored credential.
    """
    with opened.database.read() as connection:
        if everything:
            seen = suspicions(history.mapped(connection))
            return Targets(suspects=tuple(s for s in seen if s.match in {MatchKind.EXACT, MatchKind.PART}))
        by_name = tuple(_person(opened, name) for name in dict.fromkeys(names))
        found = [history.get(connection, identifier) for identifier in findings]
    for finding in found:
        if finding.credential is None:
            msg = f"finding {finding.id} is no stored credential"
            raise UsageError(msg, hint="end it at its provider; then keysweep keys add, if an agent needs it")
    return Targets(suspects=(*by_name, *suspicions(found)), confirmed=True)


def show_plans(opened: OpenVault, targets: Targets, how: Manner) -> None:
    """Print the steps that would be taken, and what would not be rotated and why."""
    rows = []
    with opened.database.read() as connection:
        for identifier in targets.open_ones:
            record = journal.get(connection, identifier)
            name = store.credential_by_id(connection, record.credential_id).name
            rows.append((name, "goes on", f"rotation {record.id[:12]}"))
    for name in targets.names:
        request = Request(credential=name, mode=Mode.PLANNED, reason="", terms=how.planned)
        rows.append(_plan_row(opened, request, "planned"))
    for suspicion in targets.suspects:
        decision = consider(opened, suspicion, confirmed=targets.confirmed, policy=how.forced.policy)
        if decision.response is not Response.ROTATE:
            rows.append((suspicion.credential, decision.response.value, decision.reason.value))
            continue
        request = Request(
            credential=suspicion.credential,
            mode=Mode.FORCED,
            reason="",
            terms=how.forced,
            override_breaker=how.override_breaker,
        )
        rows.append(_plan_row(opened, request, "forced"))
    if rows:
        click.echo(table(("CREDENTIAL", "HOW", "STEPS"), rows))
    click.echo("Nothing was changed." if rows else "Nothing to rotate.", err=True)


def _plan_row(opened: OpenVault, request: Request, how: str) -> tuple[str, str, str]:
    steps, policy = preview(opened, request)
    contained = policy is Policy.CONTAIN and request.mode is Mode.FORCED
    return request.credential, "contain only" if contained else how, " > ".join(step.value for step in steps.steps)


def perform(opened: OpenVault, targets: Targets, how: Manner) -> list[Report]:
    """Rotate all of them, so many at a time, and return how each ended, in order; one that cannot be rotated stops no other."""
    return run_all(
        [
            *(partial(_go_on, opened, identifier) for identifier in targets.open_ones),
            *(partial(_planned, opened, how, name) for name in targets.names),
            *(partial(_forced, opened, how, suspicion, targets.confirmed) for suspicion in targets.suspects),
        ],
        workers=how.jobs,
    )


def _go_on(opened: OpenVault, identifier: str, timer: Timer) -> Report:
    try:
        report = rotate.resume(opened, identifier, timer=timer)
        settle_incident(opened, report)
    except KeysweepError as error:
        with opened.database.read() as connection:
            record = journal.get(connection, identifier)
            return _not_rotated(store.credential_by_id(connection, record.credential_id).name, error)
    return report


def _planned(opened: OpenVault, how: Manner, name: str, timer: Timer) -> Report:
    request = Request(credential=name, mode=Mode.PLANNED, reason=how.reason or "planned", terms=how.planned)
    try:
        return rotate.rotate(opened, request, timer=timer)
    except KeysweepError as error:
        return _not_rotated(name, error)


def _forced(opened: OpenVault, how: Manner, suspicion: Suspicion, confirmed: bool, timer: Timer) -> Report:  # noqa: FBT001  of `partial`
    try:
        answer = respond(
            opened,
            suspicion,
            reason=how.reason or f"{suspicion.cause.value} {suspicion.reference}",
            confirmed=confirmed,
            terms=how.forced,
            override_breaker=how.override_breaker,
            timer=timer,
        )
    except KeysweepError as error:
        return _not_rotated(suspicion.credential, error)
    return answered(answer)


def _not_rotated(credential: str, error: KeysweepError) -> Report:
    return Report(credential=credential, outcome=Outcome.HALF_WAY, rotation=None, failure=error)


def resume(opened: OpenVault, rotation_id: str, how: Manner, *, grace_for: str | None) -> Report:
    """Go on with a rotation that waits or was interrupted, and close its incident if that ends it."""
    report = rotate.resume(
        opened,
        rotation_id,
        grace_left=how.planned.grace if grace_for else None,
        override_breaker=how.override_breaker,
        reason=how.reason,
    )
    settle_incident(opened, report)
    return report


def sweep(opened: OpenVault, say: Callable[[str], None]) -> ExitCode:
    """End the keys that earlier rotations left behind, print each, and return the exit code."""
    code, rows = ExitCode.DONE, []
    for one in sweep_all(opened):
        rows += [(one.credential, key_id) for key_id in one.ended]
        if one.failure is not None:
            code = ExitCode.HALF_WAY
            say(f"{one.credential}: {one.failure.message}.")
    if rows:
        click.echo(table(("CREDENTIAL", "ENDED KEY"), rows))
    say(f"{len(rows)} keys were left behind by rotations, and are ended." if rows else "No key was left behind.")
    if code is not ExitCode.DONE:
        say("Next: keysweep rotate --sweep")
    return code


def _person(opened: OpenVault, name: str) -> Suspicion:
    """Return the version that a person means: the current one, or the one that an interrupted rotation is about."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        current = store.version_in(connection, credential.id, State.CURRENT)
        interrupted = journal.unfinished(connection, credential.id)
    if interrupted:
        number = interrupted[0].old_number
    elif current is not None:
        number = current.ref.number
    else:
        msg = f"{name!r} has no current value"
        raise UsageError(msg, hint=f"keysweep keys set {name}")
    return Suspicion(
        credential=name,
        number=number,
        match=MatchKind.KEY_ID,
        certainty=1.0,
        cause=Cause.PERSON,
        reference="person",
    )


def _days(text: str) -> timedelta:
    return duration(f"{text}d", "--within")
