"""Make a store, and open one: from settings to everything that works on it."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import Clock, system_clock, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database, StoreMissingError, open_database
from keysweep.foundation.errors import DeniedError, IntegrityError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.ledger.chain import Ledger
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.foundation.settings import Settings
from keysweep.rotation.vault import kek
from keysweep.rotation.vault.index import VaultIndex
from keysweep.rotation.vault.vault import Vault
from keysweep.scanner.known import KnownKeys
from keysweep.scanner.matching.describe import describe
from keysweep.scanner.ocr.confusable import fold


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
    fingerprinter: Fingerprinter
    ledger: Ledger
    signer: Signer

    @cached_property
    def known(self) -> VaultIndex:
        """The index of this vault; built once."""
        return VaultIndex(self.database, self.vault, self.fingerprinter, fold)

    def known_keys(self) -> KnownKeys:
        """Return what answers whether a leaked key is one of ours."""
        return self.known

    def close(self) -> None:
        """Close the store."""
        self.database.close()


def initialise(settings: Settings, *, clock: Clock = system_clock) -> Made:
    """Make the key file and the store where the settings say; what exists is kept.

    Raises:
        DeniedError: one of them exists and the other does not fit it.
        UsageError: they cannot be made there.
    """
    try:
        existing = open_database(settings.store)
    except StoreMissingError:
        existing = open_database(settings.store, create=True)
    try:
        with existing.write() as connection:
            tenant = connection.execute(select(tables.store.c.tenant)).scalar()
            if tenant is None:
                path = settings.key_file
                key = kek.read_key_file(path) if path.exists() else kek.create_key_file(path)
                _create(connection, key, clock)
                return Made.CREATED
        _master(settings, existing, tenant)
        return Made.EXISTED
    finally:
        existing.close()


def unlock(settings: Settings, *, clock: Clock = system_clock) -> OpenVault:
    """Open the store and unwrap its master key.

    Raises:
        StoreMissingError: there is no store.
        DeniedError: the key file is missing, open to others, or of another store.
    """
    database = open_database(settings.store)
    try:
        with database.read() as connection:
            tenant = connection.execute(select(tables.store.c.tenant)).scalar()
        if tenant is None:
            msg = "the store was never set up"
            raise StoreMissingError(msg, hint="keysweep init")
        keys = kek.SubKeys.derive(_master(settings, database, tenant), tenant)
    except BaseException:
        database.close()
        raise
    fingerprinter = Fingerprinter(keys.fingerprint)
    vault = Vault(
        tenant=tenant,
        wrap_key=keys.wrap,
        fingerprinter=fingerprinter,
        fold=lambda value: fold(value).text,
        shape=_shape,
        clock=clock,
    )
    ledger = Ledger(keys.audit, clock)
    database.witness = ledger.witness
    return OpenVault(
        settings=settings,
        clock=clock,
        database=database,
        vault=vault,
        fingerprinter=fingerprinter,
        ledger=ledger,
        signer=Signer(keys.signing),
    )


def _create(connection: Connection, key: bytes, clock: Clock) -> None:
    tenant, slot, master = secrets.token_hex(16), uuid.uuid4().hex, kek.new_master_key()
    now = to_text(clock())
    connection.execute(insert(tables.store).values(id=1, tenant=tenant, created_at=now))
    connection.execute(
        insert(tables.kek_slot).values(
            id=slot,
            kind="key-file",
            params="{}",
            wrapped=kek.wrap_master(key, master, slot=slot, tenant=tenant),
            created_at=now,
        )
    )
    keys = kek.SubKeys.derive(master, tenant)
    Ledger(keys.audit, clock).append(connection, actor="cli", action="store.created", subject=tenant)


def _master(settings: Settings, database: Database, tenant: str) -> bytes:
    key = kek.read_key_file(settings.key_file)
    with database.read() as connection:
        slots = connection.execute(select(tables.kek_slot).where(tables.kek_slot.c.kind == "key-file")).all()
    if not slots:
        msg = "the store has no slot for a key file"
        raise IntegrityError(msg)
    for slot in slots:
        master = kek.unwrap_master(key, slot.wrapped, slot=slot.id, tenant=tenant)
        if master is not None:
            return master
    msg = f"the key file {settings.key_file} does not open this store"
    raise DeniedError(msg, hint="say which one does with --key-file or KEYSWEEP_KEY_FILE")


def _shape(value: bytes) -> tuple[str, tuple[bytes, ...]]:
    """Ask the rules for the public prefix and the components of a value."""
    described = describe(value)
    return (described.prefix, described.parts) if described else ("", ())
