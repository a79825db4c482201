"""The actions by which the old key goes: promoted away, revoked, proven dead, shredded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine import ends, journal, orphans
from keysweep.rotation.engine.death import Death, Seen, prove_dead
from keysweep.rotation.engine.journal import RotationEvent
from keysweep.rotation.engine.run import OLD, Done, Run, StepFailedError, ValueGoneError, promised
from keysweep.rotation.engine.steps import Phase, Step
from keysweep.rotation.providers import Kind, ProviderError, Trouble
from keysweep.rotation.vault import store

_LIVES_ON = (State.PENDING, State.CURRENT, State.STANDBY)


def promote(run: Run, _attempt: int) -> Done:
    """Make the new version current, and let the old value go but for one cell until it is proven dead."""
    old, new = run.old(), run.new()
    expires_at, before = ends.promoted(run)

    def settle(connection: Connection) -> None:
        now = run.opened.clock()
        if store.sealed_value(connection, old.ref) is not None:
            value = run.opened.vault.open_version(connection, old.ref)
            run.keep(connection, OLD, value)
            value.wipe()
            store.shred_value(connection, old.ref)
        if old.state is not State.RETIRED:
            store.change_version(connection, old.ref, State.RETIRING)
        store.change_version(connection, new.ref, State.CURRENT, promoted_at=now)
        store.mark_rotated(connection, run.credential.id, now)
        store.change_credential(connection, run.credential.id, expires_at=expires_at)
        run.record_in_ledger(
            connection, "key.promoted", {"version": new.ref.number, "fingerprint": new.fingerprint.short}
        )

    return Done(detail={"version": new.ref.number, **before}, settle=settle)


def revoke(run: Run, _attempt: int) -> Done:
    """End the old key at the provider, addressed to its own id."""
    old = run.old()
    _guard_id(run, old)
    _move_late_starters(run)
    by_itself = _end_once_more(run, old)

    def settle(connection: Connection) -> None:
        now = run.opened.clock()
        state = State.RETIRED if old.state is State.RETIRED else State.RETIRING  # contained, it may be dead already
        store.change_version(connection, old.ref, state, revoked_at=now)
        run.record_in_ledger(
            connection, "key.revoked", {"version": old.ref.number, "fingerprint": old.fingerprint.short}
        )

    return Done(detail={"key_id": old.provider_key_id, "by_itself": by_itself}, settle=settle)


def end_of_life(run: Run, attempt: int) -> Done:
    """Retire the old version once it is proven dead; a key that outlived its revocation is revoked again.

    Raises:
        ValueGoneError: nobody can prove it any more.
    """
    old = run.old()
    with run.opened.database.read() as connection:
        events = journal.events(connection, run.rotation_id)
    value = run.old_value()
    if attempt > 1:
        _end(run, old, value)
    window = run.provider.facts.revocation_window  # a person may have ended it just now, and asked us to go on
    death = prove_dead(run, value, _seen_before(events, attempt), patience=window if attempt > 1 else timedelta(0))
    value.wipe()
    swept = orphans.sweep(run) if _minted_twice(events) else 0
    lived = _accepted_for(old, death)

    def settle(connection: Connection) -> None:
        store.change_version(connection, old.ref, State.RETIRED, dead_at=death.since)
        run.record_in_ledger(
            connection,
            "key.dead",
            {
                "version": old.ref.number,
                "fingerprint": old.fingerprint.short,
                "code": death.code,
                "probes": death.probes,
                "accepted_ms": lived,
            },
        )

    return Done(
        detail={
            "code": death.code,
            "probes": death.probes,
            "since": str(death.since),
            "accepted_ms": lived,
            "orphans_swept": swept,
            **({"by": "hand"} if run.provider.runbook is not None else {}),
        },
        settle=settle,
    )


def shred(run: Run, _attempt: int) -> Done:
    """Destroy the last sealed copy of the old value."""
    old = run.old()

    def settle(connection: Connection) -> None:
        journal.shred_cells(connection, run.rotation_id, run.opened.clock())
        store.shred_value(connection, old.ref)
        run.record_in_ledger(connection, "key.shredded", {"version": old.ref.number})

    return Done(detail={}, settle=settle)


def _seen_before(events: tuple[RotationEvent, ...], attempt: int) -> Seen:
    """Return what the attempt before has seen; one that was killed may have heard a yes and not have written it down."""
    left = [e for e in events if e.step is Step.PROVE_DEAD and e.attempt == attempt - 1 and e.phase is Phase.OUTCOME]
    return Seen.of(left[0].detail) if left else Seen()


def _minted_twice(events: tuple[RotationEvent, ...]) -> bool:
    """Whether a call may have made a key after another one was made in its place: by a worker that was fenced out and killed."""
    return sum(event.step is Step.MINT and event.phase is Phase.INTENT for event in events) > 1


def _accepted_for(old: Version, death: Death) -> int | None:
    """Return how many milliseconds the key was accepted after it was revoked, as far as that was seen."""
    if old.revoked_at is None:
        return None
    return round(max(death.since - old.revoked_at, timedelta(0)).total_seconds() * 1000)


def _end_once_more(run: Run, old: Version) -> bool:
    """End the old key, by its id if its value is gone already; return whether that took the key itself."""
    try:
        value = run.old_value()
    except ValueGoneError:
        if old.provider_key_id is None:
            raise
        value = Secret(b"")
    by_itself = _end(run, old, value)
    value.wipe()
    return by_itself


def _end(run: Run, old: Version, value: Secret) -> bool:
    """End the old key, unless the new value's arrival has ended it, or only a person can.

    A compromised key whose administering key is refused is ended with the key itself, where the provider allows that.
    """
    dies_by_the_new_one = run.provider.facts.old_dies_on_set and run.record().new_number is not None
    if run.provider.revoke is None and (dies_by_the_new_one or run.provider.runbook is not None):
        return False
    account = replace(run.acting(), key_id=old.provider_key_id)
    if run.provider.revoke is None and run.provider.end_self is not None and value:
        run.provider.end_self(account, value)
        return True
    try:
        promised(run.provider.revoke)(account, old.provider_key_id, value)
    except ProviderError as error:
        if error.trouble is not Trouble.REFUSED or run.provider.end_self is None or not (run.forced and value):
            raise
        run.provider.end_self(account, value)
        return True
    return False


def _guard_id(run: Run, old: Version) -> None:
    """Never address a revocation to the id of a key that lives on: only a set value keeps its id."""
    facts = run.provider.facts
    if old.provider_key_id is None or facts.old_dies_on_set or facts.kind is Kind.SET_VALUE:
        return
    with run.opened.database.read() as connection:
        others = [v for v in store.versions(connection, run.credential.id) if v.ref != old.ref and v.state in _LIVES_ON]
    if any(other.provider_key_id == old.provider_key_id for other in others):
        msg = "the old key and one that lives on have one provider id; nothing was revoked"
        raise StepFailedError(msg, hint=f"keysweep keys show {run.credential.name}")


def _move_late_starters(run: Run) -> None:
    """Ask agents again that started between ATTEST and PROMOTE: they got the old key, and would be left on it."""
    if run.record().new_number is None:
        return
    new = run.new()
    if new.state is State.CURRENT:
        for agent, delivery in run.deliveries(new):
            if agent.nudge is not None:
                agent.nudge(delivery)
