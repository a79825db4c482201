"""The use case: replace one credential's value, or go on with a replacement that was interrupted."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from keysweep.foundation.clock import Monotonic, Sleep
from keysweep.foundation.database.connect import StoreUnusableError
from keysweep.foundation.errors import ExitCode, KeysweepError, UsageError
from keysweep.rotation import agent_catalog, instances, provider_catalog
from keysweep.rotation.credential import Credential, State, VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.cells import expire
from keysweep.rotation.engine.escalate import escalate
from keysweep.rotation.engine.execute import drive
from keysweep.rotation.engine.journal import Journal, RotationEvent, RotationRecord
from keysweep.rotation.engine.lease import BusyError, Lease, acquire, hold, release
from keysweep.rotation.engine.plan import Plan, plan
from keysweep.rotation.engine.run import Budget, Run
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Account, Provider
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_LEAST_REVOKE_S = 10.0
"""A rotation that is taken up again past its deadline still gets this long before the old key is cut."""
_LEAST_END_S = 30.0
_BUSY_PAUSE_S = 0.2


class UnrecordedError(KeysweepError):
    """The journal could not be written: the rotation stopped where its last row says."""

    exit_code = ExitCode.HALF_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What shall be rotated, and why."""

    credential: str
    """Name."""
    mode: Mode
    reason: str
    number: int | None = None
    """The compromised version; None means the current one."""
    incident_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one rotation ended."""

    credential: str
    outcome: Outcome
    rotation: RotationRecord | None
    """None where nothing had to be done: the version was dead already."""
    events: tuple[RotationEvent, ...] = ()
    failure: KeysweepError | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Monotonic time; tests bring their own."""

    monotonic: Monotonic = time.monotonic
    sleep: Sleep = time.sleep


def preview(opened: OpenVault, request: Request) -> Plan:
    """Return the steps that `rotate` would take, without taking one.

    Raises:
        NotPossibleError: there is no automatic way.
        UnknownCredentialError: no such credential.
    """
    credential, provider, account = _parties(opened, request.credential)
    with opened.database.read() as connection:
        standby = store.version_in(connection, credential.id, State.STANDBY) is not None
    return plan(provider.facts, request.mode, standby=standby, has_admin=account.admin is not None)


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
            opened, _begin(opened, request, lease), lease, timer
        )


def resume(opened: OpenVault, rotation_id: str, *, timer: Timer | None = None) -> Report:
    """Go on with a rotation that was killed or stopped half way.

    Raises:
        UnknownRotationError: no such rotation.
        BusyError: a worker is at it.
        UsageError: it has ended.
    """
    expire(opened)
    with opened.database.write() as connection:
        record = journal.get(connection, rotation_id)
        if record.outcome in {Outcome.DONE, Outcome.ROLLED_BACK, Outcome.CONTAINED}:
            msg = f"rotation {record.id[:8]} has ended: {record.outcome}"
            raise UsageError(msg)
        lease = acquire(connection, record.credential_id, opened.clock)
    with _held(opened, lease):
        return _drive(opened, record.id, lease, timer or Timer())


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
            report = _drive(opened, record.id, lease, timer)
            if not rolling_back or report.outcome is not Outcome.ROLLED_BACK:
                return report
        elif current is not None and record.old_number == current.ref.number:
            report = _drive(opened, record.id, lease, timer)
    if report is None or request.number is None:
        return None
    with opened.database.read() as connection:
        meant = store.version(connection, VersionRef(credential_id=credential.id, number=request.number))
    return None if meant.state is State.CURRENT else report


def _begin(opened: OpenVault, request: Request, lease: Lease) -> str:
    """Store the rotation with its plan; the first thing that a crash would find."""
    steps = preview(opened, request).steps
    with opened.database.write() as connection:
        hold(connection, lease, opened.clock)
        credential = store.credential_named(connection, request.credential)
        current = store.version_in(connection, credential.id, State.CURRENT)
        if current is None:
            msg = f"{credential.name!r} has no current value"
            raise UsageError(msg, hint=f"keysweep keys set {credential.name}")
        identifier = uuid.uuid4().hex
        record = RotationRecord(
            id=identifier,
            credential_id=credential.id,
            old_number=current.ref.number,
            new_number=None,
            mode=request.mode,
            steps=steps,
            reason=request.reason,
            incident_id=request.incident_id,
            tag=f"keysweep-{credential.id[:8]}-{secrets.token_hex(4)}",
            started_at=opened.clock(),
            finished_at=None,
            outcome=None,
        )
        journal.begin(connection, record)
        opened.ledger.append(
            connection,
            actor="engine",
            action="rotation.started",
            subject=credential.name,
            detail={"rotation": identifier, "mode": request.mode.value, "reason": request.reason},
        )
    return identifier


def _drive(opened: OpenVault, identifier: str, lease: Lease, timer: Timer) -> Report:
    run = _run(opened, identifier, lease, timer)
    outcome, failure = drive(run)
    with opened.database.write() as connection:
        run.journal.renew(connection)
        journal.finish(connection, identifier, outcome, opened.clock())
        opened.ledger.append(
            connection,
            actor="engine",
            action="rotation.finished",
            subject=run.credential.name,
            detail={"rotation": identifier, "outcome": outcome.value},
        )
    opened.database.forget_log()
    with opened.database.read() as connection:
        return Report(
            credential=run.credential.name,
            outcome=outcome,
            rotation=journal.get(connection, identifier),
            events=journal.events(connection, identifier),
            failure=failure,
        )


def _run(opened: OpenVault, identifier: str, lease: Lease, timer: Timer) -> Run:
    with opened.database.read() as connection:
        record = journal.get(connection, identifier)
        name = store.credential_by_id(connection, record.credential_id).name
        bound = instances.agents_of(connection, record.credential_id)
    credential, provider, account = _parties(opened, name)
    settings, now = opened.settings.rotation, timer.monotonic()
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
            end_at=now + max(settings.deadline_s - spent, min(_LEAST_END_S, settings.deadline_s)),
        ),
        monotonic=timer.monotonic,
        sleep=timer.sleep,
    )


def _parties(opened: OpenVault, name: str) -> tuple[Credential, Provider, Account]:
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        admin = store.admin_for(connection, credential)
        current = store.version_in(connection, admin.id, State.CURRENT) if admin else None
        key = opened.vault.open_version(connection, current.ref) if current else None
        replaced = store.version_in(connection, credential.id, State.CURRENT)
    settings: Mapping[str, str] = {**opened.settings.providers.get(credential.provider, {}), **credential.settings}
    key_id = replaced.provider_key_id if replaced else None
    account = Account(credential=name, settings=settings, admin=key, key_id=key_id)
    return credential, provider_catalog.get(credential.provider), account


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
