"""Make room for a new key at a vendor that allows only a few live ones: a compromised key goes first, a healthy one never."""

from __future__ import annotations

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine import orphans
from keysweep.rotation.engine.run import Done, Run, StepFailedError, promised
from keysweep.rotation.vault import store


def free(run: Run, _attempt: int) -> Done:
    """End one key if all places are taken: a leftover of ours, else in forced mode the compromised one.

    Raises:
        StepFailedError: every place is taken by a key that may still serve somebody.
        ProviderError: the provider did not do its part.
    """
    most = run.provider.facts.max_live_keys
    listed = promised(run.provider.find)(run.account)
    if most is None or len(listed) < most:
        return Done(detail={"freed": None, "keys": len(listed)})
    with run.opened.database.read() as connection:
        stored = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
    tag = orphans.lineage(run.credential.id)
    leftovers = [key.key_id for key in listed if key.name.startswith(tag) and key.key_id not in stored]
    old = run.old().provider_key_id
    goes = leftovers[0] if leftovers else old if run.forced else None
    if goes is None:
        msg = f"the provider allows {most} keys and has {len(listed)}; one that nobody uses must go first"
        raise StepFailedError(msg, hint=f"keysweep keys reconcile {run.credential.provider}")
    promised(run.provider.revoke)(run.account, goes, run.old_value() if goes == old else Secret(b""))
    return Done(detail={"freed": goes, "keys": len(listed)})
