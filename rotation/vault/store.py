"""The vault's repository: rows of credentials and versions.  Callers bring the transaction; sealed bytes pass through unread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.credential import Credential, CredentialId, State, Version, VersionRef
from keysweep.rotation.public_text import quoted
from keysweep.rotation.vault.rows import credential_of, version_of

LIVE = (State.CURRENT, State.STANDBY, State.PENDING, State.RETIRING)
"""States of a version whose value the provider may still accept."""


class UnknownCredentialError(UsageError):
    """No credential has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """Keyed hashes that recognise a value when it is not seen whole."""

    parts: tuple[Fingerprint, ...] = ()
    """Of components, such as the password of a URI."""
    folds: tuple[Fingerprint, ...] = ()
    """Of long runs, look-alikes folded, in order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A version that is sealed and not stored yet."""

    version: Version
    sealed: bytes
    prints: Prints


def add_credential(connection: Connection, credential: Credential) -> None:
    """Store a new credential without a version."""
    add_credentials(connection, [credential])


def add_credentials(connection: Connection, credentials: Sequence[Credential]) -> None:
    """Store new credentials without versions; at least one."""
    connection.execute(
        insert(tables.credential),
        [
            {
                "id": credential.id,
                "name": credential.name,
                "provider": credential.provider,
                "owner": credential.owner,
                "environment": credential.environment,
                "is_admin": int(credential.is_admin),
                "admin": credential.admin,
                "settings": json.dumps(dict(credential.settings), sort_keys=True),
                "max_age_days": credential.max_age_days,
                "created_at": to_text(credential.created_at),
                "rotated_at": _optional(credential.rotated_at),
                "expires_at": _optional(credential.expires_at),
                "retired_at": _optional(credential.retired_at),
            }
            for credential in credentials
        ],
    )


