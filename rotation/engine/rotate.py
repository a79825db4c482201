"""The use case: replace one credential's value, or go on with a replacement that was interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from keysweep.foundation.clock import to_text
from keysweep.foundation.database.connect import StoreUnusableError
from keysweep.foundation.errors import ExitCode, KeysweepError, UsageError
from keysweep.rotation import agent_catalog, instances
from keysweep.rotation.credential import Credential, State, VersionRef
from keysweep.rotation.engine import containment, grace, journal, terms
from keysweep.rotation.engine.begin import Request, begin, parties, preview
from keysweep.rotation.engine.cells import expire
from keysweep.rotation.engine.escalate import escalate
from keysweep.rotation.engine.execute import back, drive, rolled
from keysweep.rotation.engine.journal import Journal, RotationRecord
from keysweep.rotation.engine.lease import BusyError, Lease, acquire, release
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.run import Budget, Run, StepFailedError
from keysweep.rotation.engine.steps import Mode, Outcome, Policy, Step
from keysweep.rotation.providers import SOON
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_LEAST_REVOKE_S = 10.0
"""A rotation that is taken up again past its deadline still gets this long before the old key is cut."""
_LEAST_END_S = 30.0
_BUSY_PAUSE_S = 0.2


class UnrecordedError(KeysweepError):
    """The journal could not be written: the rotation stopped where its last row says."""

    exit_code = ExitCode.HALF_WAY


class AbortedError(StepFailedError):
    """A person wanted the old key back."""


def rotate(opened: OpenVault, request: Request, *, timer: Timer | None = None) -> Report:
    """Replace a credential's value; a rotation of it that was interrupted is taken up instead of starting a second one.

    Raises:
        NotPossibleError: there is no automatic way; nothing was done.
        UnknownCredentialError: no such credential.
        BusyError: another worker rotates it and did not finish in time.
    """
    expire(opened)
    timer = timer or Timer()
    until = timer.monotonic() + opened.settings.rotation.deadline_s
    while True:
        with opened.database.read() as connection:
            credential = store.credential_named(connection, request.credential)
        if done := _already_dead(opened, credential, request):
            return done
        try:
            with opened.database.write() as connection:
                lease = acquire(connection, credential.id, opened.clock)
            break
        except BusyError:
            if timer.monotonic() > until:
                raise
            timer.sleep(_BUSY_PAUSE_S)
    with _held(opened, lease):
        if done := _already_dead(opened, credential, request):
            return done
        return _take_up(opened, credential, request, lease, timer) or _drive(
            opened, begin(opened, request, lease), lease, timer
        )


def resume(
    opened: OpenVault,
    rotation_id: str,
    *,
    grace_left: timedelta | None = None,
    override_breaker: bool = False,
    reason: str = "",
    timer: Timer | None = None,
) -> Report:
    """Go on with a rotation that waits, was killed or stopped half way.

    Args:
        opened: the store.
        rotation_id: or an unambiguous beginning of it.
        grace_left: how long the old key may live on, counted from when the new one became current; None for what was asked first.
        override_breaker: a person says that the source of the leaks is closed.
        reason: why that is so.
        timer: tells the time.

    Raises:
        UnknownRotationError: no such rotation.
        BusyError: a worker is at it.
        UsageError: it has ended, or cannot be taken on such terms.
    """
    expire(opened)
    with opened.database.write() as connection:
        record = journal.get(connection, rotation_id)
        _refuse_ended(record)
        if grace_left is not None and Step.GRACE not in record.steps:
            msg = f"the rotation {record.id[:8]} has no grace that could be changed"
            raise UsageError(msg, hint=f"keysweep rotate --resume {record.id[:12]}")
        lease = acquire(connection, record.credential_id, opened.clock)
        if grace_left is not None:
            terms.put(connection, record.id, replace(terms.of(connection, record.id), grace=grace_left))
    with _held(opened, lease):
        return _go_on(opened, record, lease, timer or Timer(), override_breaker=override_breaker, reason=reason)


def abort(opened: OpenVault, rotation_id: str, *, reason: str, timer: Timer | None = None) -> Report:
    """Return to the old key: only a planned rotation does, and only as long as that key is not being ended.

    Raises:
        UnknownRotationError: no such rotation.
        BusyError: a worker is at it.
        UsageError: there is no way back; the hint says how it goes on.
    """
    with opened.database.write() as connection:
        record = journal.get(connection, rotation_id)
        _refuse_ended(record)
        lease = acquire(connection, record.credential_id, opened.clock)
    with _held(opened, lease):
        run = _run(opened, record.id, lease, timer or Timer())
        with opened.database.read() as connection:
            seen = {event.step for event in journal.events(connection, record.id)}
        why = None
        if record.mode is Mode.FORCED:
            why = "its old key is compromised"
        elif Step.REVOKE in seen:
            why = "its old key is being ended already"
        elif rolled(run):
            why = "the provider has ended the old key by making the new one"
        if why is not None:
            msg = f"rotation {record.id[:8]} only goes forward: {why}"
            raise UsageError(msg, hint=f"keysweep rotate --resume {record.id[:12]}")
        with opened.database.write() as connection:
            run.journal.renew(connection)
            run.record_in_ledger(connection, "rotation.aborted", {"reason": reason})
        outcome, failure = back(run, AbortedError("a person aborted the rotation"))
        return _ended(opened, run, outcome, None if outcome is Outcome.ROLLED_BACK else failure)


def _refuse_ended(record: RotationRecord) -> None:
    if record.outcome in {Outcome.DONE, Outcome.ROLLED_BACK}:
        msg = f"rotation {record.id[:8]} has ended: {record.outcome}"
        raise UsageError(msg)


@contextmanager
def _held(opened: OpenVault, lease: Lease) -> Iterator[None]:
    """Give the lease back when the block ends.

    Raises:
        UnrecordedError: the store could not be written.
    """
    try:
        yield
    except StoreUnusableError as error:
        msg = f"the rotation stopped where it was: {error.message}"
        raise UnrecordedError(msg, hint="mend the store, then: keysweep rotate --list") from None
    finally:
        with suppress(StoreUnusableError), opened.database.write() as connection:  # it runs out by itself
            release(connection, lease)


def _take_up(opened: OpenVault, credential: Credential, request: Request, lease: Lease, timer: Timer) -> Report | None:
    """Go on with the interrupted rotation that answers the request, and before it with one that stands in its way.

    Returns:
        None if the request still needs a rotation of its own.
    """
    with opened.database.read() as connection:
        open_ones = journal.unfinished(connection, credential.id)
        current = store.version_in(connection, credential.id, State.CURRENT)
    report = None
    for record in open_ones:
        if request.number in {None, record.old_number}:
            rolling_back = request.mode is Mode.FORCED and not escalate(
                opened, record, lease, reason=request.reason, incident_id=request.incident_id
            )
            report = _go_on(
                opened, record, lease, timer, override_breaker=request.override_breaker, reason=request.reason
            )
            if not rolling_back or report.outcome is not Outcome.ROLLED_BACK:
                return report
        elif current is not None and record.old_number == current.ref.number:
            report = _drive(opened, record.id, lease, timer)
    if report is None or request.number is None:
        return None
    with opened.database.read() as connection:
        meant = store.version(connection, VersionRef(credential_id=credential.id, number=request.number))
    return None if meant.state is State.CURRENT else report


def _go_on(
    opened: OpenVault, record: RotationRecord, lease: Lease, timer: Timer, *, override_breaker: bool, reason: str
) -> Report:
    """Drive a rotation on; one that only contained the old key brings the new one, if there is one or that has become possible."""
    with opened.database.read() as connection:
        was = terms.of(connection, record.id)
        name = store.credential_by_id(connection, record.credential_id).name
    run = _run(opened, record.id, lease, timer)
    wanted_then = replace(was, policy=Policy.REVOKE_FIRST)
    adopted = was.policy is Policy.CONTAIN and containment.adopt(run, wanted_then, reason=reason)
    if was.policy is Policy.CONTAIN and not adopted and not containment.stranded(run):
        wanted = Request(
            credential=name,
            mode=Mode.FORCED,
            reason=reason,
            terms=wanted_then,
            override_breaker=override_breaker,
        )
        planned, policy = preview(opened, wanted, but=record.id)
        if policy is not Policy.CONTAIN:
            containment.lift(run, planned, replace(was, policy=policy), reason=reason)
    return _drive(opened, record.id, lease, timer)


def _drive(opened: OpenVault, identifier: str, lease: Lease, timer: Timer) -> Report:
    run = _run(opened, identifier, lease, timer)
    outcome, failure = drive(run)
    with opened.database.read() as connection:
        contained = terms.of(connection, identifier).policy is Policy.CONTAIN
    if contained and outcome is Outcome.DONE:
        outcome, failure = Outcome.HALF_WAY, containment.stopped(run)
    return _ended(opened, run, outcome, failure)


def _ended(opened: OpenVault, run: Run, outcome: Outcome, failure: KeysweepError | None) -> Report:
    """Write down how a rotation ended, or until when it waits."""
    until = grace.over_at(run) if outcome is Outcome.WAITING else None
    with opened.database.write() as connection:
        run.journal.renew(connection)
        if until is not None:
            journal.wait(connection, run.rotation_id)
            run.record_in_ledger(connection, "rotation.waiting", {"until": to_text(until)})
        else:
            journal.finish(connection, run.rotation_id, outcome, opened.clock())
            run.record_in_ledger(connection, "rotation.finished", {"outcome": outcome.value})
    opened.database.forget_log()
    with opened.database.read() as connection:
        return Report(
            credential=run.credential.name,
            outcome=outcome,
            rotation=journal.get(connection, run.rotation_id),
            events=journal.events(connection, run.rotation_id),
            failure=failure,
            waits_until=until,
        )


def _run(opened: OpenVault, identifier: str, lease: Lease, timer: Timer) -> Run:
    with opened.database.read() as connection:
        record = journal.get(connection, identifier)
        name = store.credential_by_id(connection, record.credential_id).name
        bound = instances.agents_of(connection, record.credential_id)
    credential, provider, account = parties(opened, name)
    settings, now = opened.settings.rotation, timer.monotonic()
    deadline_s = settings.deadline_s + max(provider.facts.accepted_within - SOON, timedelta(0)).total_seconds()
    spent = max((opened.clock() - record.started_at).total_seconds(), 0.0)
    return Run(
        opened=opened,
        credential=credential,
        provider=provider,
        account=account,
        agents=tuple((agent, agent_catalog.get(agent.kind)) for agent in bound),
        rotation_id=identifier,
        journal=Journal(identifier, lease, opened.clock),
        budget=Budget(
            revoke_at=now + max(settings.revoke_after_s - spent, min(_LEAST_REVOKE_S, settings.revoke_after_s)),
            end_at=now + max(deadline_s - spent, min(_LEAST_END_S, settings.deadline_s)),
        ),
        monotonic=timer.monotonic,
        sleep=timer.sleep,
    )


def _already_dead(opened: OpenVault, credential: Credential, request: Request) -> Report | None:
    """Answer a late alarm from history: a dead key is not rotated again."""
    if request.number is None:
        return None
    with opened.database.read() as connection:
        if any(r.old_number == request.number for r in journal.unfinished(connection, credential.id)):
            return None
        version = store.version(connection, VersionRef(credential_id=credential.id, number=request.number))
    if version.state is not State.RETIRED:
        return None
    return Report(
        credential=credential.name, outcome=Outcome.DONE, rotation=None, note=f"dead since {version.dead_at:%F %T} UTC"
    )
