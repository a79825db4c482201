"""Slots: several ways to open one store, each of them enough, none of them able to forge another."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import DeniedError, IntegrityError, KeysweepError, UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.vault import kek, opening, rekey, slot_rows
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.slots import Means, key_file, kind, kinds, passphrase
from keysweep.rotation.vault.slots.key_file import create_key_file, read_key_file
from keysweep.rotation.vault.unlock import OpenVault, initialise, means_of, unlock
from tests.fakes.engines import NOON

PASSPHRASE = "correct horse battery staple"
CHEAP = {"kdf": "argon2id", "iterations": 1, "lanes": 1, "memory_kib": 64}


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Argon2id at its least cost: its strength is asked for in one test."""
    monkeypatch.setattr(passphrase, "_ARGON2", CHEAP)


@pytest.fixture
def entries(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[tuple[str, str], str]]:
    """A real `keyring` library with a backend that holds its entries in this process."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend

    held: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return held.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            held[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            del held[service, username]

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield held
    keyring.set_keyring(before)


@pytest.fixture(scope="module")
def kms() -> Iterator[str]:
    """A KMS server on this machine (moto), by its address."""
    server = pytest.importorskip("moto.server")
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def kms_key(kms: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The ARN of a key there; the environment names the server."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": kms,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    arn: str = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


def secret_file(folder: Path, content: str = PASSPHRASE, name: str = "passphrase") -> Path:
    """Write a private file."""
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(content)
    return path


@pytest.fixture
def means(request: pytest.FixtureRequest, tmp_path: Path) -> Means:
    """What opens a slot of the kind that a test is run for."""
    name = request.param
    gone = tmp_path / "no" / "such.key"
    match name:
        case "key-file":
            return Means(key_file=tmp_path / "spare" / "spare.key", environ={})
        case "passphrase":
            return Means(key_file=gone, environ={passphrase.FILE: str(secret_file(tmp_path))})
        case "keyring":
            request.getfixturevalue("entries")
            return Means(key_file=gone, environ={})
        case "systemd-credential":
            create_key_file(tmp_path / "credentials" / "keysweep.key")
            return Means(key_file=gone, environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
        case "aws-kms":
            arn = request.getfixturevalue("kms_key")
            return Means(key_file=gone, environ={}, wanted={"key_id": arn, "region": ""})
        case _:
            raise AssertionError(name)


EACH_KIND = pytest.mark.parametrize(("means", "name"), [pytest.param(k, k, id=k) for k in kinds()], indirect=["means"])


def add(opened: OpenVault, means: Means, name: str, label: str = "") -> slot_rows.SlotRow:
    """Add a slot."""
    made = slot_rows.prepare(opened.ring.tenant, means, name, label)
    with opened.database.write() as connection:
        return slot_rows.add_slot(connection, opened.ring, made, NOON)


def anew(opened: OpenVault, means: Means, slot: slot_rows.SlotRow, *, crash: bool = False) -> None:
    """Give a slot a new key; a crash comes between the key and the store."""
    made = slot_rows.prepare_anew(opened.ring.tenant, means, slot)
    if crash:
        return
    with opened.database.write() as connection:
        slot_rows.replace_key(connection, opened.ring, made, NOON)
    made.made.done()


def remove(opened: OpenVault, slot: slot_rows.SlotRow) -> None:
    """Take a slot away."""
    with opened.database.write() as connection:
        slot_rows.remove_slot(connection, opened.ring, slot, NOON)


def ring_of(opened: OpenVault, means: Means) -> KeyRing:
    """Open the store as a process with these means does."""
    return opening.open_ring(opened.database, opened.ring.tenant, means)


def test_each_kind_stands_in_the_folder() -> None:
    """Tried in this order; the one that asks a person comes last."""
    assert kinds() == ("key-file", "systemd-credential", "keyring", "aws-kms", "passphrase")
    assert max(kinds(), key=lambda name: kind(name).rank) == "passphrase"


@EACH_KIND
def test_a_slot_of_each_kind_opens_the_store(opened_sqlite: OpenVault, means: Means, name: str) -> None:
    """The same keys; before and after a new master key, and after a new key of the slot's own."""
    slot = add(opened_sqlite, means, name)
    assert ring_of(opened_sqlite, means).current.audit == opened_sqlite.ring.current.audit
    rekey.rotate_master(opened_sqlite, actor="test")
    assert ring_of(opened_sqlite, means).public_keys == opened_sqlite.ring.public_keys
    anew(opened_sqlite, means, slot)
    assert slot.id == ring_of(opened_sqlite, means).slot
    assert ring_of(opened_sqlite, means).current.audit == opened_sqlite.ring.current.audit


