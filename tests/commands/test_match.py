"""`keysweep match`: a runner's key says whose a leaked key is, and is good for nothing else."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import keysweep


@pytest.fixture
def value() -> str:
    """A synthetic key whose form a rule knows."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
    return generate(rule, random.Random(5))


@pytest.fixture
def runner(place: Settings, private_world: Path, value: str) -> Path:
    """A store with one key, a file that leaks it, and a match-only key."""
    assert keysweep("keys", "add", "orders", "--provider", "openai", stdin=value).returncode == 0
    (private_world / "leak.txt").write_text(f"OPENAI_API_KEY={value}\n")
    key = private_world / "match.key"
    assert keysweep("match", "new", "ci", "--out", key).returncode == 0
    return key


def scan(key: Path, *more: str) -> dict[str, object] | None:
    """Scan with a match-only key and return the credential of the only finding."""
    done = keysweep("scan", "leak.txt", "--key-file", key, "-o", "json", *more)
    assert done.returncode == 1, done.stderr
    (finding,) = json.loads(done.stdout)["findings"]
    return finding["credential"]


def test_it_says_whose_a_leaked_key_is(runner: Path) -> None:
    """As the store's own key file would: name, version, state, exact."""
    expected = {"name": "orders", "version": 1, "state": "current", "match": "exact", "certainty": 1.0}
    found = scan(runner)
    assert found is not None
    assert expected == {name: found[name] for name in expected}


def test_the_environment_may_name_it(runner: Path) -> None:
    """`KEYSWEEP_KEY_FILE`, as runners have it."""
    done = keysweep("scan", "leak.txt", environ={"KEYSWEEP_KEY_FILE": str(runner)})
    assert "= orders v1" in done.stdout


def test_the_file_is_private_and_holds_no_key_of_the_store(runner: Path, place: Settings) -> None:
    """Mode 0600; neither the store's key file nor anything that opens a value."""
    assert stat.S_IMODE(runner.stat().st_mode) == 0o600
    assert place.key_file.read_bytes().strip().split(b":")[1] not in runner.read_bytes()


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(runner: Path, mode: int) -> None:
    """Exit 6, as for a store's key file."""
    runner.chmod(mode)
    done = keysweep("scan", "leak.txt", "--key-file", runner)
    assert done.returncode == 6
    assert "chmod 600" in done.stderr


REFUSED = [
    ("keys", "list"),
    ("keys", "show", "orders"),
    ("keys", "add", "another", "--provider", "custom"),
    ("keys", "set", "orders"),
    ("rotate", "orders", "--yes"),
    ("rotate", "--due", "--plan"),
    ("resolve", "orders", "--agent", "nobody"),
    ("agents", "list"),
    ("audit",),
    ("audit", "checkpoint"),
    ("verify",),
    ("report", "-o", "report.json"),
    ("explain", "orders"),
    ("match", "new", "more", "--out", "more.key"),
    ("match", "list"),
    ("match", "revoke", "ci"),
    ("match", "export", "list.json"),
]


@pytest.mark.parametrize("arguments", REFUSED, ids=" ".join)
def test_it_is_accepted_nowhere_else(runner: Path, place: Settings, arguments: tuple[str, ...]) -> None:
    """Exit 6, and the store is as it was."""
    before = _dump(place)
    done = keysweep(*arguments, "--key-file", runner, stdin="a value that is not stored")
    assert done.returncode == 6, done.stderr
    assert done.stdout == ""
    assert before == _dump(place)


def _dump(place: Settings) -> list[str]:
    connection = sqlite3.connect(place.store)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_a_scan_with_it_writes_its_use_and_nothing_else(runner: Path, place: Settings) -> None:
    """No finding, no entry of the ledger; and the list of keys tells how often."""
    before = _dump(place)
    scan(runner)
    added = [line for line in _dump(place) if line not in before]
    assert [line.split('"')[1] for line in added] == ["match_use"]
    (key,) = json.loads(keysweep("match", "list", "-o", "json").stdout)["keys"]
    assert (key["label"], key["state"], key["uses"]) == ("ci", "valid", 1)


