"""Make the old version current again: a planned rotation is unwound that had its new key promoted already."""

from __future__ import annotations

from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine import ends
from keysweep.rotation.engine.run import Run
from keysweep.rotation.vault import store


def demote(run: Run, new: Version) -> None:
    """Put the old value back into its version, out of the cell that keeps it, and let the new one be pending.

    Raises:
        StepFailedError: the old value is shredded.
        FencedError: another worker took over.
    """
    old, value = run.old(), run.old_value()
    with run.opened.database.write() as connection:
        run.journal.renew(connection)
        run.opened.vault.reseal(connection, run.credential, old, value)
        store.change_version(connection, new.ref, State.PENDING)
        store.change_version(connection, old.ref, State.CURRENT)
        store.mark_rotated(connection, run.credential.id, old.promoted_at or old.created_at)
        store.change_credential(connection, run.credential.id, expires_at=ends.demoted(run, connection))
        run.record_in_ledger(connection, "key.demoted", {"version": new.ref.number, "current": old.ref.number})
    value.wipe()
