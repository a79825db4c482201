"""Match-only keys: a file for runners that recognises leaked values and opens nothing.

The file holds a key of its own.  Under it the store's row keeps the fingerprint key, and nothing else; without the row the
file is worth nothing, so that to revoke is to empty the row.  The store keeps the file's key too, sealed, so that a new
master key can be given to the files that are out.  Whoever holds the file and the row can test guesses of a value offline,
as many as they like: it is safe for random keys, and not for passwords that people chose (see docs/threat-model.md).
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Row, func, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import DeniedError, IntegrityError, UsageError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.secret import Secret
from keysweep.rotation.vault.match_file import MatchFile
from keysweep.rotation.vault.vault import Vault

_NONCE = 12
_ANOTHER = "ask for a new one, made by keysweep match new LABEL --out FILE"


class UnknownMatchKeyError(UsageError):
    """No match-only key has that label."""


class RevokedMatchKeyError(DeniedError):
    """The match-only key was ended, has expired, or is of another store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchKey:
    """A match-only key that was given out."""

    id: str
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    uses: int
    last_used_at: datetime | None

    def state(self, now: datetime) -> str:
        """Return revoked, expired or valid."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "valid"


@final
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Unwrapped:
    """What a match-only key opens: fingerprint keys, newest first, and the public key that signs exports."""

    fingerprinters: tuple[Fingerprinter, ...]
    public_key: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the rows of match-only keys are bound to, and what they hand out."""

    vault: Vault
    tenant: str
    fingerprinters: Sequence[Fingerprinter]
    """Newest first."""
    public_key: bytes


def create(
    connection: Connection, given: Given, label: str, path: Path, *, at: datetime, expires_at: datetime | None
) -> str:
    """Write a new key file and the row that makes it worth something; return its id.

    Raises:
        UsageError: the label is taken, the end has passed, or the file cannot be made.
    """
    if connection.execute(select(tables.match_key.c.id).where(tables.match_key.c.label == label)).first():
        msg = f"there is a match-only key called {label!r}"
        raise UsageError(msg, hint="keysweep match list")
    if expires_at is not None and expires_at <= at:
        msg = "the end of a match-only key lies in the future"
        raise UsageError(msg)
    identifier, key = secrets.token_hex(16), Secret(AESGCM.generate_key(bit_length=256))
    end = to_text(expires_at) if expires_at else None
    connection.execute(
        insert(tables.match_key).values(
            id=identifier,
            label=label,
            wrapped=_wrap(key, given, identifier, end),
            sealed=given.vault.seal_own(_field(identifier, end), key, at),
            created_at=to_text(at),
            expires_at=end,
        )
    )
    MatchFile(id=identifier, key=key).write(path)
    key.wipe()
    return identifier


def revoke(connection: Connection, label: str, at: datetime) -> str:
    """End a match-only key and return its id; what it could open is destroyed.

    Raises:
        UnknownMatchKeyError: there is none of that label.
        UsageError: it was ended before.
    """
    row = connection.execute(select(tables.match_key).where(tables.match_key.c.label == label)).first()
    if row is None:
        known = connection.execute(select(tables.match_key.c.label).order_by(tables.match_key.c.label).limit(6))
        msg = f"no match-only key is called {label!r}"
        raise UnknownMatchKeyError(msg, hint=f"keysweep match list; known: {', '.join(known.scalars()) or 'none'}")
    if row.revoked_at is not None:
        msg = f"the match-only key {label!r} was revoked before"
        raise UsageError(msg, hint="keysweep match list")
    connection.execute(
        update(tables.match_key)
        .where(tables.match_key.c.id == row.id)
        .values(wrapped=None, sealed=None, revoked_at=to_text(at))
    )
    return str(row.id)


def match_keys(connection: Connection) -> tuple[MatchKey, ...]:
    """Return every match-only key, by label, with how often it said that it was used."""
    use = tables.match_use
    uses = {
        row.key_id: (int(row.uses), from_text(row.last))
        for row in connection.execute(
            select(use.c.key_id, func.count().label("uses"), func.max(use.c.at).label("last")).group_by(use.c.key_id)
        )
    }
    return tuple(
        MatchKey(
            id=row.id,
            label=row.label,
            created_at=from_text(row.created_at),
            expires_at=from_text(row.expires_at) if row.expires_at else None,
            revoked_at=from_text(row.revoked_at) if row.revoked_at else None,
            uses=uses.get(row.id, (0, None))[0],
            last_used_at=uses.get(row.id, (0, None))[1],
        )
        for row in connection.execute(select(tables.match_key).order_by(tables.match_key.c.label))
    )


