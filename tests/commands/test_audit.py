"""`keysweep audit`: the ledger, for people as a table and for programs as an export that can be verified alone."""

from __future__ import annotations

import json

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep


def add(name: str) -> None:
    """Store a key."""
    assert keysweep("keys", "add", name, "--provider", "p", stdin=f"value of {name}").returncode == 0


def test_people_see_who_did_what_to_what_and_when(place: Settings) -> None:
    """In order, with public facts only."""
    add("one")
    header, created, stored = keysweep("audit").stdout.splitlines()
    assert header.split()[:2] == ["SEQ", "AT"]
    assert "store.created" in created
    assert stored.split()[0] == "2"
    assert "key.stored" in stored
    assert "cli:" in stored
    assert "fingerprint=kf:" in stored


def test_it_can_be_narrowed_to_a_key_and_to_what_is_new(place: Settings) -> None:
    """`--key` and `--after`."""
    for name in ("one", "two", "three"):
        add(name)
    assert [line.split()[0] for line in keysweep("audit", "--key", "two").stdout.splitlines()[1:]] == ["3"]
    assert [line.split()[0] for line in keysweep("audit", "--after", "2").stdout.splitlines()[1:]] == ["3", "4"]


def test_an_export_is_one_json_object_a_line(place: Settings) -> None:
    """What `verify.py` reads: place, body and the hashes in hexadecimal."""
    add("one")
    lines = [json.loads(line) for line in keysweep("audit", "-o", "jsonl").stdout.splitlines()]
    assert [line["seq"] for line in lines] == [1, 2]
    assert all({"seq", "body", "previous", "hash", "mac"} == set(line) for line in lines)
    assert json.loads(lines[1]["body"])["subject"] == "one"


def test_a_scan_that_found_nothing_is_in_it(place: Settings, private_world) -> None:
    """It is evidence already."""
    (private_world / "clean.txt").write_text("hello\n")
    keysweep("scan", "clean.txt")
    last = keysweep("audit").stdout.splitlines()[-1]
    assert "scan.finished" in last
    assert "findings=0" in last
