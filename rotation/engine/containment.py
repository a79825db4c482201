"""A compromised key that was ended without a new one in its place: what is said of it, and how it goes on."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.credential import State
from keysweep.rotation.engine import breaker, journal, orphans, terms
from keysweep.rotation.engine.begin import lacking
from keysweep.rotation.engine.journal import RotationEvent
from keysweep.rotation.engine.plan import BY_ITSELF, Lack, Plan, handed_in
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Policy, Result, Step
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.providers import Kind
from keysweep.rotation.vault import store


def stopped(run: Run) -> KeysweepError:
    """Return why no new key was made, what became of the old one, and the one command that goes on."""
    with run.opened.database.read() as connection:
        trips = breaker.trips(connection, run.credential.id, run.opened.clock(), but=run.rotation_id)
        done = _done(journal.events(connection, run.rotation_id))
    if stranded(run):
        said: KeysweepError = lacking(Lack.HAND, run.credential, run.provider)
    elif trips:
        said = breaker.tripped(run.rotation_id)
    else:
        lack = Lack.ADMIN if run.provider.facts.needs_admin and run.account.admin is None else Lack.STANDBY
        said = lacking(lack, run.credential, run.provider)
    said.message = f"{_old_key(run, done)}; {said.message}"
    return said


def _old_key(run: Run, done: dict[Step, journal.RotationEvent]) -> str:
    if Step.PROVE_DEAD in done:
        return "the old key is dead"
    if Step.CONTAIN in done and done[Step.CONTAIN].detail.get("contained"):
        return "the old key is switched off"
    if (book := run.provider.runbook) is not None and run.provider.facts.kind is Kind.MANUAL:
        return f"the old key still works until a person ends it: {book.end} ({book.console})"
    return "the old key still works: it cannot be ended without its id at the provider"


def stranded(run: Run) -> bool:
    """Whether the old key has ended itself at a vendor that makes a new one only out of the old one."""
    if run.provider.facts.kind is not Kind.ROLL:
        return False
    with run.opened.database.read() as connection:
        done = _done(journal.events(connection, run.rotation_id))
    return Step.REVOKE in done and Step.ROLL not in done


def end_by_itself(run: Run) -> bool:
    """Let the rotation of a compromised key that cannot be rolled end it by itself instead; False where no key can, or it does already.

    Raises:
        FencedError: another worker took over.
    """
    if run.provider.end_self is None or not run.provider.facts.old_dies_on_set:
        return False
    with run.opened.database.write() as connection:
        run.journal.renew(connection)
        asked = terms.of(connection, run.rotation_id)
        if asked.policy is Policy.CONTAIN:
            return False
        journal.replan(connection, run.rotation_id, BY_ITSELF)
        terms.put(connection, run.rotation_id, replace(asked, policy=Policy.CONTAIN))
    return True


def lift(run: Run, planned: Plan, wanted: Terms, *, reason: str) -> None:
    """Let a rotation that only contained go on to a new key.

    Raises:
        FencedError: another worker took over.
        ProviderError: the provider did not list its keys.
    """
    before = orphans.listed_before(run) if Step.MINT in planned.steps else None
    with run.opened.database.write() as connection:
        if before is not None:  # somebody else may have made keys since
            run.journal.intent(connection, Step.PREPARE, {orphans.BEFORE: before})
        _continue(run, connection, planned.steps, wanted, reason)


def adopt(run: Run, wanted: Terms, *, reason: str) -> bool:
    """Let a rotation that only contained go on with a key that a person has stored meanwhile; False if there is none.

    Raises:
        FencedError: another worker took over.
    """
    with run.opened.database.write() as connection:
        run.journal.renew(connection)
        record = journal.get(connection, run.rotation_id)
        current = store.version_in(connection, record.credential_id, State.CURRENT)
        if record.new_number is not None or current is None or current.ref.number == record.old_number:
            return False
        journal.set_new_number(connection, record.id, current.ref.number)
        _continue(run, connection, handed_in(run.provider.facts), wanted, reason)
    return True


def _continue(run: Run, connection: Connection, steps: tuple[Step, ...], wanted: Terms, reason: str) -> None:
    run.journal.renew(connection)
    journal.replan(connection, run.rotation_id, steps)
    terms.put(connection, run.rotation_id, wanted)
    run.record_in_ledger(connection, "rotation.continued", {"reason": reason})


def _done(events: tuple[RotationEvent, ...]) -> dict[Step, RotationEvent]:
    return {event.step: event for event in events if event.result is Result.OK}