def add_versions(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Store new versions with their sealed values and their prints; at least one."""
    connection.execute(
        insert(tables.version),
        [
            {
                "credential_id": draft.version.ref.credential_id,
                "number": draft.version.ref.number,
                "state": draft.version.state.value,
                "fingerprint": draft.version.fingerprint.digest,
                "prefix": draft.version.preview.prefix,
                "length": draft.version.preview.length,
                "provider_key_id": draft.version.provider_key_id,
                "created_at": to_text(draft.version.created_at),
                "promoted_at": _optional(draft.version.promoted_at),
                "sealed": draft.sealed,
            }
            for draft in drafts
        ],
    )
    rows = [
        {
            "credential_id": draft.version.ref.credential_id,
            "number": draft.version.ref.number,
            "kind": kind,
            "position": position,
            "digest": digest.digest,
        }
        for draft in drafts
        for kind, digests in (("part", draft.prints.parts), ("fold", draft.prints.folds))
        for position, digest in enumerate(digests)
    ]
    if rows:
        connection.execute(insert(tables.version_print), rows)


def credential_named(connection: Connection, name: str) -> Credential:
    """Return a credential by its name.

    Raises:
        UnknownCredentialError: there is none.
    """
    row = connection.execute(select(tables.credential).where(tables.credential.c.name == name)).first()
    if row is None:
        known = connection.execute(select(tables.credential.c.name).order_by(tables.credential.c.name).limit(6))
        msg = f"no stored credential is called {quoted(name)}"
        raise UnknownCredentialError(msg, hint=f"keysweep keys list; known: {', '.join(known.scalars()) or 'none'}")
    return credential_of(row)


def credential_by_id(connection: Connection, identifier: CredentialId) -> Credential:
    """Return a credential by its id; it must exist."""
    return credential_of(
        connection.execute(select(tables.credential).where(tables.credential.c.id == identifier)).one()
    )


def find_credential(connection: Connection, name: str) -> Credential | None:
    """Return a credential by its name, None if there is none."""
    row = connection.execute(select(tables.credential).where(tables.credential.c.name == name)).first()
    return credential_of(row) if row else None


def credentials(connection: Connection) -> tuple[Credential, ...]:
    """Return every credential, by name."""
    return tuple(
        credential_of(row) for row in connection.execute(select(tables.credential).order_by(tables.credential.c.name))
    )


def admin_for(connection: Connection, credential: Credential) -> Credential | None:
    """Return the credential that administers this one: the named one, else the only admin of its provider."""
    if credential.admin:
        return credential_named(connection, credential.admin)
    rows = connection.execute(
        select(tables.credential)
        .where(tables.credential.c.provider == credential.provider, tables.credential.c.is_admin == 1)
        .limit(2)
    ).all()
    return credential_of(rows[0]) if len(rows) == 1 else None


def versions(connection: Connection, credential: CredentialId) -> tuple[Version, ...]:
    """Return every version of a credential, oldest first."""
    rows = connection.execute(
        select(tables.version).where(tables.version.c.credential_id == credential).order_by(tables.version.c.number)
    )
    return tuple(version_of(row) for row in rows)


def version(connection: Connection, ref: VersionRef) -> Version:
    """Return one version; it must exist."""
    return version_of(connection.execute(select(tables.version).where(*_is(ref))).one())


def version_in(connection: Connection, credential: CredentialId, state: State) -> Version | None:
    """Return the oldest version in *state*, None if there is none."""
    row = connection.execute(
        select(tables.version)
        .where(tables.version.c.credential_id == credential, tables.version.c.state == state.value)
        .order_by(tables.version.c.number)
        .limit(1)
    ).first()
    return version_of(row) if row else None


def next_number(connection: Connection, credential: CredentialId) -> int:
    """Return the number that a new version gets."""
    newest = connection.execute(
        select(func.max(tables.version.c.number)).where(tables.version.c.credential_id == credential)
    ).scalar()
    return int(newest or 0) + 1


def sealed_value(connection: Connection, ref: VersionRef) -> bytes | None:
    """Return the sealed value of a version, None once it is shredded."""
    value: bytes | None = connection.execute(select(tables.version.c.sealed).where(*_is(ref))).scalar()
    return value


def change_version(connection: Connection, ref: VersionRef, state: State, **times: datetime) -> None:
    """Put a version into *state* and set `promoted_at`, `revoked_at` or `dead_at`."""
    values: dict[str, Any] = {name: to_text(moment) for name, moment in times.items()}
    connection.execute(update(tables.version).where(*_is(ref)).values(state=state.value, **values))


def set_provider_key_id(connection: Connection, ref: VersionRef, key_id: str) -> None:
    """Record the provider's own name of a key."""
    connection.execute(update(tables.version).where(*_is(ref)).values(provider_key_id=key_id))


def restore_value(connection: Connection, ref: VersionRef, sealed: bytes) -> None:
    """Store the sealed value of a version again that has none."""
    connection.execute(update(tables.version).where(*_is(ref)).values(sealed=sealed))


def shred_value(connection: Connection, ref: VersionRef) -> None:
    """Destroy the sealed value of a version, its data key with it."""
    connection.execute(update(tables.version).where(*_is(ref)).values(sealed=None))


def change_credential(connection: Connection, credential: CredentialId, **facts: str | int | None) -> None:
    """State public facts of a credential anew: columns of its row by name, times as text."""
    connection.execute(update(tables.credential).where(tables.credential.c.id == credential).values(facts))


def mark_rotated(connection: Connection, credential: CredentialId, moment: datetime) -> None:
    """Record that the current value became current at *moment*."""
    connection.execute(
        update(tables.credential).where(tables.credential.c.id == credential).values(rotated_at=to_text(moment))
    )


def live_versions(connection: Connection) -> tuple[tuple[Credential, Version], ...]:
    """Return every version whose value is still sealed here."""
    rows = connection.execute(
        select(tables.version)
        .where(tables.version.c.state.in_([s.value for s in LIVE]), tables.version.c.sealed.is_not(None))
        .order_by(tables.version.c.credential_id, tables.version.c.number)
    ).all()
    return tuple((credential_by_id(connection, row.credential_id), version_of(row)) for row in rows)


def folds(connection: Connection) -> tuple[tuple[VersionRef, int, Fingerprint], ...]:
    """Return the folded runs of every version whose value is gone: whose, position, digest."""
    rows = connection.execute(
        select(tables.version_print)
        .join(
            tables.version,
            (tables.version_print.c.credential_id == tables.version.c.credential_id)
            & (tables.version_print.c.number == tables.version.c.number),
        )
        .where(tables.version_print.c.kind == "fold", tables.version.c.sealed.is_(None))
    )
    return tuple(
        (
            VersionRef(credential_id=CredentialId(row.credential_id), number=row.number),
            row.position,
            Fingerprint(row.digest),
        )
        for row in rows
    )


def moved_versions(connection: Connection) -> frozenset[VersionRef]:
    """Return the versions that are under the next master key already, while a rotation of it is under way."""
    rows = connection.execute(select(tables.moved.c.id, tables.moved.c.part).where(tables.moved.c.kind == "version"))
    return frozenset(VersionRef(credential_id=CredentialId(row.id), number=int(row.part)) for row in rows)


def _is(ref: VersionRef) -> tuple[Any, Any]:
    return tables.version.c.credential_id == ref.credential_id, tables.version.c.number == ref.number


def _optional(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
