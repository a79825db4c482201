"""Every store keeps the vault's promises: versions in order, one current, no row in another's place, values that end.

Both engines run the same tests; there is no memory vault, because a vault is always over a store and SQLite is quick enough.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from keysweep.foundation.database import tables
from keysweep.foundation.errors import DeniedError, ExitCode, IntegrityError
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import Credential, State, Version, VersionRef
from keysweep.rotation.inventory import Entry, add, replace_value
from keysweep.rotation.vault import store as repository
from keysweep.rotation.vault.unlock import OpenVault, unlock
from keysweep.rotation.vault.vault import ShreddedError
from tests.fakes.engines import NOON, engine_server, opened, store_url

__all__ = ["engine_server", "opened", "store_url"]

SHORT = "no prints"
ONE, TWO = "first value of a test key", "second value of a test key"


def stored(vault: OpenVault, name: str, value: str, state: State = State.CURRENT) -> Credential:
    """Store a credential and return it."""
    with vault.database.write() as connection:
        add(connection, vault, Entry(name=name, provider="free text", value=Secret(value), state=state), actor="test")
        return repository.credential_named(connection, name)


def versions(vault: OpenVault, credential: Credential) -> tuple[Version, ...]:
    """Every version of a credential, oldest first."""
    with vault.database.read() as connection:
        return repository.versions(connection, credential.id)


def value(vault: OpenVault, ref: VersionRef) -> bytes:
    """Open a version."""
    with vault.database.read() as connection:
        return vault.vault.open_version(connection, ref).reveal()


def test_a_value_comes_back_after_a_restart(opened: OpenVault) -> None:
    """Sealed by one process, opened by the next."""
    credential = stored(opened, "one", ONE)
    again = unlock(opened.settings)
    assert ONE.encode() == value(again, VersionRef(credential_id=credential.id, number=1))
    again.close()


def test_versions_are_numbered_from_one_without_gaps(opened: OpenVault) -> None:
    """The number names a value for ever; each has its own fingerprint."""
    credential = stored(opened, "one", ONE)
    for number in range(2, 5):
        replace_value(opened, "one", Secret(f"value number {number}"), key_id=None, standby=False, actor="test")
    found = versions(opened, credential)
    assert [version.ref.number for version in found] == [1, 2, 3, 4]
    assert len({version.fingerprint for version in found}) == 4


def test_exactly_one_version_is_current(opened: OpenVault) -> None:
    """Whatever is set or put aside."""
    credential = stored(opened, "one", ONE)
    for number, standby in enumerate((False, True, True, False), start=2):
        replace_value(opened, "one", Secret(f"value number {number}"), key_id=None, standby=standby, actor="test")
        current = [version for version in versions(opened, credential) if version.state is State.CURRENT]
        assert len(current) == 1
    expected = [State.RETIRING, State.RETIRING, State.STANDBY, State.STANDBY, State.CURRENT]
    assert expected == [version.state for version in versions(opened, credential)]


def test_a_second_current_version_is_refused(opened: OpenVault) -> None:
    """By the engine itself, so that no code path can forget it."""
    credential = stored(opened, "one", ONE)
    with pytest.raises(DBAPIError), opened.database.write() as connection:
        opened.vault.add_version(connection, credential, Secret(TWO), state=State.CURRENT)
    assert len(versions(opened, credential)) == 1


def test_opening_is_not_for_a_value_that_was_destroyed(opened: OpenVault) -> None:
    """Only the fingerprint is left; exit 6, not a crash."""
    credential = stored(opened, "one", ONE)
    replace_value(opened, "one", Secret(TWO), key_id=None, standby=False, actor="test")
    old, new = versions(opened, credential)
    assert opened.fingerprinter.of_bytes(ONE.encode()) == old.fingerprint
    assert TWO.encode() == value(opened, new.ref)
    with pytest.raises(ShreddedError) as caught:
        value(opened, old.ref)
    assert caught.value.exit_code == ExitCode.DENIED


def _swap_credentials(vault: OpenVault, one: Credential, two: Credential) -> None:
    with vault.database.write() as connection:
        sealed = repository.sealed_value(connection, VersionRef(credential_id=two.id, number=1))
        mine = tables.version.c.credential_id == one.id
        connection.execute(update(tables.version).where(mine).values(sealed=sealed))


def test_the_value_of_another_credential_is_refused(opened: OpenVault) -> None:
    """Somebody who can write the database cannot hand an agent another agent's key."""
    one, two = stored(opened, "one", ONE), stored(opened, "two", TWO)
    _swap_credentials(opened, one, two)
    with pytest.raises(IntegrityError) as caught:
        value(opened, VersionRef(credential_id=one.id, number=1))
    assert caught.value.exit_code == ExitCode.INTEGRITY
    assert TWO.encode() == value(opened, VersionRef(credential_id=two.id, number=1))


