"""Hold a provider's own list of keys against the inventory, and keep what was seen for the report.

Nothing is changed at the provider and no stored key is declared dead by it: a list is a claim, only a probe is a proof.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import lister_catalog, profiles, provider_lists, selection
from keysweep.rotation.comparison import IN_USE, Comparison, Stored, Verdict, compare
from keysweep.rotation.credential import Credential, State
from keysweep.rotation.listers import ListedKey, Lister
from keysweep.rotation.providers import Account, ProviderError
from keysweep.rotation.selection import Filter
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """One account at one provider, compared."""

    id: str
    provider: str
    account: str
    """Name of the credential that the list was asked with."""
    method: str
    started_at: datetime
    finished_at: datetime
    listed: tuple[ListedKey, ...]
    comparison: Comparison
    failure: str | None = None
    """Why there is no list: nothing was compared, and nothing may be concluded."""

    @property
    def clean(self) -> bool:
        """There is a list, and nothing to say about it."""
        return self.failure is None and not self.comparison.differences


def accounts(opened: OpenVault, provider: str | None) -> tuple[Credential, ...]:
    """Return the administering credentials whose provider's keys can be listed; of one provider if it is named.

    Raises:
        UsageError: the provider's keys cannot be listed, or no credential administers them.
    """
    if provider is not None:
        lister_catalog.get(provider)
    with opened.database.read() as connection:
        found = tuple(
            one.credential
            for one in selection.pick(connection, Filter(provider=provider or ""))
            if one.credential.is_admin and one.credential.provider in lister_catalog.names()
        )
    if not found:
        named = provider or lister_catalog.names()[0]
        msg = f"no stored credential administers the keys of {provider or 'a provider that lists them'}"
        raise UsageError(msg, hint=f"keysweep keys add {named}-admin --provider {named} --admin-key")
    return found


def reconcile(opened: OpenVault, admin: Credential, *, actor: str) -> Reconciliation:
    """Ask a provider for its keys, compare them with the inventory, and record both in the store and the ledger."""
    lister, started = lister_catalog.get(admin.provider), opened.clock()
    listed: tuple[ListedKey, ...] = ()
    failure: str | None = None
    try:
        listed = _listed(opened, admin, lister)
    except ProviderError as error:
        failure = error.message
    with opened.database.write() as connection, ExitStack() as opened_values:
        if failure is None:
            stored = tuple(_stored(opened, connection, admin, lister, opened_values))
            before = provider_lists.names(connection, admin.name)
            comparison = compare(listed, stored, before)
        else:
            comparison = Comparison(differences=(), pairs={}, stored=0)
        done = Reconciliation(
            id=uuid.uuid4().hex,
            provider=admin.provider,
            account=admin.name,
            method=lister.method,
            started_at=started,
            finished_at=opened.clock(),
            listed=listed,
            comparison=comparison,
            failure=failure,
        )
        _record(opened, connection, done, actor=actor)
    return done


def _listed(opened: OpenVault, admin: Credential, lister: Lister) -> tuple[ListedKey, ...]:
    with opened.database.read() as connection:
        current = store.version_in(connection, admin.id, State.CURRENT)
        if current is None:
            msg = f"{admin.name!r} has no current value"
            raise UsageError(msg, hint=f"keysweep keys set {admin.name}")
        secret = opened.vault.open_version(connection, current.ref)
    settings = {**opened.settings.providers.get(admin.provider, {}), **admin.settings}
    with closing(_Wiped(secret)):
        return lister.keys(
            Account(
                credential=admin.name,
                settings=settings,
                admin=secret,
                admin_id=current.provider_key_id,
                timeout_s=_TIMEOUT_S,
            )
        )


def _stored(
    opened: OpenVault, connection: Connection, admin: Credential, lister: Lister, opened_values: ExitStack
) -> Iterator[Stored]:
    """Yield every version of the provider's credentials; the value of those in use whose id there is not known."""
    picked = selection.pick(connection, Filter(provider=admin.provider, retired=True))
    everything = [one.credential for one in picked]
    alone = [one.id for one in everything if one.is_admin and one.retired_at is None] == [admin.id]
    for credential in everything:
        if credential.is_admin:
            is_ours, is_listed = credential.id == admin.id, lister.lists_admins
        else:
            is_ours, is_listed = credential.admin in {None, admin.name}, alone or credential.admin == admin.name
        if not is_ours:
            continue
        for version in store.versions(connection, credential.id):
            in_use = version.state in IN_USE
            value = None
            if version.provider_key_id is None and store.sealed_value(connection, version.ref) is not None:
                value = opened.vault.open_version(connection, version.ref)
                opened_values.enter_context(closing(_Wiped(value)))
            yield Stored(credential=credential, version=version, expected=in_use and is_listed, value=value)


def _record(opened: OpenVault, connection: Connection, done: Reconciliation, *, actor: str) -> None:
    counts = {verdict: done.comparison.count(verdict) for verdict in Verdict}
    numbers = {
        "listed": len(done.listed),
        "stored": done.comparison.stored,
        "matched": len(done.comparison.pairs),
        "unknown": counts[Verdict.UNKNOWN],
        "gone": counts[Verdict.GONE],
        "drifted": counts[Verdict.DRIFTED] + counts[Verdict.LINGERS],
    }
    provider_lists.add_run(
        connection,
        run=done.id,
        provider=done.provider,
        account=done.account,
        started_at=done.started_at,
        finished_at=done.finished_at,
        method=done.method,
        failure=done.failure,
        numbers=numbers,
    )
    if done.failure is None:
        provider_lists.keep(
            connection,
            done.listed,
            done.comparison.pairs,
            run=done.id,
            provider=done.provider,
            account=done.account,
            at=done.finished_at,
        )
        for key in done.listed:
            ref = done.comparison.pairs.get(key.key_id)
            if ref is not None and key.last_used_at is not None:
                profiles.note_use(connection, ref.credential_id, key.last_used_at, profiles.PROVIDER)
    opened.ledger.append(
        connection,
        actor=actor,
        action="inventory.reconciled" if done.failure is None else "inventory.not-reconciled",
        subject=done.account,
        detail={"provider": done.provider, **(numbers if done.failure is None else {"failure": done.failure})},
    )


class _Wiped:
    """Something to close that wipes a value."""

    def __init__(self, value: Secret) -> None:
        self._secret = value

    def close(self) -> None:
        self._secret.wipe()
