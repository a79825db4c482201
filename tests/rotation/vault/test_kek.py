"""Master-key slots: a private key file opens the store; nothing else does."""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, update

from keysweep.foundation.database import tables
from keysweep.foundation.errors import DeniedError, IntegrityError, UsageError
from keysweep.rotation.vault import kek
from keysweep.rotation.vault.slots.key_file import create_key_file, read_key_file
from keysweep.rotation.vault.unlock import Made, OpenVault, initialise, unlock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a key file is made."""
    return tmp_path / "keys" / "store.key"


def test_a_key_file_is_private_whatever_the_umask(path: Path) -> None:
    """0600 in a folder of 0700, and read back as it was made."""
    before = os.umask(0)
    try:
        key = create_key_file(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert len(key) == 32
    assert key == read_key_file(path)[0]


def test_a_key_file_is_never_overwritten(path: Path) -> None:
    """It may be the only copy."""
    key = create_key_file(path)
    with pytest.raises(UsageError, match="cannot make the key file"):
        create_key_file(path)
    assert key == read_key_file(path)[0]


def _mode(bits: int) -> Callable[[Path], None]:
    return lambda path: path.chmod(bits)


def _content(content: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(content)

    return write


def _link(path: Path) -> None:
    path.rename(path.with_name("real.key"))
    path.symlink_to(path.with_name("real.key"))


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(_mode(0o640), id="the group may read it"),
        pytest.param(_mode(0o604), id="others may read it"),
        pytest.param(_mode(0o620), id="the group may write it"),
        pytest.param(_mode(0o601), id="others may execute it"),
        pytest.param(lambda path: path.unlink(), id="it is gone"),
        pytest.param(_link, id="it is a link"),
        pytest.param(_fifo, id="it is a pipe"),
        pytest.param(_content(b""), id="it is empty"),
        pytest.param(_content(b"A" * 44), id="it has no mark"),
        pytest.param(_content(b"keysweep-key-v1:AAAA"), id="it is too short"),
        pytest.param(_content(b"keysweep-key-v1:" + b"A" * 100), id="it is too long"),
        pytest.param(_content(b"keysweep-key-v1:" + b"!" * 44), id="it is not base64"),
        pytest.param(_content(b"keysweep-key-v1:" + b"\xff" * 44), id="it is not text"),
    ],
)
def test_anything_but_a_private_key_file_is_denied(path: Path, spoil: Callable[[Path], None]) -> None:
    """Exit 6, and nothing of its content in the message."""
    create_key_file(path)
    spoil(path)
    with pytest.raises(DeniedError) as caught:
        read_key_file(path)[0]
    assert caught.value.exit_code == 6
    assert "AAAA" not in caught.value.message


def test_sub_keys_have_one_use_each() -> None:
    """HKDF-SHA256 (RFC 5869) with the store's name as salt and a label a use, computed here by hand."""
    master = bytes(range(32))
    found = kek.SubKeys.derive(master, "tenant")
    extracted = hmac.new(b"tenant", master, hashlib.sha256).digest()
    for name in ("wrap", "fingerprint", "audit", "signing", "ring"):
        info = f"keysweep/{name}/v1".encode()
        assert hmac.new(extracted, info + b"\x01", hashlib.sha256).digest() == getattr(found, name)
    assert found.wrap.hex() not in repr(found)
    assert kek.SubKeys.derive(master, "other") != found


@pytest.mark.parametrize(
    ("slot", "tenant"),
    [
        pytest.param("another", "t", id="moved to another slot"),
        pytest.param("s", "another", id="moved to another store"),
    ],
)
def test_a_wrapped_master_key_is_bound_to_its_slot(slot: str, tenant: str) -> None:
    """It opens in its own place only."""
    key, master = os.urandom(32), os.urandom(32)
    wrapped = kek.wrap_master(key, master, slot="s", tenant="t")
    assert master == kek.unwrap_master(key, wrapped, slot="s", tenant="t")
    assert kek.unwrap_master(key, wrapped, slot=slot, tenant=tenant) is None


@pytest.mark.parametrize("length", [0, 1, 12, 27, 59])
def test_a_cut_master_key_opens_nothing(length: int) -> None:
    """However short it is."""
    key = os.urandom(32)
    wrapped = kek.wrap_master(key, os.urandom(32), slot="s", tenant="t")
    assert kek.unwrap_master(key, wrapped[:length], slot="s", tenant="t") is None


def test_one_changed_bit_of_a_slot_opens_nothing() -> None:
    """Nonce, key and tag."""
    key = os.urandom(32)
    wrapped = kek.wrap_master(key, os.urandom(32), slot="s", tenant="t")
    for position in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[position] ^= 1
        assert kek.unwrap_master(key, bytes(changed), slot="s", tenant="t") is None


def test_the_key_of_another_store_is_denied(opened: OpenVault, tmp_path: Path) -> None:
    """And the message says which file, and what to do."""
    other = tmp_path / "other.key"
    create_key_file(other)
    with pytest.raises(DeniedError, match="does not open this store") as caught:
        unlock(replace(opened.settings, key_file=other))
    assert "--key-file" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("values", "error"),
    [
        pytest.param({"wrapped": b""}, DeniedError, id="its wrapped key is empty"),
        pytest.param({"wrapped": b"x" * 60}, DeniedError, id="its wrapped key is something else"),
        pytest.param({"params": '{"a": 1}'}, DeniedError, id="its parameters were changed"),
        pytest.param({"kind": "unknown"}, IntegrityError, id="no slot is left"),
    ],
)
def test_a_spoilt_slot_does_not_open(opened: OpenVault, values: dict[str, object], error: type[Exception]) -> None:
    """With a named error."""
    with opened.database.write() as connection:
        connection.execute(update(tables.kek_slot).values(**values))
    with pytest.raises(error):
        unlock(opened.settings)


def test_initialising_keeps_what_is_there(opened: OpenVault) -> None:
    """Again and again; the same key, the same store, nothing added to the ledger."""
    before = read_key_file(opened.settings.key_file)[0]
    with opened.database.read() as connection:
        ledger = connection.execute(select(tables.ledger)).all()
    assert Made.EXISTED is initialise(opened.settings)
    assert before == read_key_file(opened.settings.key_file)[0]
    with opened.database.read() as connection:
        assert ledger == connection.execute(select(tables.ledger)).all()


def test_a_store_whose_key_file_is_gone_gets_no_new_one(opened: OpenVault) -> None:
    """A fresh key would open nothing and hide the loss."""
    opened.settings.key_file.unlink()
    with pytest.raises(DeniedError):
        initialise(opened.settings)
    assert not opened.settings.key_file.exists()


def test_a_key_file_without_a_store_is_used(opened: OpenVault, store_url: str, tmp_path: Path) -> None:
    """A machine that was prepared with its key: `init` takes that key and makes the store."""
    before = read_key_file(opened.settings.key_file)[0]
    settings = replace(opened.settings, store=str(tmp_path / "second" / "store.db"))
    assert Made.CREATED is initialise(settings)
    unlock(settings).close()
    assert before == read_key_file(settings.key_file)[0]
