"""Make a planned rotation that was interrupted a forced one: its old key has turned out to be compromised."""

from __future__ import annotations

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import RotationRecord
from keysweep.rotation.engine.lease import Lease, hold
from keysweep.rotation.engine.plan import escalated, without_grace
from keysweep.rotation.engine.steps import Mode, Step
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


def escalate(opened: OpenVault, record: RotationRecord, lease: Lease, *, reason: str, incident_id: str | None) -> bool:
    """Let a rotation go only forward from here on; return False if it is on its way back already and must end there first.

    Raises:
        FencedError: another worker took over.
    """
    with opened.database.write() as connection:
        hold(connection, lease, opened.clock)
        seen = {event.step for event in journal.events(connection, record.id)}
        if Step.ROLL_BACK in seen:
            return False
        if record.mode is Mode.FORCED:
            return True
        credential = store.credential_by_id(connection, record.credential_id)
        facts = provider_catalog.get(credential.provider).facts
        steps = without_grace(record.steps) if Step.PROMOTE in seen else escalated(facts, record.steps)
        journal.escalate(connection, record.id, steps, reason, incident_id)
        opened.ledger.append(
            connection,
            actor="engine",
            action="rotation.escalated",
            subject=credential.name,
            detail={"rotation": record.id, "reason": reason},
        )
    return True
