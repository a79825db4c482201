"""One generation of the master key: its keys, what is kept of it when it is over, and the MAC over slots and generations."""

from __future__ import annotations

import hmac
import json
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, select, update

from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.rotation.vault.kek import SubKeys

_NONCE = 12


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Generation:
    """The keys of one generation of the master key."""

    number: int
    state: str
    first_seq: int
    """First ledger entry whose MAC is of this generation."""
    public_key: bytes
    fingerprint: bytes
    audit: bytes
    keys: SubKeys | None
    """All of them; None for a former generation, whose values are gone."""


def write_mac(connection: Connection, ring_key: bytes) -> None:
    """Authenticate slots and generations as they are now, under the ring key of the current generation."""
    connection.execute(
        update(tables.generation)
        .where(tables.generation.c.state == "current")
        .values(mac=ring_mac(connection, ring_key))
    )


def seal_kept(keys: SubKeys, number: int, fingerprint: bytes, audit: bytes, tenant: str) -> bytes:
    """Seal what is kept of a former generation: fingerprints are carried on from its key, and its entries must verify."""
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(keys.wrap).encrypt(nonce, fingerprint + audit, _kept_place(number, tenant))


def open_kept(keys: SubKeys, number: int, kept: bytes | None, tenant: str) -> tuple[bytes, bytes]:
    """Return the fingerprint key and the audit key of a former generation.

    Raises:
        IntegrityError: they are not what was written.
    """
    try:
        both = AESGCM(keys.wrap).decrypt((kept or b"")[:_NONCE], (kept or b"")[_NONCE:], _kept_place(number, tenant))
    except (InvalidTag, ValueError):
        msg = f"what is kept of generation {number} of the master key is not what was written"
        raise IntegrityError(msg, hint="restore the store from a backup") from None
    return both[:32], both[32:]


def _kept_place(number: int, tenant: str) -> bytes:
    return f"keysweep-kept-v1\n{tenant}\n{number}".encode()


def generation_from(keys: SubKeys, *, number: int, state: str, first_seq: int) -> Generation:
    """Return a generation whose master key is at hand."""
    return Generation(
        number=number,
        state=state,
        first_seq=first_seq,
        public_key=Signer(keys.signing).public_key,
        fingerprint=keys.fingerprint,
        audit=keys.audit,
        keys=keys,
    )


def all_keys(held: Generation) -> SubKeys:
    """Return the keys of a generation that has them still."""
    if held.keys is None:
        msg = f"the keys of generation {held.number} are gone"
        raise RuntimeError(msg)
    return held.keys


def ring_mac(connection: Connection, key: bytes) -> bytes:
    """HMAC-SHA256 over every row of the ring, columns by name, in the order of their keys."""
    content = [
        [
            {name: value.hex() if isinstance(value, bytes) else value for name, value in row._asdict().items()}
            for row in connection.execute(select(*(c for c in table.c if c.name != "mac")).order_by(*table.primary_key))
        ]
        for table in (tables.kek_slot, tables.slot_key, tables.slot_master, tables.generation)
    ]
    return hmac.digest(key, json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), "sha256")
