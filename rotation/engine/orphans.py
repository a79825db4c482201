"""Find and end keys that a lost answer left behind: they carry our tag and belong to no version."""

from __future__ import annotations

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import Run
from keysweep.rotation.vault import store


def sweep(run: Run) -> int:
    """Revoke every key at the provider that this rotation minted and did not keep; return how many.

    A key is an orphan by two signs: its name begins with the rotation's tag, and its id is not that of any stored version.

    Raises:
        ProviderError: the provider did not answer; the sweep may be repeated.
    """
    if run.provider.find is None or run.provider.revoke is None or run.provider.mint is None:
        return 0
    tag = run.record().tag
    with run.opened.database.read() as connection:
        kept = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
    swept = 0
    for key in run.provider.find(run.account):
        if key.name.startswith(tag) and key.active and key.key_id not in kept:
            run.provider.revoke(run.account, key.key_id, Secret(b""))
            swept += 1
    return swept