def test_a_store_that_cannot_be_written_is_read_all_the_same(runner: Path, place: Settings) -> None:
    """The use is not recorded; the answer stands.  (A trigger refuses here, because tests may run as root.)"""
    connection = sqlite3.connect(place.store)
    connection.execute("CREATE TRIGGER no BEFORE INSERT ON match_use BEGIN SELECT raise(ABORT, 'read only'); END")
    connection.commit()
    connection.close()
    found = scan(runner)
    assert found is not None
    assert found["name"] == "orders"


def test_parts_images_and_masked_forms_are_not_answered(runner: Path, private_world: Path, value: str) -> None:
    """Whoever may ask for a likeness finds a value out piece by piece; the same texts are mapped with the store's key."""
    uri = f"postgresql://agent:{'Pw7' + value[20:40]}@db.example/orders"
    assert keysweep("keys", "add", "db", "--provider", "postgresql", stdin=uri).returncode == 0
    (private_world / "parts.txt").write_text(
        f"DATABASE_URL=postgresql://other:{'Pw7' + value[20:40]}@elsewhere.example/orders\n"
        f"using key {value[:12]}...{value[-4:]}\n"
    )
    ours = json.loads(keysweep("scan", "parts.txt", "-o", "json").stdout)["findings"]
    assert {f["credential"]["match"] for f in ours if f["credential"]} == {"part", "masked"}
    theirs = json.loads(keysweep("scan", "parts.txt", "--key-file", runner, "-o", "json").stdout)["findings"]
    assert [f["credential"] for f in theirs if f["credential"]] == []


def test_a_revoked_one_is_refused(runner: Path) -> None:
    """Exit 6 from then on; what it opened is gone from the store."""
    assert keysweep("match", "revoke", "ci").returncode == 0
    assert keysweep("scan", "leak.txt", "--key-file", runner).returncode == 6
    assert keysweep("match", "revoke", "ci").returncode == 2
    actions = [line.split()[3] for line in keysweep("audit").stdout.splitlines()[1:]]
    assert actions.count("match.created") == actions.count("match.revoked") == 1


def test_what_it_opens_is_destroyed_in_the_row(runner: Path, place: Settings) -> None:
    """Not marked: emptied."""
    keysweep("match", "revoke", "ci")
    connection = sqlite3.connect(place.store)
    assert connection.execute("SELECT wrapped, sealed FROM match_key").fetchall() == [(None, None)]
    connection.close()


def test_its_life_is_in_the_ledger_and_its_uses_are_beside_it(runner: Path) -> None:
    """Made, exported, ended: by whom and when.  What its holder said of uses is counted when it ends."""
    scan(runner)
    scan(runner)
    assert keysweep("match", "export", "list.json").returncode == 0
    assert keysweep("match", "revoke", "ci").returncode == 0
    written = json.loads(keysweep("audit", "-o", "json").stdout)["entries"]
    entries = [entry for entry in written if entry["action"].startswith("match.")]
    assert [entry["action"] for entry in entries] == ["match.created", "match.exported", "match.revoked"]
    assert [entry["subject"] for entry in entries] == ["ci", "list.json", "ci"]
    assert entries[1]["detail"] == {"values": 1}
    assert entries[2]["detail"] == {"id": entries[0]["detail"]["id"], "uses": 2}


@pytest.mark.parametrize("statement", ["DELETE FROM match_key", "UPDATE match_key SET wrapped = zeroblob(200)"])
def test_without_its_row_it_is_worth_nothing(runner: Path, place: Settings, statement: str) -> None:
    """Exit 6."""
    connection = sqlite3.connect(place.store)
    connection.execute(statement)
    connection.commit()
    connection.close()
    assert keysweep("scan", "leak.txt", "--key-file", runner).returncode == 6


def test_an_expired_one_is_refused_and_its_end_cannot_be_moved(runner: Path, place: Settings, tmp_path: Path) -> None:
    """The end is bound into what the key opens."""
    short = tmp_path / "short.key"
    assert keysweep("match", "new", "short", "--out", short, "--expires", "1m").returncode == 0
    assert scan(short) is not None
    connection = sqlite3.connect(place.store)
    connection.execute("UPDATE match_key SET expires_at = '2099-01-01T00:00:00.000000Z' WHERE label = 'short'")
    connection.commit()
    assert keysweep("scan", "leak.txt", "--key-file", short).returncode == 6
    connection.execute("UPDATE match_key SET expires_at = NULL WHERE label = 'short'")
    connection.commit()
    connection.close()
    assert keysweep("scan", "leak.txt", "--key-file", short).returncode == 6