@EACH_KIND
def test_a_crash_while_a_slot_gets_a_new_key_leaves_it_open(opened_sqlite: OpenVault, means: Means, name: str) -> None:
    """The new key is made, the store does not know it yet: the old one opens."""
    slot = add(opened_sqlite, means, name)
    anew(opened_sqlite, means, slot, crash=True)
    assert ring_of(opened_sqlite, means).slot == slot.id
    anew(opened_sqlite, means, slot)
    assert ring_of(opened_sqlite, means).slot == slot.id


@EACH_KIND
def test_the_old_key_of_a_slot_opens_nothing(opened_sqlite: OpenVault, means: Means, name: str) -> None:
    """Neither does what it sealed before, put back: the slots are authenticated together."""
    slot = add(opened_sqlite, means, name)
    with opened_sqlite.database.read() as connection:
        before = {
            table: connection.execute(select(table).where(table.c[column] == slot.id)).one()._asdict()
            for table, column in (
                (tables.kek_slot, "id"),
                (tables.slot_key, "slot_id"),
                (tables.slot_master, "slot_id"),
            )
        }
    anew(opened_sqlite, means, slot)
    with opened_sqlite.database.engine.begin() as connection:
        connection.execute(text("PRAGMA foreign_keys = OFF"))
        for table, row in before.items():
            column = "id" if "kind" in row else "slot_id"
            connection.execute(update(table).where(table.c[column] == slot.id).values(row))
    with pytest.raises(IntegrityError, match="a slot or a generation"):
        unlock(opened_sqlite.settings)


@EACH_KIND
@pytest.mark.parametrize("column", ["params", "wrapped", "public", "sealed"])
def test_a_spoilt_slot_of_each_kind_does_not_open(
    opened_sqlite: OpenVault, means: Means, name: str, column: str
) -> None:
    """One bit of any column; and the key file beside it notices as well."""
    slot = add(opened_sqlite, means, name)
    table = next(t for t in (tables.kek_slot, tables.slot_key, tables.slot_master) if column in t.c)
    where = (table.c.id if "kind" in table.c else table.c.slot_id) == slot.id
    with opened_sqlite.database.engine.begin() as connection:
        value = connection.execute(select(table.c[column]).where(where)).scalar_one()
        spoilt = value[:-1] + " }" if isinstance(value, str) else value[:-1] + bytes([value[-1] ^ 1])
        connection.execute(update(table).where(where).values({column: spoilt}))
    with pytest.raises(KeysweepError) as caught:
        ring_of(opened_sqlite, means)
    assert caught.value.exit_code in {6, 7}
    with pytest.raises(IntegrityError):
        unlock(opened_sqlite.settings)


def test_a_slot_that_someone_puts_in_gets_no_master_key(opened: OpenVault) -> None:
    """Whoever can write the store, and has no key of it, adds a key pair of his own and waits for the next master key."""
    _, public = kek.new_pair()
    with opened.database.engine.begin() as connection:
        connection.execute(
            insert(tables.kek_slot).values(
                id="thief", kind="key-file", params="{}", wrapped=b"", created_at=to_text(NOON)
            )
        )
        connection.execute(insert(tables.slot_key).values(slot_id="thief", label="", public=public))
    with pytest.raises(IntegrityError, match="a slot or a generation"):
        unlock(opened.settings)
    with pytest.raises(IntegrityError, match="a slot or a generation"):
        rekey.rotate_master(opened, actor="a process that was open before")


