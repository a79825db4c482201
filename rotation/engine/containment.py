"""A compromised key that was ended without a new one in its place: what is said of it, and how it goes on."""

from __future__ import annotations

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.engine import breaker, journal, terms
from keysweep.rotation.engine.begin import lacking
from keysweep.rotation.engine.journal import RotationRecord
from keysweep.rotation.engine.lease import Lease, hold
from keysweep.rotation.engine.plan import Lack, Plan
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Result, Step
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.providers import Kind
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


def stopped(run: Run) -> KeysweepError:
    """Return why no new key was made, what became of the old one, and the one command that goes on."""
    with run.opened.database.read() as connection:
        if breaker.trips(connection, run.credential.id, run.opened.clock(), but=run.rotation_id):
            said: KeysweepError = breaker.tripped(run.rotation_id)
        else:
            said = lacking(Lack.STANDBY, run.credential, run.provider)
        done = {event.step: event for event in journal.events(connection, run.rotation_id) if event.result is Result.OK}
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


def lift(opened: OpenVault, record: RotationRecord, lease: Lease, planned: Plan, wanted: Terms, *, reason: str) -> None:
    """Let a rotation that only contained go on to a new key.

    Raises:
        FencedError: another worker took over.
    """
    with opened.database.write() as connection:
        hold(connection, lease, opened.clock)
        journal.replan(connection, record.id, planned.steps)
        terms.put(connection, record.id, wanted)
        opened.ledger.append(
            connection,
            actor="engine",
            action="rotation.continued",
            subject=store.credential_by_id(connection, record.credential_id).name,
            detail={"rotation": record.id, "reason": reason},
        )
