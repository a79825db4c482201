"""Keys that appeared beside a leaked one: whoever holds a key may have made more.  They are reported, never ended by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation import lister_catalog
from keysweep.rotation.credential import Credential, VersionRef
from keysweep.rotation.engine.begin import parties
from keysweep.rotation.engine.journal import RotationRecord
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.incident.incident import incident_of
from keysweep.rotation.providers import Account, Provider
from keysweep.rotation.vault import whose
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner import history

_LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Sibling:
    """A live key of the same account that is not stored here."""

    key_id: str
    made_at: datetime | None
    """None where the vendor does not say."""


def with_siblings(opened: OpenVault, report: Report) -> Report:
    """Return the report of a forced rotation with the keys that appeared since the leak; what cannot be asked is said.

    The old key is dead by then, so that nobody who held it makes another one behind the look.
    """
    record = report.rotation
    if record is None or record.mode is not Mode.FORCED or report.outcome is not Outcome.DONE:
        return report
    credential, provider, account = parties(opened, report.credential)
    since = _exposed_since(opened, record, credential)
    try:
        found = tuple(_unknown(opened, credential, provider, account, since))
    except KeysweepError as error:
        return replace(report, note=f"unknown keys were not looked for: {error.message}")
    if not found:
        return report
    with opened.database.write() as connection:
        for key in found:
            opened.ledger.append(
                connection,
                actor="engine",
                action="key.unknown",
                subject=credential.name,
                detail={
                    "rotation": record.id,
                    "key_id": _plain(key.key_id),
                    "made_at": f"{key.made_at:%FT%TZ}" if key.made_at else None,
                    "since": f"{since:%FT%TZ}",
                },
            )
    return replace(report, unknown=tuple(_line(key) for key in found))


def _line(key: Sibling) -> str:
    made = f"made {key.made_at:%F %T} UTC" if key.made_at else "made at a time that the provider does not tell"
    return f"{_plain(key.key_id)}, {made}"


def _plain(text: str) -> str:
    """Return what a vendor says as it can be shown and written down."""
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])


def _unknown(
    opened: OpenVault, credential: Credential, provider: Provider, account: Account, since: datetime
) -> Iterator[Sibling]:
    with opened.database.read() as connection:
        stored = {key_id for key_id, _, _ in whose.key_ids(connection)}
    for key in _listed(credential, provider, account):
        late = key.made_at is None or key.made_at >= since.replace(microsecond=0)
        if key.key_id not in stored and late:
            yield key


def _listed(credential: Credential, provider: Provider, account: Account) -> Iterator[Sibling]:
    """Yield the live keys of the account: with the time of each where a lister tells it, else as the adapter lists them."""
    if credential.provider in lister_catalog.names():
        lister = lister_catalog.get(credential.provider)
        for key in lister.keys(account):
            if key.active and not key.is_admin:
                yield Sibling(key_id=key.key_id, made_at=key.created_at)
    elif provider.find is not None:
        for one in provider.find(account):
            if one.active:
                yield Sibling(key_id=one.key_id, made_at=one.created_at)


def _exposed_since(opened: OpenVault, record: RotationRecord, credential: Credential) -> datetime:
    """Return when the leaked version was first exposed, as far as is known: the first scan that saw it, or its incident."""
    with opened.database.read() as connection:
        return min(_moments(connection, record, credential))


def _moments(connection: Connection, record: RotationRecord, credential: Credential) -> Iterator[datetime]:
    yield record.started_at
    for finding in history.of_credential(connection, credential.name):
        if finding.number == record.old_number:
            yield finding.first_seen
    incident = incident_of(connection, VersionRef(credential_id=credential.id, number=record.old_number))
    if incident is not None:
        yield incident.opened_at