def test_removing_a_slot_ends_it(opened: OpenVault, tmp_path: Path) -> None:
    """Its key opens nothing any longer; the other does."""
    spare = Means(key_file=tmp_path / "spare.key", environ={})
    slot = add(opened, spare, "key-file", "spare")
    remove(opened, slot)
    with pytest.raises(DeniedError):
        ring_of(opened, spare)
    unlock(opened.settings).close()


def test_the_last_slot_stays(opened: OpenVault) -> None:
    """Without it nothing opens the store."""
    with opened.database.read() as connection:
        (only,) = slot_rows.slots(connection)
    with pytest.raises(UsageError, match="last slot"):
        remove(opened, only)


def test_a_slot_stays_where_the_rest_was_never_seen_to_open(opened: OpenVault, tmp_path: Path) -> None:
    """The one that is open now opens; one that was only written down does not count."""
    with opened.database.read() as connection:
        (first,) = slot_rows.slots(connection)
    spare = Means(key_file=tmp_path / "spare.key", environ={})
    second = add(opened, spare, "key-file")
    with pytest.raises(UsageError, match="ever seen to open"):
        remove(opened, first)
    with opened.database.write() as connection:
        slot_rows.mark_tested(connection, opened.ring, (second.id,), NOON)
    remove(opened, first)
    assert ring_of(opened, spare).slot == second.id


def test_nobody_is_asked_where_a_key_file_opens(opened: OpenVault) -> None:
    """A passphrase for an emergency costs nothing on other days."""
    asked: list[str] = []

    def ask(what: str) -> Secret:
        asked.append(what)
        return Secret(PASSPHRASE)

    add(opened, replace(means_of(opened.settings), ask=ask), "passphrase", "safe")
    assert asked == ["Passphrase of the slot safe", "Passphrase of the slot safe, again"]
    unlock(opened.settings, ask=ask).close()
    assert len(asked) == 2
    opened.settings.key_file.unlink()
    unlock(opened.settings, ask=ask).close()
    assert asked[2:] == ["Passphrase of the slot safe"]


def test_a_passphrase_that_was_mistyped_is_refused(opened: OpenVault) -> None:
    """When it is set: both must be the same."""
    said = iter((PASSPHRASE, PASSPHRASE + "x"))
    means = replace(means_of(opened.settings), ask=lambda _: Secret(next(said)))
    with pytest.raises(UsageError, match="differ"):
        add(opened, means, "passphrase")


@pytest.mark.parametrize("typed", ["wrong horse battery staple", PASSPHRASE + " ", PASSPHRASE.upper(), ""])
def test_a_wrong_passphrase_is_denied(opened: OpenVault, typed: str) -> None:
    """Exit 6, and it is not repeated."""
    right = replace(means_of(opened.settings), ask=lambda _: Secret(PASSPHRASE))
    add(opened, right, "passphrase")
    opened.settings.key_file.unlink()
    with pytest.raises(DeniedError) as caught:
        unlock(opened.settings, ask=lambda _: Secret(typed))
    assert caught.value.exit_code == 6
    assert not typed or typed not in caught.value.message


@pytest.mark.parametrize("length", [0, 1, 11])
def test_a_short_passphrase_is_refused(opened: OpenVault, length: int) -> None:
    """It could be guessed, whatever the function costs."""
    with pytest.raises(UsageError, match="at least 12"):
        add(opened, replace(means_of(opened.settings), ask=lambda _: Secret("x" * length)), "passphrase")


