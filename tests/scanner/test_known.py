"""Whose key it is: exact means the whole value, to the last character."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keysweep.commands._invocation import Invocation
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.scanner.known import KnownKeys, KnownState, MatchKind, NoKnownKeys
from tests.scanner.making import Blobs, blob, example, key, look
from tests.scanner.running import keysweep, store_with

STORED = key("anthropic-api-key")
SIBLING = key("anthropic-api-key", seed=1)
URI = example("postgresql-uri", seed=2).key.decode()
PASSWORD = URI.split("@")[0].rsplit(":", 1)[1]


@pytest.fixture
def ours() -> Iterator[tuple[KnownKeys, Fingerprinter]]:
    """Return the inventory of a store with three credentials, and its fingerprinter."""
    store_with(claude=("anthropic", STORED), sibling=("anthropic", SIBLING), orders=("postgresql", URI))
    with Invocation().vault() as opened:
        yield opened.known_keys(), opened.fingerprinter


def test_the_whole_value_is_exact(ours: tuple[KnownKeys, Fingerprinter]) -> None:
    """Each stored value names its own credential, with certainty."""
    known, fingerprinter = ours
    for value, name in ((STORED, "claude"), (SIBLING, "sibling"), (URI, "orders")):
        owner = known.owner(fingerprinter.of_bytes(value.encode()))
        assert owner is not None
        assert (owner.name, owner.match, owner.certainty, owner.state) == (
            name,
            MatchKind.EXACT,
            1.0,
            KnownState.CURRENT,
        )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_anything_but_the_whole_value_is_not(ours: tuple[KnownKeys, Fingerprinter], data: st.DataObject) -> None:
    """One character more, less or other, another case, spaces around it: nobody's."""
    known, fingerprinter = ours
    value = data.draw(st.sampled_from([STORED, SIBLING, URI]))
    at = data.draw(st.integers(0, len(value)))
    piece = data.draw(st.text(max_size=2))
    drop = data.draw(st.integers(0, 2))
    changed = value[:at] + piece + value[at + drop :]
    if changed in {STORED, SIBLING, URI, PASSWORD}:
        return
    assert known.owner(fingerprinter.of_bytes(changed.encode("utf-8", "replace"))) is None


def test_a_component_is_a_part_never_exact(ours: tuple[KnownKeys, Fingerprinter]) -> None:
    """The password of a stored URI in another URI is the same key at work, and said to be a part."""
    known, fingerprinter = ours
    owner = known.owner(fingerprinter.of_bytes(b"another uri"), (fingerprinter.of_bytes(PASSWORD.encode()),))
    assert owner is not None
    assert (owner.name, owner.match) == ("orders", MatchKind.PART)


def test_the_same_value_under_another_stores_key_is_nobodys(ours: tuple[KnownKeys, Fingerprinter]) -> None:
    """Fingerprints are keyed: they cannot be compared between stores, nor guessed without the key."""
    known, _ = ours
    assert known.owner(Fingerprinter(b"x" * 32).of_bytes(STORED.encode())) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param(" ", " ", "exact", id="whole"),
        pytest.param('"', '"', "exact", id="quoted"),
        pytest.param("x", "", None, id="one character before"),
        pytest.param("", "x", None, id="one character behind"),
    ],
)
def test_a_scan_maps_only_whole_keys(
    before: str, after: str, expected: str | None, ours: tuple[KnownKeys, Fingerprinter]
) -> None:
    """An attacker who plants a key with a tail forces no rotation."""
    known, fingerprinter = ours
    text = f"k: {before}{STORED}{after}\n".encode()
    findings = look(Blobs((blob(text),)), known=known, fingerprinter=fingerprinter).findings
    assert [f.credential.match for f in findings if f.credential] == ([expected] if expected else [])


def test_the_digest_names_the_inventory(ours: tuple[KnownKeys, Fingerprinter]) -> None:
    """Evidence says what was compared with; a new key is another inventory, none is null."""
    known, _ = ours
    before = known.digest()
    Path("more.csv").write_text(f"name,provider,value\nmore,anthropic,{key('anthropic-api-key', seed=9)}\n")
    assert keysweep("keys", "import", "more.csv").code == 0
    assert before is not None
    assert before.startswith("kf:")
    assert known.digest() != before
    assert NoKnownKeys().digest() is None