def rewrap(connection: Connection, before: Vault, after: Given) -> int:
    """Give the fingerprint keys of a new master key to every file that is out; return how many there are.

    Args:
        connection: the transaction that makes the new master key the current one.
        before: the vault under the former master key.
        after: what the files open from now on.

    Raises:
        IntegrityError: a row is not what was written.
    """
    rows = connection.execute(select(tables.match_key).where(tables.match_key.c.sealed.is_not(None))).all()
    for row in rows:
        field, at = _field(row.id, row.expires_at), from_text(row.created_at)
        key = before.open_own(field, row.sealed, at)
        connection.execute(
            update(tables.match_key)
            .where(tables.match_key.c.id == row.id)
            .values(wrapped=_wrap(key, after, row.id, row.expires_at), sealed=after.vault.seal_own(field, key, at))
        )
        key.wipe()
    return len(rows)


def check(connection: Connection, given: Given) -> int:
    """Check that every row that is not revoked is what was written; return how many there are.

    Raises:
        IntegrityError: names the first that is not.
    """
    rows = connection.execute(select(tables.match_key).where(tables.match_key.c.revoked_at.is_(None))).all()
    for row in rows:
        try:
            if row.sealed is None or row.wrapped is None:
                raise InvalidTag
            key = given.vault.open_own(_field(row.id, row.expires_at), row.sealed, from_text(row.created_at))
            unwrap(key, row.wrapped, identifier=row.id, tenant=given.tenant, expires_at=row.expires_at)
            key.wipe()
        except (InvalidTag, IntegrityError, RevokedMatchKeyError, ValueError) as error:
            msg = f"the row of the match-only key {row.label!r} is not what was written"
            raise IntegrityError(msg, hint=f"keysweep match revoke {row.label}") from error
    return len(rows)


def row_of(connection: Connection, identifier: str) -> Row[Any]:
    """Return the row that a key file names.

    Raises:
        RevokedMatchKeyError: it is not there, or was emptied.
    """
    row = connection.execute(select(tables.match_key).where(tables.match_key.c.id == identifier)).first()
    if row is None or row.wrapped is None:
        raise not_here()
    return row


def not_here() -> RevokedMatchKeyError:
    """Return what is said of a key that has no row."""
    return RevokedMatchKeyError("the match-only key was revoked, or is of another store", hint=_ANOTHER)


def expired(at: str) -> RevokedMatchKeyError:
    """Return what is said of a key whose time is over."""
    return RevokedMatchKeyError(f"the match-only key ended at {at}", hint=_ANOTHER)


def unwrap(key: Secret, wrapped: bytes, *, identifier: str, tenant: str, expires_at: str | None) -> Unwrapped:
    """Open what stands under the key of a file.

    Raises:
        RevokedMatchKeyError: it is of another file or store, or its end was changed.
    """
    try:
        content = AESGCM(key.reveal()).decrypt(
            wrapped[:_NONCE], wrapped[_NONCE:], _bound(identifier, tenant, expires_at)
        )
    except (InvalidTag, ValueError):
        msg = "the match-only key does not fit this store"
        raise RevokedMatchKeyError(msg, hint=_ANOTHER) from None
    record = json.loads(content)
    return Unwrapped(
        fingerprinters=tuple(Fingerprinter(base64.b64decode(one)) for one in record["fingerprint"]),
        public_key=base64.b64decode(record["public_key"]),
    )


def _wrap(key: Secret, given: Given, identifier: str, expires_at: str | None) -> bytes:
    keys = [given_key.own_key() for given_key in given.fingerprinters]
    content = json.dumps(
        {
            "fingerprint": [base64.b64encode(one.reveal()).decode() for one in keys],
            "public_key": base64.b64encode(given.public_key).decode(),
        }
    ).encode()
    for one in keys:
        one.wipe()
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key.reveal()).encrypt(nonce, content, _bound(identifier, given.tenant, expires_at))


def _bound(identifier: str, tenant: str, expires_at: str | None) -> bytes:
    return f"keysweep-match-v1\n{identifier}\n{tenant}\n{expires_at or ''}".encode()


def _field(identifier: str, expires_at: str | None) -> str:
    return f"match-key/{identifier}/{expires_at or ''}"
