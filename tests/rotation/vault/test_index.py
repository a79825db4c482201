"""The index recognises a stored key by its whole value, and says which version of which credential it is."""

from __future__ import annotations

import random

import pytest

from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State, VersionRef
from keysweep.rotation.inventory import Entry, add, replace_value
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from keysweep.scanner.known import KnownState, MatchKind


def made(rule: str, seed: int = 7) -> str:
    """A synthetic key of a rule."""
    return generate(next(r for r in load_ruleset().rules if r.id == rule), random.Random(seed))


@pytest.fixture
def value(opened: OpenVault) -> str:
    """A value that is stored as version 1 of `claude`."""
    key = made("anthropic-api-key")
    with opened.database.write() as connection:
        add(connection, opened, Entry(name="claude", provider="anthropic", value=Secret(key)), actor="test")
    return key


def test_the_whole_value_is_an_exact_match(opened: OpenVault, value: str) -> None:
    """Name, provider, version and state; certainty exactly one."""
    found = opened.known_keys().owner(opened.fingerprinter.of_bytes(value.encode()))
    assert found is not None
    assert (found.name, found.provider, found.version, found.state) == ("claude", "anthropic", 1, KnownState.CURRENT)
    assert (found.match, found.certainty) == (MatchKind.EXACT, 1.0)


@pytest.mark.parametrize(
    "near",
    [
        pytest.param(lambda v: v + "A", id="one character more"),
        pytest.param(lambda v: v[:-1], id="one character less"),
        pytest.param(lambda v: v.swapcase(), id="another case"),
        pytest.param(lambda v: v + "\n", id="a line end"),
        pytest.param(lambda v: made("anthropic-api-key", seed=99), id="another key of the same kind"),
    ],
)
def test_anything_else_is_a_stranger(opened: OpenVault, value: str, near) -> None:
    """An attacker who plants a key that is nearly ours triggers nothing."""
    assert opened.known_keys().owner(opened.fingerprinter.of_bytes(near(value).encode())) is None


def test_a_fingerprint_under_another_key_is_a_stranger(opened: OpenVault, value: str) -> None:
    """Fingerprints of two stores cannot be compared."""
    assert opened.known_keys().owner(Fingerprinter(bytes(32)).of_bytes(value.encode())) is None


def test_a_replaced_value_stays_known(opened: OpenVault, value: str) -> None:
    """A later sighting is answered as retired, not as a stranger; the new one is the current."""
    new = made("anthropic-api-key", seed=8)
    replace_value(opened, "claude", Secret(new), key_id=None, standby=False, actor="test")
    answers = [opened.known_keys().owner(opened.fingerprinter.of_bytes(v.encode())) for v in (value, new)]
    assert [(a.version, a.state) for a in answers if a] == [(1, KnownState.RETIRED), (2, KnownState.CURRENT)]


def test_a_dead_value_says_since_when(opened: OpenVault, value: str) -> None:
    """The date at which it was proven dead."""
    moment = opened.clock()
    with opened.database.write() as connection:
        ref = VersionRef(credential_id=store.credential_named(connection, "claude").id, number=1)
        store.change_version(connection, ref, State.RETIRED, dead_at=moment)
    found = opened.known_keys().owner(opened.fingerprinter.of_bytes(value.encode()))
    assert found is not None
    assert moment == found.dead_since


def test_a_password_is_known_without_its_uri(opened: OpenVault) -> None:
    """A component that leaks alone leads to the credential, and is not called exact."""
    uri = made("postgresql-uri")
    password = uri.split("://", 1)[1].rpartition("@")[0].partition(":")[2]
    with opened.database.write() as connection:
        add(connection, opened, Entry(name="db", provider="postgresql", value=Secret(uri)), actor="test")
    found = opened.known_keys().owner(opened.fingerprinter.of_bytes(password.encode()))
    assert found is not None
    assert (found.name, found.match) == ("db", MatchKind.PART)


def test_the_digest_changes_with_the_inventory(opened: OpenVault, value: str) -> None:
    """And tells nothing about it: it is keyed."""
    before = opened.known_keys().digest()
    assert before == opened.known_keys().digest()
    replace_value(opened, "claude", Secret(made("anthropic-api-key", 8)), key_id=None, standby=True, actor="test")
    after = opened.known_keys().digest()
    assert before != after
    assert str(after).startswith("kf:")


def test_misread_text_resembles_a_live_value(opened: OpenVault, value: str) -> None:
    """One look-alike in ten is read wrongly, and a character is lost: it is still found, and not as exact."""
    seen = value.replace("0", "O").replace("l", "1").replace("5", "S")
    seen = seen[:60] + seen[61:]
    (found,) = opened.known_keys().resembling(b"export KEY=" + seen.encode() + b" # end")
    assert (found.credential.name, found.credential.match) == ("claude", MatchKind.OCR)
    assert 0.5 < found.credential.certainty < 1.0
    assert opened.fingerprinter.of_bytes(value.encode()) == found.fingerprint


def test_text_of_a_stranger_resembles_nothing(opened: OpenVault, value: str) -> None:
    """The shared prefix of a provider is not evidence."""
    assert tuple(opened.known_keys().resembling(made("anthropic-api-key", seed=99).encode())) == ()


@pytest.mark.parametrize(
    ("states", "named"),
    [
        pytest.param((State.RETIRED, State.CURRENT), 2, id="the one in use"),
        pytest.param((State.CURRENT, State.STANDBY), 1, id="not the one that will be"),
        pytest.param((State.RETIRED, State.RETIRED), 2, id="else the newest"),
    ],
)
def test_of_the_values_that_share_an_id_it_names_one(
    opened: OpenVault, value: str, states: tuple[State, State], named: int
) -> None:
    """A provider that changes a key in place keeps its id."""
    other = Secret(made("anthropic-api-key", seed=8))
    replace_value(opened, "claude", other, key_id=None, standby=False, actor="test")
    with opened.database.write() as connection:
        claude = store.credential_named(connection, "claude").id
        store.change_version(connection, VersionRef(credential_id=claude, number=2), State.RETIRED)
        for number, state in enumerate(states, 1):
            ref = VersionRef(credential_id=claude, number=number)
            store.set_provider_key_id(connection, ref, "apikey_01shared")
            store.change_version(connection, ref, state)
    found = opened.known_keys().named(opened.fingerprinter.of_bytes(b"apikey_01shared"), 15)
    assert found is not None
    assert (found.name, found.version, found.match) == ("claude", named, MatchKind.KEY_ID)
