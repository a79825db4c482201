"""`keysweep verify`: is the ledger whole?  (For reports see the report's tests, for every tampering the ledger's.)"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep


def test_a_whole_ledger_ends_with_0_and_says_its_head(place: Settings) -> None:
    """So that the head can be written down elsewhere."""
    done = keysweep("verify")
    assert done.returncode == 0
    assert done.stdout.startswith("ledger    whole: 1 entries, ")
    assert len(done.stdout.split()[-1]) == 64


def test_a_changed_entry_ends_with_7_and_is_named(place: Settings) -> None:
    """On standard error; standard output stays empty."""
    connection = sqlite3.connect(place.store)
    connection.execute("DROP TRIGGER ledger_refuses_update")
    connection.execute("UPDATE ledger SET body = replace(body, 'cli', 'you')")
    connection.commit()
    connection.close()
    done = keysweep("verify")
    assert (done.returncode, done.stdout) == (7, "")
    assert "ledger entry 1: the body was changed" in done.stderr


def test_an_export_is_verified_without_the_store(place: Settings, tmp_path: Path) -> None:
    """An auditor has neither the store nor its key."""
    export = tmp_path / "ledger.jsonl"
    export.write_text(keysweep("audit", "-o", "jsonl").stdout)
    head = keysweep("verify").stdout.split()[-1]
    Path(place.store).unlink()
    place.key_file.unlink()
    done = keysweep("verify", export)
    assert (0, head) == (done.returncode, done.stdout.split()[-1])


def test_a_file_that_is_not_there_is_a_usage_error(place: Settings) -> None:
    """Nothing was verified."""
    for name in ("/nowhere.jsonl", "/nowhere.pdf"):
        assert keysweep("verify", name).returncode == 2
