"""The auditor's program: one file, standard library only, and of one mind with `keysweep verify`."""

from __future__ import annotations

import ast
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from keysweep.foundation.ledger import checkpoint
from keysweep.foundation.ledger import verify as auditor
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.program import keysweep

PROGRAM = Path(auditor.__file__)


def audit(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the program alone: no environment, no site-packages, no import path but its own file."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(PROGRAM), str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={},
        timeout=60,
    )


def test_it_imports_the_standard_library_only() -> None:
    """An auditor reads one file and needs nothing of ours."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(PROGRAM.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                imported |= {alias.name.partition(".")[0] for alias in names}
            case ast.ImportFrom(module=str(module)):
                imported.add(module.partition(".")[0])
    assert imported <= sys.stdlib_module_names


@pytest.fixture
def ledger(opened_sqlite: OpenVault) -> OpenVault:
    """A store whose ledger has five entries, with a checkpoint at the fifth."""
    with opened_sqlite.database.write() as connection:
        for number in range(4):
            opened_sqlite.ledger.append(connection, actor="test", action="thing.done", subject=f"thing {number}")
        checkpoint.take(
            connection,
            sign=opened_sqlite.signer.sign,
            public_key=opened_sqlite.signer.public_key,
            clock=opened_sqlite.clock,
        )
    return opened_sqlite


def tamper(opened: OpenVault, *statements: str) -> None:
    """Do what somebody with the file can do: drop the triggers, then anything."""
    connection = sqlite3.connect(opened.settings.store)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


CASES = [
    pytest.param((), None, id="nothing was done"),
    pytest.param(
        ("UPDATE ledger SET body = replace(body, 'thing 1', 'thing X') WHERE seq = 3",), 3, id="a body was changed"
    ),
    pytest.param(("UPDATE ledger SET previous = zeroblob(32) WHERE seq = 2",), 2, id="a link was changed"),
    pytest.param(("UPDATE ledger SET hash = zeroblob(32) WHERE seq = 4",), 4, id="a hash was changed"),
    pytest.param(("DELETE FROM ledger WHERE seq = 1",), 1, id="the first was deleted"),
    pytest.param(("DELETE FROM ledger WHERE seq = 3",), 3, id="one in the middle was deleted"),
    pytest.param(("DELETE FROM ledger WHERE seq > 3",), 4, id="the end was cut off behind a checkpoint"),
    pytest.param(
        (
            "UPDATE ledger SET seq = 99 WHERE seq = 2",
            "UPDATE ledger SET seq = 2 WHERE seq = 3",
            "UPDATE ledger SET seq = 3 WHERE seq = 99",
        ),
        2,
        id="two changed places",
    ),
    pytest.param(("UPDATE checkpoint SET head = zeroblob(32)",), 5, id="the checkpoint names another head"),
]


@pytest.mark.parametrize(("statements", "bad"), CASES)
def test_both_programs_agree_on_a_store(ledger: OpenVault, statements: tuple[str, ...], bad: int | None) -> None:
    """Exit 0 and the same head, or exit 7 and the same first bad entry."""
    tamper(ledger, *statements)
    alone = audit(Path(ledger.settings.store))
    ours = keysweep("verify", "--store", ledger.settings.store, "--key-file", ledger.settings.key_file)
    if bad is None:
        assert (alone.returncode, ours.returncode) == (0, 0)
        assert alone.stdout.split()[-1] in ours.stdout
        return
    assert (alone.returncode, ours.returncode) == (7, 7)
    assert f"entry {bad}:" in alone.stdout
    assert f"entry {bad}" in ours.stderr or "checkpoint" in ours.stderr


@pytest.mark.parametrize(
    ("change", "bad"),
    [
        pytest.param(lambda lines: lines, None, id="nothing was done"),
        pytest.param(lambda lines: [*lines[:1], lines[1].replace("thing 0", "thing X"), *lines[2:]], 2, id="changed"),
        pytest.param(lambda lines: [*lines[:2], *lines[3:]], 3, id="deleted"),
        pytest.param(lambda lines: [lines[1], lines[0], *lines[2:]], 1, id="reordered"),
        pytest.param(lambda lines: [*lines[:3], lines[3][:40], *lines[4:]], 4, id="a line that is cut"),
        pytest.param(lambda lines: [*lines[:4], "é" + lines[4]], 5, id="a line that is not ASCII"),
        pytest.param(lambda lines: ["not an export"], 1, id="another file"),
    ],
)
def test_both_programs_agree_on_an_export(
    ledger: OpenVault, tmp_path: Path, change: Callable[[list[str]], list[str]], bad: int | None
) -> None:
    """`keysweep audit -o jsonl` is what an auditor takes away."""
    exported = keysweep(
        "audit", "-o", "jsonl", "--store", ledger.settings.store, "--key-file", ledger.settings.key_file
    )
    assert exported.returncode == 0
    path = tmp_path / "ledger.jsonl"
    path.write_text("\n".join(change(exported.stdout.splitlines())) + "\n", encoding="utf-8")
    alone, ours = audit(path), keysweep("verify", path)
    expected = 0 if bad is None else 7
    assert (expected, expected) == (alone.returncode, ours.returncode)
    if bad is not None:
        assert f"entry {bad}:" in alone.stdout
        assert f"entry {bad}:" in ours.stderr


@pytest.mark.parametrize("name", ["with space.db", "100%.db", "a#b.db", "what?.db", "ü.db"])
def test_a_store_of_any_name_is_read(ledger: OpenVault, tmp_path: Path, name: str) -> None:
    """The path is a path, not a piece of a URL."""
    ledger.database.forget_log()
    copy = tmp_path / name
    copy.write_bytes(Path(ledger.settings.store).read_bytes())
    assert audit(copy).stdout.startswith("whole: 5 entries")


@pytest.mark.parametrize("content", [None, b"SQLite format 3\0 and then nothing"], ids=["no such file", "no database"])
def test_what_cannot_be_read_ends_with_2(tmp_path: Path, content: bytes | None) -> None:
    """Nothing was verified, and that is not the same as broken."""
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(content)
    done = audit(path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
