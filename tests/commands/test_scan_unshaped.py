"""A stored key whose form no rule knows is recognised wherever it stands whole: the store knows it, so a scan does."""

from __future__ import annotations

import json
import random
import string
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep

CHANCE = random.Random(7)
OPAQUE = "".join(CHANCE.choice(string.ascii_lowercase) for _ in range(19))
PADDED = "".join(CHANCE.choice(string.ascii_letters + string.digits) for _ in range(22)) + "=="
PASSWORD = "correct-horse:" + "".join(CHANCE.choice(string.ascii_lowercase) for _ in range(12)) + ",staple"


@pytest.fixture
def stored(place: Settings) -> Settings:
    """Three values that are no vendor's."""
    rows = [{"name": name, "provider": "custom", "value": value} for name, value in KEYS.items()]
    text = "\n".join(map(json.dumps, rows))
    assert keysweep("keys", "import", "-", "--format", "jsonl", stdin=text).returncode == 0
    return place


KEYS = {"opaque": OPAQUE, "padded": PADDED, "phrase": PASSWORD}


def found(text: str, folder: Path) -> list[tuple[str, str, str]]:
    """Return credential, match and the text at its place, for each finding."""
    (folder / "leak.txt").write_text(text)
    done = keysweep("scan", folder / "leak.txt", "-o", "json")
    return sorted(
        (f["credential"]["name"], f["credential"]["match"], text[place["start"] : place["end"]])
        for f in json.loads(done.stdout)["findings"]
        for place in f["occurrences"]
        if f["credential"]
    )


AROUND = ("{}", "it said {} again", "x = '{}'", '{{"a": "{}"}}', "try {}.")


@pytest.mark.parametrize(
    ("name", "around"),
    [*((name, around) for name in KEYS for around in AROUND), ("opaque", "<a>{}\n"), ("opaque", "A={},B=1")],
)
def test_it_is_found_where_it_stands(stored: Settings, tmp_path: Path, name: str, around: str) -> None:
    """Bare, in a sentence, in quotes, at the end of one: exactly its characters, and whose it is."""
    assert found(around.format(KEYS[name]), tmp_path) == [(name, "exact", KEYS[name])]


def test_more_or_less_of_it_is_not_it(stored: Settings, tmp_path: Path) -> None:
    """One character more, one less, another case."""
    text = f"{OPAQUE}x y{OPAQUE} {OPAQUE[:-1]} {OPAQUE.upper()} {PADDED[:-3]} {PASSWORD[:-1]}"
    assert found(text, tmp_path) == []


def test_without_such_keys_text_is_not_looked_through(place: Settings, tmp_path: Path) -> None:
    """A store of vendors' keys costs no pass over the text."""
    from keysweep.rotation.vault.unlock import unlock

    opened = unlock(place)
    try:
        assert opened.known_keys().unshaped().lengths == frozenset()
    finally:
        opened.close()
