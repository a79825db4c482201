"""An administering value that serves once: the call that used it up brought the next one, which must not be lost."""

from __future__ import annotations

from sqlalchemy import Connection

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.engine.run import Run, StepFailedError
from keysweep.rotation.vault import store


def succeed(run: Run, connection: Connection, value: Secret) -> None:
    """Store *value* in place of the credential's administering one, in the transaction that stores the new key.

    Raises:
        StepFailedError: the credential has no administering one any more.
    """
    administers = store.admin_for(connection, run.credential)
    if administers is None:
        msg = "the administering credential is gone, and with it the place for what came with the new key"
        raise StepFailedError(msg, hint=f"keysweep keys show {run.credential.name}")
    used_up = store.version_in(connection, administers.id, State.CURRENT)
    if used_up is not None:
        store.change_version(connection, used_up.ref, State.RETIRING)
        store.shred_value(connection, used_up.ref)
    version = run.opened.vault.add_version(connection, administers, value, state=State.CURRENT)
    store.mark_rotated(connection, administers.id, version.created_at)
    run.opened.ledger.append(
        connection,
        actor="engine",
        action="key.stored",
        subject=administers.name,
        detail={"version": version.ref.number, "fingerprint": version.fingerprint.short, "state": version.state.value},
    )
