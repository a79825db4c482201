"""`keysweep report` and `keysweep verify`: the exit codes, the seal, and what tampering does."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keysweep.commands import execute
from keysweep.foundation.errors import ExitCode


def import_ages(work: Path, monkeypatch: pytest.MonkeyPatch, *ages: int) -> None:
    """Make a store with one credential an age, in days."""
    monkeypatch.setenv("KEYSWEEP_CONFIG", str(work / "keysweep.toml"))
    (work / "keysweep.toml").write_text('store = "store.db"\nkey_file = "store.key"\n')
    assert execute(["init", "-q"]) == 0
    now = datetime.now(UTC)
    rows = [
        {
            "name": f"key-{age}",
            "provider": "custom",
            "value": secrets.token_urlsafe(30),
            "created_at": (now - timedelta(days=age)).isoformat(),
            "owner": "orders team",
        }
        for age in ages
    ]
    (work / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert execute(["keys", "import", str(work / "rows.jsonl")]) == 0
    (work / "rows.jsonl").unlink()


@pytest.fixture
def ninety_days(private_world: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The store of acceptance story 10: ages 10, 80, 91 and 400 days."""
    import_ages(private_world, monkeypatch, 10, 80, 91, 400)
    capsys.readouterr()
    return private_world


def test_the_check_lists_the_overdue_keys_and_ends_with_1(
    ninety_days: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Standard output has one line a key, for programs."""
    assert execute(["report", "--check", "--max-age", "90d"]) == ExitCode.FINDINGS
    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["key-400: 400 days, limit 90", "key-91: 91 days, limit 90"]
    assert "2 of 4 credentials are overdue" in shown.err


@pytest.mark.parametrize(("limit", "code"), [("9d", 1), ("79", 1), ("399d", 1), ("400d", 0), ("99999d", 0)], ids=str)
def test_the_check_ends_with_0_when_no_key_is_older(ninety_days: Path, limit: str, code: int) -> None:
    """The limit itself is allowed."""
    assert execute(["report", "--check", "--max-age", limit]) == code


@pytest.mark.parametrize("limit", ["0d", "-1", "ninety", "90w", "1e3", "100000"])
def test_an_age_that_is_none_is_a_usage_error(ninety_days: Path, limit: str) -> None:
    """Nothing is written."""
    assert execute(["report", "--check", f"--max-age={limit}"]) == ExitCode.USAGE


@pytest.mark.parametrize("arguments", [[], ["-o", "report.docx"], ["-o", "r.html", "--from", "yesterday"]])
def test_a_report_without_a_place_a_format_or_a_date_is_a_usage_error(ninety_days: Path, arguments: list[str]) -> None:
    """And leaves no file."""
    before = sorted(ninety_days.iterdir())
    assert execute(["report", *arguments]) == ExitCode.USAGE
    assert sorted(ninety_days.iterdir()) == before


def test_the_freeze_decides_the_ages(ninety_days: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As of eleven days back one key was not issued yet and one was not yet overdue."""
    day = (datetime.now(UTC) - timedelta(days=11)).date().isoformat()
    assert execute(["report", "--check", "--as-of", day]) == ExitCode.FINDINGS
    shown = capsys.readouterr()
    assert [line.split(":")[0] for line in shown.out.splitlines()] == ["key-400"]
    assert "1 of 3" in shown.err


@pytest.mark.parametrize("ending", ["pdf", "html", "csv", "json"])
def test_each_format_is_sealed_and_verified(ninety_days: Path, ending: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Written, sealed beside it, and found whole."""
    assert execute(["report", "-o", f"out/report.{ending}"]) == 0
    assert (ninety_days / f"out/report.{ending}.seal.json").is_file()
    assert execute(["verify", f"out/report.{ending}"]) == 0
    assert "is as it was signed" in capsys.readouterr().out


def test_the_same_freeze_gives_the_same_bytes(ninety_days: Path) -> None:
    """Run twice with nothing changed in between but the report's own ledger entry, which is not in the period."""
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    for number in (1, 2):
        assert execute(["report", "--to", day, "-o", f"{number}.csv"]) == 0
    assert (ninety_days / "1.csv").read_bytes() == (ninety_days / "2.csv").read_bytes()


@pytest.fixture
def sealed(ninety_days: Path) -> Path:
    assert execute(["report", "-o", "report.html"]) == 0
    return ninety_days / "report.html"


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_bit_of_the_report_ends_with_7(sealed: Path, data: st.DataObject) -> None:
    """Whichever it is."""
    whole = sealed.read_bytes()
    place = data.draw(st.integers(0, len(whole) - 1))
    flipped = bytes([whole[place] ^ (1 << data.draw(st.integers(0, 7)))])
    sealed.write_bytes(whole[:place] + flipped + whole[place + 1 :])
    try:
        assert execute(["verify", str(sealed)]) == ExitCode.INTEGRITY
    finally:
        sealed.write_bytes(whole)


@pytest.mark.parametrize(
    "change", [lambda b: b + b"\n", lambda b: b[:-1], lambda _b: b""], ids=["longer", "shorter", "empty"]
)
def test_a_longer_or_shorter_report_ends_with_7(sealed: Path, change: object) -> None:
    """The size is sealed too."""
    sealed.write_bytes(change(sealed.read_bytes()))  # type: ignore[operator]
    assert execute(["verify", str(sealed)]) == ExitCode.INTEGRITY


@pytest.mark.parametrize(
    "name", ["schema", "report_id", "sha256", "size", "ledger_seq", "ledger_head", "public_key", "signature"]
)
def test_a_changed_statement_of_the_seal_ends_with_7(sealed: Path, name: str) -> None:
    """Every field is signed, the signature checked, and the key is the store's own."""
    seal = sealed.with_name("report.html.seal.json")
    stated = json.loads(seal.read_text())
    old = stated[name]
    stated[name] = old + 1 if isinstance(old, int) else ("0" if old[0] != "0" else "1") + old[1:]
    seal.write_text(json.dumps(stated))
    assert execute(["verify", str(sealed)]) == ExitCode.INTEGRITY


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}", '{"schema": "keysweep.dev/report-seal/v1"}', "\x00"])
def test_a_seal_that_is_none_ends_with_7(sealed: Path, text: str) -> None:
    """Garbage in the place of a seal is tampering."""
    sealed.with_name("report.html.seal.json").write_text(text)
    assert execute(["verify", str(sealed)]) == ExitCode.INTEGRITY


@pytest.mark.parametrize("missing", ["report.html", "report.html.seal.json"])
def test_a_missing_file_is_a_usage_error(sealed: Path, missing: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is not there was not tampered with; the message names it."""
    sealed.with_name(missing).unlink()
    assert execute(["verify", str(sealed)]) == ExitCode.USAGE
    assert "report.html" in capsys.readouterr().err


def test_a_seal_of_another_store_ends_with_7(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report cannot be vouched for by whoever has keysweep."""
    other = tmp_path / "other"
    other.mkdir()
    import_ages(other, monkeypatch, 1)
    assert execute(["verify", str(sealed)]) == ExitCode.INTEGRITY
    assert "another store" in capsys.readouterr().err


def test_a_database_restored_from_yesterday_ends_with_7_and_is_named(
    ninety_days: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The restored chain is whole in itself: this machine saw a newer one, and elsewhere the head in the report gives it away."""
    shutil.copy(ninety_days / "store.db", ninety_days / "yesterday.db")
    assert execute(["agents", "add", "billing"]) == 0
    assert execute(["report", "-o", "report.html"]) == 0
    for left in ninety_days.glob("store.db*"):
        left.unlink()
    shutil.move(ninety_days / "yesterday.db", ninety_days / "store.db")
    capsys.readouterr()
    assert execute(["verify"]) == ExitCode.INTEGRITY
    assert "put back" in capsys.readouterr().err
    assert execute(["verify", "--accept-restored"]) == 0
    assert execute(["verify", "report.html"]) == ExitCode.INTEGRITY
    said = capsys.readouterr().err
    stated = json.loads((ninety_days / "report.html.seal.json").read_text())
    assert f"ledger entry {stated['ledger_seq']}" in said
    assert "restored" in said


def test_a_report_is_never_built_on_a_broken_ledger(ninety_days: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The chain is verified first; the message names the first bad entry, and no file is written."""
    with sqlite3.connect(ninety_days / "store.db") as raw:
        for (trigger,) in raw.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            raw.execute(f'DROP TRIGGER "{trigger}"')
        raw.execute("UPDATE ledger SET body = replace(body, 'key-80', 'key-81') WHERE seq = 3")
    raw.close()
    assert execute(["report", "-o", "report.html"]) == ExitCode.INTEGRITY
    assert "ledger entry 3" in capsys.readouterr().err
    assert not (ninety_days / "report.html").exists()