def test_an_older_version_in_a_newer_ones_place_is_refused(opened: OpenVault) -> None:
    """Nobody brings a leaked key back by copying its row."""
    credential = stored(opened, "one", ONE)
    with opened.database.read() as connection:
        old = connection.execute(select(tables.version)).one()
    replace_value(opened, "one", Secret(TWO), key_id=None, standby=False, actor="test")
    for taken in ({"sealed": old.sealed}, {"sealed": old.sealed, "created_at": old.created_at}):
        with opened.database.write() as connection:
            connection.execute(update(tables.version).where(tables.version.c.number == 2).values(**taken))
        with pytest.raises(IntegrityError):
            value(opened, VersionRef(credential_id=credential.id, number=2))


@pytest.mark.parametrize(
    ("table", "changed"),
    [
        pytest.param("credential", "provider = 'anthropic'", id="the provider"),
        pytest.param("store", "tenant = 'another'", id="the store's name"),
        pytest.param("version", "created_at = '2026-01-01T00:00:00.000000Z'", id="the time"),
        pytest.param("version", "number = 7", id="the number"),
    ],
)
def test_what_a_value_belongs_to_cannot_be_rewritten(opened: OpenVault, table: str, changed: str) -> None:
    """Each fact of the row is part of the seal, or the store does not open at all."""
    credential = stored(opened, "one", SHORT)
    with opened.database.write() as connection:
        connection.execute(text(f"UPDATE {table} SET {changed}"))

    def open_it() -> None:
        again = unlock(opened.settings)
        try:
            value(again, versions(again, credential)[0].ref)
        finally:
            again.close()

    with pytest.raises((IntegrityError, DeniedError), match=r"not what was written|does not open this store"):
        open_it()


def test_a_journal_cell_opens_for_its_rotation_only(opened: OpenVault) -> None:
    """A value that waits for the end of a rotation is bound to that rotation, its name and its time."""
    credential = stored(opened, "one", ONE)
    sealed = opened.vault.seal_cell(credential, "r1", "minted", Secret(TWO), NOON)
    assert TWO.encode() == opened.vault.open_cell(credential, "r1", "minted", sealed, NOON).reveal()
    for rotation, name, at in (
        ("r2", "minted", NOON),
        ("r1", "old", NOON),
        ("r1", "minted", NOON + timedelta(seconds=1)),
    ):
        with pytest.raises(IntegrityError):
            opened.vault.open_cell(credential, rotation, name, sealed, at)


def test_every_change_of_the_vault_is_in_the_ledger(opened: OpenVault) -> None:
    """With fingerprints, never with values."""
    stored(opened, "one", ONE)
    replace_value(opened, "one", Secret(TWO), key_id=None, standby=False, actor="somebody")
    with opened.database.read() as connection:
        bodies = list(connection.execute(select(tables.ledger.c.body).order_by(tables.ledger.c.seq)).scalars())
    assert len(bodies) == 3
    assert all('"action":"key.stored"' in body and opened.fingerprinter.of_bytes(v.encode()).short in body
               for body, v in zip(bodies[1:], (ONE, TWO), strict=True))  # fmt: skip
    assert not any(v in body for body in bodies for v in (ONE, TWO))