@pytest.mark.parametrize("end", ["2020-01-01T00:00:00Z", "2020-01-01", "0d"])
def test_an_end_in_the_past_is_refused(place: Settings, private_world: Path, end: str) -> None:
    """Exit 2, no file."""
    assert keysweep("match", "new", "late", "--out", "late.key", "--expires", end).returncode == 2
    assert not (private_world / "late.key").exists()


@pytest.mark.parametrize("end", ["soon", "90", "d", "2026-01-01T00:00:00", "-5d"])
def test_an_end_that_is_none_is_a_usage_error(place: Settings, end: str) -> None:
    """An age or a time with its zone."""
    assert keysweep("match", "new", "late", "--out", "late.key", f"--expires={end}").returncode == 2


def test_the_key_of_another_store_is_refused(runner: Path, tmp_path: Path) -> None:
    """Exit 6."""
    keysweep("init", "--store", tmp_path / "o.db", "--key-file", tmp_path / "o.key")
    done = keysweep("scan", "leak.txt", "--key-file", runner, "--store", tmp_path / "o.db")
    assert done.returncode == 6


def test_a_label_is_taken_once_and_no_key(runner: Path, value: str) -> None:
    """A file that is there is never overwritten either; a key typed as label is not repeated."""
    assert keysweep("match", "new", "ci", "--out", "other.key").returncode == 2
    assert keysweep("match", "new", "second", "--out", runner).returncode == 2
    assert "second" not in keysweep("match", "list").stdout
    done = keysweep("match", "new", value, "--out", "other.key")
    assert done.returncode == 2
    assert value not in done.stderr


@pytest.fixture
def listed(runner: Path, private_world: Path) -> Path:
    """The list that stands for the store where it cannot be reached."""
    assert keysweep("match", "export", "list.json").returncode == 0
    return private_world / "list.json"


def test_a_list_answers_where_there_is_no_store(runner: Path, listed: Path, place: Settings, value: str) -> None:
    """The same answer, with the store gone; the list holds no value and no name but those of credentials."""
    shutil.rmtree(Path(place.store).parent)
    found = scan(runner, "--store", str(listed))
    assert found is not None
    assert (found["name"], found["version"], found["state"], found["match"]) == ("orders", 1, "current", "exact")
    assert value not in listed.read_text()
    assert stat.S_IMODE(listed.stat().st_mode) == 0o600


def test_a_changed_list_is_an_integrity_failure(runner: Path, listed: Path) -> None:
    """Exit 7: a name, a state, the signature, the key that is said to have signed."""
    record = json.loads(listed.read_text())
    changes = [
        {"body": record["body"].replace("orders", "0rders")},
        {"body": record["body"].replace("current", "retired")},
        {"signature": "00" * 64},
        {"public_key": "00" * 32},
    ]
    for change in changes:
        listed.write_text(json.dumps(record | change))
        assert keysweep("scan", "leak.txt", "--key-file", runner, "--store", listed).returncode == 7, change


@pytest.mark.parametrize("content", ["{", "{}", '{"schema": 1, "body": "[]"}', "{" + "[" * 100_000])
def test_garbage_is_no_list(runner: Path, private_world: Path, content: str) -> None:
    """Exit 2, no traceback."""
    (private_world / "garbage.json").write_text(content)
    assert keysweep("scan", "leak.txt", "--key-file", runner, "--store", "garbage.json").returncode == 2


def test_a_key_that_was_made_after_the_list_is_not_in_it(listed: Path, tmp_path: Path) -> None:
    """Exit 6, as for one that was revoked before."""
    assert keysweep("match", "new", "later", "--out", tmp_path / "later.key").returncode == 0
    assert keysweep("scan", "leak.txt", "--key-file", tmp_path / "later.key", "--store", listed).returncode == 6


def test_several_processes_answer_alike(runner: Path) -> None:
    """`--jobs`, which forks with the store open."""
    done = keysweep("scan", "leak.txt", "--key-file", runner, "--jobs", "2")
    assert "= orders v1" in done.stdout
