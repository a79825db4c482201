"""Make a store, and open one: from settings to everything that works on it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import Clock, system_clock, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database, StoreMissingError, open_database
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.ledger.chain import Ledger
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.rotation.vault import kek, opening, slot_rows
from keysweep.rotation.vault.index import VaultIndex
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.slots import Means
from keysweep.rotation.vault.vault import Vault, VaultKeys
from keysweep.scanner.known import KnownKeys
from keysweep.scanner.matching.describe import describe
from keysweep.scanner.ocr.confusable import fold

Ask = Callable[[str], Secret]
"""Asks a person for what is named, without showing it."""


class Made(Enum):
    """What `initialise` did."""

    CREATED = "created"
    EXISTED = "existed"


@dataclass(frozen=True, kw_only=True)
class OpenVault:
    """An unlocked store.  Close it when done."""

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    ring: KeyRing
    ledger: Ledger

    @property
    def fingerprinter(self) -> Fingerprinter:
        """Computes fingerprints as they are written now."""
        return self.ring.fingerprinter()

    @property
    def signer(self) -> Signer:
        """Signs with the key of the current generation."""
        return self.ring.signer()

    @cached_property
    def known(self) -> VaultIndex:
        """The index of this vault; built once."""
        return VaultIndex(self.database, self.vault, self.ring, fold)

    def known_keys(self) -> KnownKeys:
        """Return what answers whether a leaked key is one of ours."""
        return self.known

    def close(self) -> None:
        """Close the store."""
        self.database.close()


def means_of(settings: Settings, *, ask: Ask | None = None) -> Means:
    """Return what this process can open slots with: the key file, what its environment names, and whom it may ask."""
    return Means(key_file=settings.key_file, environ=os.environ, ask=ask)


def initialise(
    settings: Settings, *, clock: Clock = system_clock, kind: str = "key-file", means: Means | None = None
) -> Made:
    """Make the store where the settings say, with one slot; what exists is kept.

    Args:
        settings: where the store and the key file are.
        clock: tells the time of the first rows.
        kind: of the first slot.
        means: what its key is made with.

    Raises:
        DeniedError: the store exists and cannot be opened.
        UsageError: it or its slot cannot be made there.
    """
    means = means or means_of(settings)
    try:
        existing = open_database(settings.store)
    except StoreMissingError:
        existing = open_database(settings.store, create=True)
    try:
        with existing.write() as connection:
            tenant = connection.execute(select(tables.store.c.tenant)).scalar()
            if tenant is None:
                _create(connection, means, kind, clock)
                return Made.CREATED
        opening.open_ring(existing, tenant, means)
        return Made.EXISTED
    finally:
        existing.close()


def unlock(settings: Settings, *, clock: Clock = system_clock, ask: Ask | None = None) -> OpenVault:
    """Open the store and unwrap its master key.

    Args:
        settings: where the store and the key file are.
        clock: tells the time of new rows.
        ask: asks a person for a passphrase, if no other slot opens the store.

    Raises:
        StoreMissingError: there is no store.
        DeniedError: nothing that is at hand opens it.
    """
    database = open_database(settings.store)
    try:
        with database.read() as connection:
            tenant = connection.execute(select(tables.store.c.tenant)).scalar()
        if tenant is None:
            msg = "the store was never set up"
            raise StoreMissingError(msg, hint="keysweep init")
        ring = opening.open_ring(database, tenant, means_of(settings, ask=ask))
    except BaseException:
        database.close()
        raise
    return _assembled(settings, clock, database, ring)


def _assembled(settings: Settings, clock: Clock, database: Database, ring: KeyRing) -> OpenVault:
    ledger = Ledger(ring.audit_key, clock)
    database.prologue = ring.refresh
    database.witness = ledger.witness
    return OpenVault(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault_with(ring, ring.tenant, clock),
        ring=ring,
        ledger=ledger,
    )


def vault_with(keys: VaultKeys, tenant: str, clock: Clock) -> Vault:
    """Return the vault of a store under some of its keys."""
    return Vault(tenant=tenant, keys=keys, fold=lambda value: fold(value).text, shape=_shape, clock=clock)


def _create(connection: Connection, means: Means, kind: str, clock: Clock) -> None:
    tenant, now = secrets.token_hex(16), clock()
    connection.execute(insert(tables.store).values(id=1, tenant=tenant, created_at=to_text(now)))
    master = slot_rows.first_slot(connection, slot_rows.prepare(tenant, means, kind, ""), tenant, now)
    keys = kek.SubKeys.derive(master, tenant)
    Ledger(keys.audit, clock).append(connection, actor="cli", action="store.created", subject=tenant)


def _shape(value: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Ask the rules for the public prefix and the components of a value."""
    described = describe(value)
    return (described.prefix, described.parts) if described else ("", ())
