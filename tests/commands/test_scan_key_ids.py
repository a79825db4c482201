"""A provider's id of a stored key is recognised in text: it says whose key a log is about, and is no leak."""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from pathlib import Path
from typing import Any

import pytest

from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import expand, generate
from keysweep.scanner.key_ids import shape_of
from tests.fakes.program import keysweep

CHANCE = random.Random(15)
RULES = load_ruleset().by_id
SECRET = "".join(CHANCE.choice(string.ascii_letters + string.digits) for _ in range(40))
IDS = {
    "signer": ("aws", expand("AKIA{K-Z:1}{A-Z2-7:15}", CHANCE), SECRET),
    "claude": ("anthropic", "apikey_01" + CHANCE.randbytes(11).hex(), generate(RULES["anthropic-api-key"], CHANCE)),
    "orders": ("openai", "key_" + CHANCE.randbytes(8).hex(), generate(RULES["openai-project-key"], CHANCE)),
    "router": ("openrouter", CHANCE.randbytes(32).hex(), generate(RULES["openrouter-api-key"], CHANCE)),
    "vertex": ("gcp", CHANCE.randbytes(20).hex(), "a sealed account, " + CHANCE.randbytes(20).hex()),
    "batch": ("custom", str(uuid.UUID(int=CHANCE.getrandbits(128))), "of nobody, " + CHANCE.randbytes(20).hex()),
}
"""By name: provider, the provider's id, the value."""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a key of each kind of id, a match-only key to it, and the list that stands for it."""
    folder = tmp_path_factory.mktemp("kept") / "store"
    environ = environment(folder)
    rows = [
        {"name": name, "provider": provider, "value": value, "provider_key_id": key_id}
        for name, (provider, key_id, value) in IDS.items()
    ]
    for arguments in (
        ("init",),
        ("keys", "import", "-", "--format", "jsonl"),
        ("match", "new", "ci", "--out", folder / "match.key"),
        ("match", "export", folder / "list.json"),
    ):
        done = keysweep(*arguments, stdin="\n".join(map(json.dumps, rows)), environ=environ)
        assert done.returncode == 0, done.stderr
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What names a store and its key file."""
    return {"KEYSWEEP_STORE": str(folder / "store.db"), "KEYSWEEP_KEY_FILE": str(folder / "store.key")}


