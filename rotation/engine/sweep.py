"""Find the keys that rotations of long ago left behind at the providers, and end them: the daily look at every credential."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from keysweep.foundation.database.connect import StoreUnusableError
from keysweep.foundation.errors import KeysweepError
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import Credential
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.begin import parties
from keysweep.rotation.engine.lease import acquire, hold, release
from keysweep.rotation.engine.orphans import lineage
from keysweep.rotation.engine.run import promised
from keysweep.rotation.provider_catalog import names
from keysweep.rotation.providers import Account, Provider
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What was found for one credential."""

    credential: str
    ended: tuple[str, ...] = ()
    """The provider's ids of the keys that were ended."""
    failure: KeysweepError | None = None
    """Why it was not looked for, or not ended."""


def sweep_all(opened: OpenVault) -> Iterator[Swept]:
    """Look at every credential whose provider names keys as we ask, and yield what was found.

    A key is an orphan by three signs: its name begins with the lineage tag of the credential, it is the id of no stored value, and
    no rotation that is under way has made it.
    """
    with opened.database.read() as connection:
        everyone = store.credentials(connection)
    known = set(names())
    for credential in everyone:
        if credential.is_admin or credential.provider not in known:
            continue
        try:
            _, provider, account = parties(opened, credential.name)
            if provider.find is None or provider.revoke is None or provider.mint is None:
                continue
            yield Swept(credential=credential.name, ended=tuple(_sweep(opened, credential, provider, account)))
        except KeysweepError as error:
            yield Swept(credential=credential.name, failure=error)


def _sweep(opened: OpenVault, credential: Credential, provider: Provider, account: Account) -> Iterator[str]:
    """End the orphans of one credential, whose lease is held meanwhile; yield the id of each."""
    with opened.database.write() as connection:
        lease = acquire(connection, credential.id, opened.clock)
    try:
        with opened.database.read() as connection:
            kept = {key_id for key_id, _, _ in whose.key_ids(connection)}
            under_way = tuple(record.tag for record in journal.unfinished(connection, credential.id))
        for key in promised(provider.find)(account):
            ours = key.active and key.name.startswith(lineage(credential.id)) and not key.name.startswith(under_way)
            if not ours or key.key_id in kept:
                continue
            for action in ("orphan.ending", "orphan.ended"):
                if action == "orphan.ended":
                    promised(provider.revoke)(account, key.key_id, Secret(b""))
                with opened.database.write() as connection:
                    hold(connection, lease, opened.clock)
                    opened.ledger.append(
                        connection,
                        actor="engine",
                        action=action,
                        subject=credential.name,
                        detail={"key_id": key.key_id, "name": key.name},
                    )
            yield key.key_id
    finally:
        with suppress(StoreUnusableError), opened.database.write() as connection:
            release(connection, lease)
