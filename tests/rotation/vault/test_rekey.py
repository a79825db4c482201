"""A new master key: everything is carried over, nothing is lost when it is killed, and what was written before still verifies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.ledger import checkpoint
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import Entry, add
from keysweep.rotation.vault import moving, rekey, store
from keysweep.rotation.vault.envelope import generation_of
from keysweep.rotation.vault.integrity import check_ledger
from keysweep.rotation.vault.unlock import OpenVault, unlock

KILLS = int(os.environ.get("KEYSWEEP_TEST_KILLS", "4"))
"""`make test-rekey` takes 50."""
SECRETS = int(os.environ.get("KEYSWEEP_TEST_SECRETS", "600"))


def value_of(number: int) -> str:
    """The value of the nth credential of a test."""
    return random.Random(number).randbytes(18).hex()


def fill(opened: OpenVault, count: int) -> None:
    """Store *count* credentials; each tenth has a value that was destroyed, and a standby."""
    with opened.database.write() as connection:
        for number in range(count):
            entry = Entry(name=f"key-{number}", provider="custom", value=Secret(value_of(number)))
            add(connection, opened, entry, actor="test")
            if number % 10 == 0:
                credential = store.credential_named(connection, entry.name)
                gone = Secret(value_of(number + 100_000))
                version = opened.vault.add_version(connection, credential, gone, state=State.RETIRED)
                store.shred_value(connection, version.ref)


def hold(opened: OpenVault, count: int) -> None:
    """Check that every value opens and every one, gone or not, is recognised."""
    with opened.database.read() as connection:
        for number in range(count):
            credential = store.credential_named(connection, f"key-{number}")
            current = store.version_in(connection, credential.id, State.CURRENT)
            assert current is not None
            assert value_of(number).encode() == opened.vault.open_version(connection, current.ref).reveal()
    known = opened.known_keys()
    for number in range(0, count, max(1, count // 50)):
        found = known.owner(opened.fingerprinter.of_bytes(value_of(number).encode()))
        assert found is not None
        assert (found.name, found.version) == (f"key-{number}", 1)
    for number in range(0, count, 10):
        found = known.owner(opened.fingerprinter.of_bytes(value_of(number + 100_000).encode()))
        assert found is not None
        assert (found.name, found.version) == (f"key-{number}", 2)


def again(opened: OpenVault) -> OpenVault:
    """Open the store as another process does."""
    return unlock(opened.settings, clock=opened.clock)


def test_everything_is_under_the_new_key(opened: OpenVault) -> None:
    """Values open, live and dead ones are recognised, and the ledger is whole: for the one who rotated and for the next."""
    fill(opened, 25)
    assert rekey.rotate_master(opened, actor="test", batch=7) == rekey.Rotated(generation=2, values=25, resumed=False)
    later = again(opened)
    for one in (opened, later):
        hold(one, 25)
        check_ledger(one)
    with opened.database.read() as connection:
        sealed = connection.execute(select(tables.version.c.sealed).where(tables.version.c.sealed.is_not(None)))
        assert {generation_of(value) for value in sealed.scalars()} == {2}
        assert connection.execute(select(func.count()).select_from(tables.moved)).scalar() == 0
    later.close()


def test_nothing_of_the_old_master_key_is_left(opened: OpenVault) -> None:
    """It is sealed to no slot any longer; a fingerprint under its key alone recognises nothing."""
    fill(opened, 3)
    old = opened.ring.current
    rekey.rotate_master(opened, actor="test")
    with opened.database.read() as connection:
        assert set(connection.execute(select(tables.slot_master.c.generation)).scalars()) == {2}
        stored = set(connection.execute(select(tables.version.c.fingerprint)).scalars())
        assert Fingerprinter(old.fingerprint).of_bytes(value_of(1).encode()).digest not in stored
        new = opened.ring.current
        assert Fingerprinter(new.fingerprint).of_bytes(value_of(1).encode()).digest not in stored
    assert opened.ring.opening(1) is None


def test_it_can_be_done_again_and_again(opened: OpenVault) -> None:
    """Five generations: dead values of the first are recognised, and the checkpoints of all verify."""
    fill(opened, 11)
    keys = set()
    for generation in range(2, 7):
        with opened.database.write() as connection:
            checkpoint.take(
                connection, sign=opened.signer.sign, public_key=opened.signer.public_key, clock=opened.clock
            )
        keys.add(opened.signer.public_key)
        assert rekey.rotate_master(opened, actor="test").generation == generation
    assert len(keys) == 5
    hold(opened, 11)
    assert check_ledger(opened).checkpoints == 6
    assert {*opened.ring.public_keys} == {*keys, opened.signer.public_key}


def test_the_old_key_names_the_new_one(opened: OpenVault) -> None:
    """The last checkpoint of the old key covers the entry that states the new public key."""
    old = opened.signer.public_key
    rekey.rotate_master(opened, actor="test")
    with opened.database.read() as connection:
        body = connection.execute(select(tables.ledger.c.body).order_by(tables.ledger.c.seq.desc())).scalar()
        last = checkpoint.checkpoints(connection)[-1]
        newest = connection.execute(select(func.max(tables.ledger.c.seq))).scalar()
    assert opened.signer.public_key.hex() in str(body)
    assert (old, newest) == (last.public_key, last.seq)
    last.check()


def test_an_entry_under_the_old_key_is_forged_from_then_on(opened: OpenVault) -> None:
    """Whoever stole the old master key cannot write the ledger with it."""
    from keysweep.foundation.ledger.chain import Ledger

    old = opened.ring.current.audit
    rekey.rotate_master(opened, actor="test")
    with opened.database.write() as connection:
        forged = Ledger(old, opened.clock).append(connection, actor="thief", action="key.resolved", subject="x")
    with pytest.raises(IntegrityError, match=f"entry {forged.seq}: it was not written with this store's key"):
        check_ledger(opened)


def test_a_process_that_was_open_before_goes_on(opened: OpenVault) -> None:
    """It reads, recognises and writes, under the new key, without being started again."""
    fill(opened, 10)
    other = again(opened)
    rekey.rotate_master(opened, actor="test")
    hold(other, 10)
    with other.database.write() as connection:
        entry = Entry(name="late", provider="custom", value=Secret(value_of(77)))
        add(connection, other, entry, actor="test")
    with opened.database.read() as connection:
        ref = store.versions(connection, store.credential_named(connection, "late").id)[0].ref
        assert opened.vault.open_version(connection, ref).reveal() == value_of(77).encode()
        assert generation_of(store.sealed_value(connection, ref) or b"") == 2
    check_ledger(opened)
    other.close()


class StopError(Exception):
    """Stands for a crash."""


def stop_after(batches: int) -> Callable[[int], None]:
    """Return a progress report that ends the rotation after so many batches."""
    left = batches

    def progress(_: int) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise StopError

    return progress


@pytest.mark.parametrize("batches", range(6))
def test_readers_and_writers_work_while_it_is_under_way(opened: OpenVault, batches: int) -> None:
    """Half the rows moved, half not: everything opens, is recognised, and what is stored now is carried over as well."""
    fill(opened, 20)
    scanning = opened.fingerprinter
    with pytest.raises(StopError):
        rekey.rotate_master(opened, actor="test", batch=5, progress=stop_after(batches))
    other = again(opened)
    hold(other, 20)
    with other.database.write() as connection:
        add(connection, other, Entry(name="key-20", provider="custom", value=Secret(value_of(20))), actor="test")
    check_ledger(other)
    assert rekey.rotate_master(other, actor="test", batch=5).resumed
    hold(other, 20)
    for number in (0, 13, 20):
        found = opened.known_keys().owner(scanning.of_bytes(value_of(number).encode()))
        assert found is not None, "a scan that began before is answered"
        assert found.name == f"key-{number}"
    check_ledger(other)
    other.close()


def test_the_same_value_is_not_stored_twice_while_it_is_under_way(opened: OpenVault) -> None:
    """An import meets a value whose fingerprint has moved already."""
    fill(opened, 5)
    with pytest.raises(StopError):
        rekey.rotate_master(opened, actor="test", batch=5, progress=stop_after(1))
    with opened.database.write() as connection:
        entry = Entry(name="key-3", provider="custom", value=Secret(value_of(3)))
        assert str(add(connection, opened, entry, actor="test")) == "unchanged"


def test_a_value_that_is_not_what_was_written_stops_it(opened: OpenVault) -> None:
    """The row is named, the old key stays, and all other values open."""
    fill(opened, 5)
    with opened.database.write() as connection:
        credential = store.credential_named(connection, "key-2")
        connection.execute(
            update(tables.version).where(tables.version.c.credential_id == credential.id).values(fingerprint=b"x" * 32)
        )
    with pytest.raises(IntegrityError, match=credential.id):
        rekey.rotate_master(opened, actor="test", batch=1)
    later = again(opened)
    assert later.ring.current.number == 1
    with later.database.read() as connection:
        ref = store.versions(connection, store.credential_named(connection, "key-4").id)[0].ref
        assert value_of(4).encode() == later.vault.open_version(connection, ref).reveal()
    later.close()


def test_two_who_rotate_at_once_make_one_rotation(opened: OpenVault) -> None:
    """The second finds what the first began and goes on with it."""
    fill(opened, 12)
    with pytest.raises(StopError):
        rekey.rotate_master(opened, actor="one", batch=3, progress=stop_after(1))
    other = again(opened)
    assert rekey.rotate_master(other, actor="two", batch=3).generation == 2
    assert not rekey.under_way(opened)
    with pytest.raises(IntegrityError, match="ended by someone else"):
        moving.check(opened, 3)
    hold(opened, 12)
    other.close()


def test_every_slot_opens_the_new_key(opened: OpenVault, tmp_path: Path) -> None:
    """A break-glass key file that lies in a safe is not at hand for it, and opens the store afterwards."""
    from keysweep.rotation.vault import slot_rows
    from keysweep.rotation.vault.unlock import means_of

    spare = replace(opened.settings, key_file=tmp_path / "safe" / "spare.key")
    with opened.database.write() as connection:
        made = slot_rows.prepare(opened.ring.tenant, means_of(spare), "key-file", "safe")
        slot_rows.add_slot(connection, opened.ring, made, opened.clock())
    away = spare.key_file.rename(tmp_path / "away.key")
    fill(opened, 3)
    rekey.rotate_master(opened, actor="test")
    late = unlock(replace(spare, key_file=away))
    hold(late, 3)
    late.close()


@pytest.mark.parametrize("statement", ["first_seq = 1", "public_key = kept", "kept = public_key", "state = 'former'"])
def test_a_forged_generation_is_noticed(opened: OpenVault, statement: str) -> None:
    """Nobody gives an old key back its say."""
    from sqlalchemy import text

    rekey.rotate_master(opened, actor="test")
    with opened.database.engine.begin() as connection:
        connection.execute(
            text(
                f"UPDATE generation SET {statement} WHERE number = {2 if 'seq' in statement or 'state' in statement else 1}"
            )
        )
    with pytest.raises(IntegrityError):
        again(opened)


_ROTATE = """
import sys
from pathlib import Path
from keysweep.foundation.settings import Settings
from keysweep.rotation.vault import rekey
from keysweep.rotation.vault.unlock import unlock
opened = unlock(Settings(store=sys.argv[1], key_file=Path(sys.argv[2])))
sys.stdout.write("ready\\n"); sys.stdout.flush()
rekey.rotate_master(opened, actor="test", batch=int(sys.argv[3]))
"""


@pytest.mark.slow
def test_killed_at_random_it_loses_nothing(opened_sqlite: OpenVault) -> None:
    """SIGKILL at a random moment, again and again; every value opens in between, and a last run ends it."""
    opened, chance = opened_sqlite, random.Random(5)
    fill(opened, SECRETS)
    batch = max(1, SECRETS // 40)
    killed, ended = 0, 0
    while killed < KILLS:
        process = subprocess.Popen(
            [sys.executable, "-c", _ROTATE, opened.settings.store, str(opened.settings.key_file), str(batch)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[3],
        )
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(chance.uniform(0, 0.02 + SECRETS / 6000))
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            killed += 1
        else:
            ended += 1
        process.wait()
        process.stdout.close()
        between = again(opened)
        hold(between, min(SECRETS, 60))
        between.close()
    rekey.rotate_master(opened, actor="test")
    hold(opened, SECRETS)
    check_ledger(opened)