@pytest.mark.parametrize(
    ("mode", "readable"), [(0o600, True), (0o400, True), (0o640, False), (0o604, False), (0o660, False)]
)
def test_a_passphrase_file_is_private(opened: OpenVault, tmp_path: Path, mode: int, *, readable: bool) -> None:
    """As a key file; one newline at its end is no part of it."""
    add(opened, replace(means_of(opened.settings), ask=lambda _: Secret(PASSPHRASE)), "passphrase")
    path = secret_file(tmp_path, PASSPHRASE + "\n")
    path.chmod(mode)
    means = Means(key_file=tmp_path / "gone", environ={passphrase.FILE: str(path)})
    if readable:
        ring_of(opened, means)
        return
    with pytest.raises(DeniedError, match="open to other users"):
        ring_of(opened, means)


def test_a_passphrase_comes_through_a_pipe(opened: OpenVault, tmp_path: Path) -> None:
    """`KEYSWEEP_PASSPHRASE_FILE=/dev/fd/N`, for programs that keep it in memory."""
    add(opened, replace(means_of(opened.settings), ask=lambda _: Secret(PASSPHRASE)), "passphrase")
    reading, writing = os.pipe()
    threading.Thread(target=lambda: (os.write(writing, PASSPHRASE.encode()), os.close(writing))).start()
    ring_of(opened, Means(key_file=tmp_path / "gone", environ={passphrase.FILE: f"/dev/fd/{reading}"}))
    os.close(reading)


@pytest.mark.parametrize(
    "params",
    [
        pytest.param({"memory_kib": 1 << 40}, id="all memory there is"),
        pytest.param({"iterations": 1 << 40}, id="for ever"),
        pytest.param({"iterations": 0}, id="nothing"),
        pytest.param({"lanes": -1}, id="less than nothing"),
        pytest.param({"iterations": "3"}, id="no number"),
        pytest.param({"salt": "zz"}, id="a salt that is none"),
        pytest.param({"kdf": "scrypt", "n": 1 << 30, "r": 8, "p": 1}, id="scrypt with all memory"),
    ],
)
def test_parameters_that_nobody_wrote_are_refused(opened: OpenVault, params: Mapping[str, object]) -> None:
    """Before they cost anything: whoever writes the store does not take a machine down."""
    means = replace(means_of(opened.settings), ask=lambda _: Secret(PASSPHRASE))
    slot = add(opened, means, "passphrase")
    spoilt = json.dumps({**slot.params, **params})
    with opened.database.engine.begin() as connection:
        connection.execute(update(tables.kek_slot).where(tables.kek_slot.c.id == slot.id).values(params=spoilt))
    opened.settings.key_file.unlink()
    with pytest.raises(IntegrityError, match="not what"):
        unlock(opened.settings, ask=lambda _: Secret(PASSPHRASE))


def test_passphrases_cost_what_they_should(monkeypatch: pytest.MonkeyPatch) -> None:
    """At least RFC 9106's second recommendation for Argon2id; at least OWASP's least cost for scrypt."""
    monkeypatch.undo()
    argon, scrypt = passphrase._ARGON2, passphrase._SCRYPT
    assert (int(argon["memory_kib"]), int(argon["iterations"])) >= (64 * 1024, 3)
    assert int(scrypt["n"]) * int(scrypt["r"]) * 128 >= 128 << 20


