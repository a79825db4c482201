"""A sealed report on a machine that has no store: the report, its seal, the store's public key, and an empty home."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep


@pytest.fixture
def handed_over(place: Settings, tmp_path: Path) -> tuple[Path, str, dict[str, str]]:
    """What an auditor gets, the store's public key, and the environment of his machine; the store is gone."""
    folder, home = tmp_path / "auditor", tmp_path / "empty-home"
    folder.mkdir()
    home.mkdir()
    assert keysweep("keys", "add", "one", "--provider", "p", stdin="value of one").returncode == 0
    assert keysweep("report", "-o", folder / "report.pdf").returncode == 0
    assert keysweep("audit", "checkpoint", "--to", folder / "anchors").returncode == 0
    (folder / "ledger.jsonl").write_text(keysweep("audit", "-o", "jsonl").stdout)
    key = json.loads((folder / "anchors").read_text())["public_key"]
    shutil.rmtree(Path(place.store).parent)
    names = ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    return folder, key, dict.fromkeys(names, str(home))


def ended(folder: Path, environ: dict[str, str], *arguments: str) -> tuple[int, str]:
    done = keysweep("verify", "report.pdf", *arguments, cwd=folder, environ=environ)
    return done.returncode, done.stdout + done.stderr


def test_a_report_is_checked_with_the_public_key_alone(handed_over: tuple[Path, str, dict[str, str]]) -> None:
    """And says that nothing was said of the ledger; with the export it is, and nothing is left behind."""
    folder, key, environ = handed_over
    code, said = ended(folder, environ, "--public-key", key)
    assert (code, "is as it was signed" in said, "not held against" in said) == (0, True, True)
    code, said = ended(folder, environ, "--public-key", key, "--ledger", "ledger.jsonl", "--anchor", "anchors")
    assert (code, "ledger    whole" in said) == (0, True)
    assert list(Path(environ["HOME"]).iterdir()) == []


def test_without_the_public_key_there_is_no_answer(handed_over: tuple[Path, str, dict[str, str]]) -> None:
    """The key inside the seal vouches for nothing."""
    folder, _, environ = handed_over
    assert ended(folder, environ)[0] == 2
    assert ended(folder, environ, "--ledger", "ledger.jsonl")[0] == 2


def test_each_change_ends_with_7(handed_over: tuple[Path, str, dict[str, str]]) -> None:
    """Another key, a bit of the report, a statement of the seal, a ledger that does not hold the report's head."""
    folder, key, environ = handed_over
    whole = ("--public-key", key, "--ledger", "ledger.jsonl")
    assert ended(folder, environ, "--public-key", "00" * 32)[0] == 7
    report, seal, ledger = folder / "report.pdf", folder / "report.pdf.seal.json", folder / "ledger.jsonl"
    stated = json.loads(seal.read_text())
    for path, changed in (
        (report, report.read_bytes()[:-1] + b"?"),
        (seal, json.dumps(stated | {"ledger_seq": stated["ledger_seq"] - 1}).encode()),
        (ledger, b"".join(ledger.read_bytes().splitlines(keepends=True)[: stated["ledger_seq"] - 1])),
    ):
        before = path.read_bytes()
        path.write_bytes(changed)
        assert ended(folder, environ, *whole)[0] == 7, path.name
        path.write_bytes(before)
    assert ended(folder, environ, *whole)[0] == 0
