"""Whoever steals the files reads nothing; whoever looks for a destroyed value finds only its fingerprint."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from urllib.parse import quote

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import Entry, add, replace_value
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate


def made(rule: str, seed: int = 7) -> str:
    """A synthetic key of a rule."""
    import random

    return generate(next(r for r in load_ruleset().rules if r.id == rule), random.Random(seed))


def raw(opened: OpenVault) -> bytes:
    """Every byte of the store's files: the database, its log and its index."""
    return b"".join(file.read_bytes() for file in sorted(Path(opened.settings.store).parent.iterdir()))


def forms(value: str) -> dict[str, bytes]:
    """How a value could lie in a file."""
    plain = value.encode()
    return {
        "raw": plain,
        "hex": plain.hex().encode(),
        "base64": base64.b64encode(plain).rstrip(b"="),
        "base64, shifted by one": base64.b64encode(b"x" + plain)[4:-4],
        "base64, shifted by two": base64.b64encode(b"xx" + plain)[4:-4],
        "URL": quote(value, safe="").encode(),
        "UTF-16": value.encode("utf-16-le"),
        "reversed": plain[::-1],
        "its second half": plain[len(plain) // 2 :],
    }


@pytest.fixture
def kept_open(opened_sqlite: OpenVault):
    """A store with a second connection, so that its log stays on disk as it does beside a running agent."""
    keeper = sqlite3.connect(opened_sqlite.settings.store)
    keeper.execute("SELECT count(*) FROM store").fetchall()
    yield opened_sqlite
    keeper.close()


def test_no_form_of_a_value_lies_in_the_files(kept_open: OpenVault) -> None:
    """Neither in the database nor in the write-ahead log."""
    value = made("anthropic-api-key")
    with kept_open.database.write() as connection:
        add(connection, kept_open, Entry(name="k", provider="anthropic", value=Secret(value)), actor="test")
    files = raw(kept_open)
    assert b"anthropic" in files, "the test reads what was written"
    assert {form: 1 for form, content in forms(value).items() if content in files} == {}


def test_the_key_file_does_not_lie_in_the_store(kept_open: OpenVault) -> None:
    """Store and key are two things: either alone is worth nothing."""
    content = kept_open.settings.key_file.read_bytes()
    encoded = content.strip().removeprefix(b"keysweep-key-v1:")
    files = raw(kept_open)
    assert base64.b64decode(encoded) not in files
    assert encoded not in files


def test_of_a_replaced_value_only_the_fingerprint_is_left(kept_open: OpenVault) -> None:
    """Its ciphertext and data key are gone from the database and from the log, not merely unlinked."""
    with kept_open.database.write() as connection:
        entry = Entry(name="k", provider="anthropic", value=Secret(made("anthropic-api-key")))
        add(connection, kept_open, entry, actor="test")
        credential = store.credential_named(connection, "k")
        old = store.versions(connection, credential.id)[0]
        sealed = store.sealed_value(connection, old.ref)
    assert sealed is not None
    assert sealed in raw(kept_open)
    new = Secret(made("anthropic-api-key", seed=8))
    replace_value(kept_open, "k", new, key_id=None, standby=False, actor="test")
    files = raw(kept_open)
    assert old.fingerprint.digest in files
    assert sealed not in files
    for part in (sealed[13:61], sealed[73:]):
        assert part not in files
    with kept_open.database.read() as connection:
        assert State.RETIRING is store.version(connection, old.ref).state
        assert store.sealed_value(connection, old.ref) is None