def test_scrypt_takes_over_where_there_is_no_argon2(opened: OpenVault, monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenSSL before 3.2."""
    from cryptography.exceptions import UnsupportedAlgorithm

    def missing(**_: object) -> None:
        raise UnsupportedAlgorithm("none here")

    monkeypatch.setattr(passphrase, "Argon2id", missing)
    monkeypatch.setattr(passphrase, "_SCRYPT", {"kdf": "scrypt", "n": 16, "r": 8, "p": 1})
    means = replace(means_of(opened.settings), ask=lambda _: Secret(PASSPHRASE))
    assert add(opened, means, "passphrase").params["kdf"] == "scrypt"
    ring_of(opened, replace(means, key_file=Path("/nowhere")))


def test_a_key_of_kms_is_bound_to_store_and_slot(opened_sqlite: OpenVault, kms_key: str, tmp_path: Path) -> None:
    """The ciphertext of another slot is refused by KMS itself, and the error tells its code only."""
    means = Means(key_file=tmp_path / "gone", environ={}, wanted={"key_id": kms_key, "region": ""})
    one, other = add(opened_sqlite, means, "aws-kms"), add(opened_sqlite, means, "aws-kms")
    from keysweep.rotation.vault.slots import Place

    tenant = opened_sqlite.ring.tenant
    assert len(kind("aws-kms").keys(means, Place(tenant=tenant, slot=one.id), one.params)[0]) == 32
    for place in (Place(tenant=tenant, slot=other.id), Place(tenant="another", slot=one.id)):
        with pytest.raises(DeniedError, match="InvalidCiphertextException"):
            kind("aws-kms").keys(means, place, one.params)


def test_a_kms_that_does_not_answer_is_named(
    opened_sqlite: OpenVault, kms_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the store stays shut."""
    means = Means(key_file=Path("/nowhere"), environ={}, wanted={"key_id": kms_key, "region": ""})
    add(opened_sqlite, means, "aws-kms")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(DeniedError, match="EndpointConnectionError"):
        ring_of(opened_sqlite, means)


def test_a_keyring_without_the_entry_opens_nothing(
    opened_sqlite: OpenVault, entries: dict[tuple[str, str], str]
) -> None:
    """Another user's, another machine's; and a removed slot leaves no entry behind."""
    means = Means(key_file=Path("/nowhere"), environ={})
    slot = add(opened_sqlite, means, "keyring")
    assert len(entries) == 1
    anew(opened_sqlite, means, slot)
    assert len(entries) == 1, "the entry of the old key is gone"
    kept = dict(entries)
    entries.clear()
    with pytest.raises(DeniedError, match="not at hand"):
        ring_of(opened_sqlite, means)
    entries.update(kept)
    ring_of(opened_sqlite, means)


@pytest.mark.parametrize("name", ["../store.key", "a/b", "", ".hidden", "x" * 200])
def test_a_credential_of_systemd_is_one_file_of_its_folder(tmp_path: Path, name: str) -> None:
    """A name leads nowhere else."""
    from keysweep.rotation.vault.slots import Place

    create_key_file(tmp_path / "store.key")
    (tmp_path / "credentials").mkdir()
    means = Means(key_file=tmp_path, environ={"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")})
    assert kind("systemd-credential").keys(means, Place(tenant="t", slot="s"), {"name": name}) == ()


def test_a_key_file_holds_both_keys_while_one_is_replaced(tmp_path: Path) -> None:
    """Written beside and put in its place; private all the time."""
    from keysweep.rotation.vault.slots import Place

    path = tmp_path / "keys" / "store.key"
    old = create_key_file(path)
    made = kind("key-file").make(Means(key_file=path, environ={}), Place(tenant="t", slot="s"), {})
    assert read_key_file(path) == (made.key, old)
    assert path.stat().st_mode & 0o777 == 0o600
    made.done()
    assert read_key_file(path) == (made.key,)
    assert [entry.name for entry in path.parent.iterdir()] == ["store.key"]


def old_form(opened: OpenVault) -> None:
    """Put a store back to the form from before there were generations: the slot's key seals the master key itself."""
    (key,) = read_key_file(opened.settings.key_file)
    master = opened.ring.masters(opened.database.engine.connect())[1]
    with opened.database.engine.begin() as connection:
        slot = connection.execute(select(tables.kek_slot)).one()
        for table in (tables.slot_master, tables.slot_key, tables.generation):
            connection.execute(delete(table))
        wrapped = kek.wrap_master(key, master, slot=slot.id, tenant=opened.ring.tenant)
        connection.execute(update(tables.kek_slot).values(wrapped=wrapped))


def test_a_store_of_the_older_form_opens(opened_sqlite: OpenVault) -> None:
    """As it is; nothing is written by opening it."""
    audit = opened_sqlite.ring.current.audit
    old_form(opened_sqlite)
    later = unlock(opened_sqlite.settings)
    assert audit == later.ring.current.audit
    assert later.ring.is_old
    later.close()