@pytest.fixture
def stored(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names that store."""
    for name, value in environment(kept).items():
        monkeypatch.setenv(name, value)


def scan(text: str, folder: Path, *more: str | Path, code: int = 0) -> list[dict[str, Any]]:
    """Scan a file of *text* and return the findings."""
    (folder / "provider.log").write_text(text)
    done = keysweep("scan", folder / "provider.log", "--fail-on", "any", "-o", "json", *more)
    assert done.returncode == code, done.stderr
    return list(json.loads(done.stdout)["findings"])


def told(findings: list[dict[str, Any]], text: str) -> list[tuple[str, str, str, str]]:
    """Return credential, match, severity and the text at its place, for each finding that is ours."""
    return sorted(
        (f["credential"]["name"], f["credential"]["match"], f["severity"], text[at["start"] : at["end"]])
        for f in findings
        for at in f["occurrences"]
        if f["credential"]
    )


AROUND = (
    "{}",
    "key_id={}, status=200",
    '{{"key_id": "{}"}}',
    "GET /v1/keys/{}?x=1",
    "a%3D{}%26b",
    "'first\\n{}\\nlast'",
    "revoked {}.",
    "api_key = {}",
)


def test_it_is_told_wherever_it_stands_whole_and_is_no_leak(stored: None, tmp_path: Path) -> None:
    """Exactly its characters, severity info, exit 0: whatever the text calls it."""
    text = "\n".join(around.format(key_id) for around in AROUND for _, key_id, _ in IDS.values())
    expected = sorted((name, "key-id", "info", key_id) for name, (_, key_id, _) in IDS.items() for _ in AROUND)
    findings = scan(text, tmp_path)
    assert told(findings, text) == expected
    assert {(f["rule"], f["credential"]["version"], f["credential"]["state"]) for f in findings} == {
        ("stored-key-id", 1, "current")
    }


def test_more_or_less_of_it_is_not_it(stored: None, tmp_path: Path) -> None:
    """One character more on either side, one less, another case."""
    ids = [key_id for _, key_id, _ in IDS.values()]
    text = " ".join(f"{i}x y{i} {i[:-1]} {i[1:]} {i}-x _{i} -{i} {i.swapcase()}" for i in ids)
    assert told(scan(text, tmp_path, "--fail-on", "mapped"), text) == []


@pytest.mark.parametrize("key_id", ["key_1", "orders-production-key", "a key with spaces 123", "id/with/slashes/123"])
def test_what_could_be_a_name_is_not_looked_for(key_id: str) -> None:
    """Short ones, ones of small letters only, ones with other signs."""
    assert shape_of(key_id.encode()) is None


@pytest.mark.parametrize(
    ("name", "head"), [("signer", b"AKIA"), ("claude", b"apikey_"), ("orders", b"key_"), ("router", b"")]
)
def test_of_an_id_its_shape_tells_beginning_and_length(name: str, head: bytes) -> None:
    """What its vendor lets all of them begin with, and no more."""
    key_id = IDS[name][1]
    assert shape_of(key_id.encode()) == (head, len(key_id))


def test_an_id_that_a_rule_takes_for_a_key_is_no_leak(stored: None, tmp_path: Path) -> None:
    """The same text fails a scan without the store, in the open and encoded; with it, it is told for what it is."""
    _, key_id, _ = IDS["router"]
    text = f"api_key = {key_id}\nenv = " + base64.b64encode(f"api_key = {key_id}\n".encode()).decode()
    assert [f["severity"] for f in scan(text, tmp_path, "--no-map", code=1)] == ["low"]
    (finding,) = scan(text, tmp_path)
    assert (finding["severity"], finding["rule"], finding["credential"]["name"]) == ("info", "stored-key-id", "router")


def test_a_comment_does_not_hide_it(stored: None, tmp_path: Path) -> None:
    """As nothing that is stored can be hidden by a comment."""
    text = f"key_id = {IDS['orders'][1]}  # keysweep: ignore"
    assert [found[:2] for found in told(scan(text, tmp_path), text)] == [("orders", "key-id")]


def test_beside_its_key_it_says_nothing_more(stored: None, tmp_path: Path) -> None:
    """One finding for both halves of an AWS key, critical; the id of another key in that text is told."""
    text = f"aws_access_key_id = {IDS['signer'][1]}\naws_secret_access_key = {SECRET}\nseen {IDS['orders'][1]}\n"
    assert [found[:3] for found in told(scan(text, tmp_path, code=1), text)] == [
        ("orders", "key-id", "info"),
        ("signer", "exact", "critical"),
    ]


@pytest.mark.parametrize("threshold", ["any", "high", "mapped", "none"])
def test_no_threshold_counts_it(stored: None, tmp_path: Path, threshold: str) -> None:
    """Exit 0; and a person reads that nothing leaked."""
    (tmp_path / "provider.log").write_text(f"key {IDS['orders'][1]} was used")
    done = keysweep("scan", tmp_path / "provider.log", "--fail-on", threshold)
    assert done.returncode == 0
    assert "No leaked keys." in done.stdout
    assert "= orders v1  (current, key-id 100%)" in done.stdout


@pytest.mark.parametrize("offline", [False, True], ids=["store", "list"])
def test_a_match_only_key_tells_ids_as_well(kept: Path, stored: None, tmp_path: Path, offline: bool) -> None:
    """From the store, and from a list that holds fingerprints and shapes but not one id."""
    more: tuple[str | Path, ...] = ("--key-file", kept / "match.key")
    if offline:
        listed = (kept / "list.json").read_text()
        assert not [key_id for _, key_id, _ in IDS.values() if key_id in listed]
        more = (*more, "--store", kept / "list.json")
    text = "\n".join(f"key_id={key_id}" for _, key_id, _ in IDS.values())
    expected = sorted((name, "key-id", "info", key_id) for name, (_, key_id, _) in IDS.items())
    assert told(scan(text, tmp_path, *more), text) == expected


def test_several_processes_and_pieces_tell_alike(stored: None, tmp_path: Path) -> None:
    """Across the seams in which a large file is read, and with forked workers."""
    _, key_id, _ = IDS["claude"]
    text = ("." * 999_990 + key_id) * 20
    assert len(told(scan(text, tmp_path), text)) == len(told(scan(text, tmp_path, "--jobs", "2"), text)) == 20