@pytest.mark.parametrize("act", ["rotate", "add"])
def test_a_store_of_the_older_form_is_brought_up_to_date(opened_sqlite: OpenVault, tmp_path: Path, act: str) -> None:
    """By the first thing that needs it."""
    old_form(opened_sqlite)
    later = unlock(opened_sqlite.settings)
    if act == "rotate":
        assert rekey.rotate_master(later, actor="test").generation == 2
    else:
        add(later, Means(key_file=tmp_path / "spare.key", environ={}), "key-file")
    assert not later.ring.is_old
    later.close()
    unlock(opened_sqlite.settings).close()


def test_a_new_store_can_begin_with_another_slot(tmp_path: Path) -> None:
    """No key file is made where none is wanted."""
    from keysweep.foundation.settings import Settings

    settings = Settings(store=str(tmp_path / "s" / "store.db"), key_file=tmp_path / "s" / "store.key")
    means = replace(means_of(settings), ask=lambda _: Secret(PASSPHRASE))
    initialise(settings, kind="passphrase", means=means)
    assert not settings.key_file.exists()
    unlock(settings, ask=lambda _: Secret(PASSPHRASE)).close()
    with pytest.raises(DeniedError):
        unlock(settings)


def test_key_files_of_two_lines_are_checked_line_by_line() -> None:
    """One bad line spoils the file: half a key file is none."""
    good = key_file.MARK + b"A" * 43 + b"="
    assert len(key_file.parse_keys(good + b"\n" + good)) == 2
    for bad in (b"", b"x", key_file.MARK, good[:-4], b"A" * 44):
        assert key_file.parse_keys(good + b"\n" + bad + b"\n" + good) == ()


def test_an_open_process_finds_its_slots_new_key_by_itself(opened_sqlite: OpenVault) -> None:
    """A supervisor runs for weeks: neither a new key of its slot nor the next master key ends it."""
    settings = opened_sqlite.settings
    running = unlock(settings)
    with running.database.read() as connection:
        (slot,) = slot_rows.slots(connection)
    anew(opened_sqlite, means_of(settings), slot)
    rekey.rotate_master(opened_sqlite, actor="test")
    with running.database.write() as connection:
        assert (running.ring.slot, running.ring.current.number) == (slot.id, 2)
        assert set(running.ring.masters(connection)) == {2}
    running.close()


@pytest.fixture
def left_behind(opened_sqlite: OpenVault, tmp_path: Path) -> Iterator[OpenVault]:
    """A process that opened the store with a slot that is removed since, and that has no other way."""
    spare = tmp_path / "spare.key"
    slot = add(opened_sqlite, Means(key_file=spare, environ={}), "key-file")
    running = unlock(replace(opened_sqlite.settings, key_file=spare))
    remove(opened_sqlite, slot)
    yield running
    running.close()


def test_a_process_whose_slot_is_gone_goes_on_while_the_master_key_is_the_same(left_behind: OpenVault) -> None:
    """It has the keys of this generation; an agent does not stop at once because of it.  But it makes no slots any more."""
    with left_behind.database.write() as connection:
        assert left_behind.ring.current.number == 1
        with pytest.raises(DeniedError, match="generation 1"):
            left_behind.ring.masters(connection)


def test_and_is_denied_the_next_one(left_behind: OpenVault, opened_sqlite: OpenVault) -> None:
    """Whoever lost the slot is out."""
    rekey.rotate_master(opened_sqlite, actor="test")
    with pytest.raises(DeniedError, match="generation 2"), left_behind.database.write():
        pass


def test_a_slot_that_was_taken_by_force_is_named_by_those_that_run(opened_sqlite: OpenVault) -> None:
    """Without the ring's MAC nobody is left behind: that is tampering."""
    running = unlock(opened_sqlite.settings)
    with opened_sqlite.database.engine.begin() as raw:
        raw.execute(delete(tables.slot_master))
        raw.execute(update(tables.generation).values(mac=b"x" * 32))
    with pytest.raises(IntegrityError, match="not what was written"), running.database.write():
        pass
    running.close()
