"""The exit codes, through the real program: other programs rely on each of them (reference: README, exit codes).

4 and 5 are ends of a rotation and are tested with the engine.
"""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import ROOT, keysweep


@pytest.fixture
def leak(private_world: Path) -> Path:
    """A file with a synthetic key."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "anthropic-api-key")
    path = private_world / "leak.txt"
    path.write_text(f"KEY={generate(rule, random.Random(1))}\n")
    return path


@pytest.fixture
def clean(private_world: Path) -> Path:
    """A file with nothing in it to find."""
    path = private_world / "clean.txt"
    path.write_text("hello\n")
    return path


def test_0_done(clean: Path) -> None:
    """Everything was read and nothing found."""
    assert keysweep("scan", clean).returncode == 0


def test_1_findings(leak: Path) -> None:
    """The same, in whatever format the result is written."""
    for form in ("text", "json", "jsonl", "sarif"):
        assert keysweep("scan", leak, "-o", form).returncode == 1


def test_1_wins_over_3(leak: Path) -> None:
    """Findings count more than what could not be read."""
    folder = leak.parent / "folder"
    folder.mkdir()
    (folder / "clean.txt").write_text("hello\n")
    (folder / "large.txt").write_bytes(b"x" * 1_100_000)
    limited = ("--strict", "--max-size", "1")
    assert keysweep("scan", folder, *limited).returncode == 3
    assert keysweep("scan", leak.parent, *limited).returncode == 1


def test_exit_zero_is_for_pipelines_that_only_report(leak: Path) -> None:
    """It changes the code and nothing else."""
    plain, zero = keysweep("scan", leak, "-o", "sarif"), keysweep("scan", leak, "-o", "sarif", "--exit-zero")
    assert zero.returncode == 0
    assert plain.stdout == zero.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("nonsense",), id="no such command"),
        pytest.param(("scan", "--nonsense"), id="no such option"),
        pytest.param(("scan", "/nowhere/at/all"), id="no such target"),
        pytest.param(("scan", "-o", "xml"), id="no such format"),
        pytest.param(("scan", "--rule", "no-such-rule"), id="no such rule"),
        pytest.param(("scan", "--config", "/nowhere.toml"), id="no such settings file"),
        pytest.param(("keys", "list"), id="no store"),
        pytest.param(("keys", "add", "x"), id="an option is missing"),
        pytest.param(("report",), id="no output is named"),
        pytest.param(("rotate", "nobody"), id="no such key"),
        pytest.param(("audit", "-o", "jsonl", "--key", "x"), id="part of an export that must be whole"),
    ],
)
def test_2_usage(arguments: tuple[str, ...]) -> None:
    """Nothing was done, nothing is on standard output, and there is a sentence."""
    done = keysweep(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Error: " in done.stderr


def test_2_a_wrong_setting(private_world: Path, clean: Path) -> None:
    """Named with its file."""
    (private_world / "keysweep.toml").write_text("stoer = 'x'\n")
    done = keysweep("scan", clean)
    assert done.returncode == 2
    assert "keysweep.toml: unknown setting 'stoer'" in done.stderr


def test_3_nothing_was_scanned(tmp_path: Path) -> None:
    """An empty folder is not a clean one."""
    empty = tmp_path / "empty"
    empty.mkdir()
    assert keysweep("scan", empty).returncode == 3


def test_3_nobody_read_the_result(leak: Path) -> None:
    """A pipe that was closed early is never reported as clean, nor as a finding."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "keysweep", "scan", str(leak)]
        done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    finally:
        os.close(writer)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_6_denied(place: Settings) -> None:
    """A key file that others may read."""
    place.key_file.chmod(0o644)
    assert keysweep("keys", "list").returncode == 6


def test_7_integrity(place: Settings) -> None:
    """A store that is something else."""
    Path(place.store).write_bytes(b"something else" * 500)
    done = keysweep("verify")
    assert (done.returncode, done.stdout) == (7, "")


_BOOM = '''
"""A command that fails."""

import logging

import click

from keysweep.foundation.redaction import REDACTION
from keysweep.foundation.secret import Secret


@click.command()
def COMMAND():
    """Fail with a secret in everything that a traceback shows."""
    plain = "".join(["hunter2-", "hunter2-", "hunter2"])
    REDACTION.register(Secret(plain))
    logging.getLogger("keysweep.boom").warning("about to fail with %s", plain)
    try:
        raise ValueError(plain)
    except ValueError as error:
        raise RuntimeError(f"no such key: {plain}") from error
'''


def test_70_a_bug_shows_where_and_never_what(tmp_path: Path) -> None:
    """File, line and function of each frame and the kind of error: no message, no cause, no locals, no value."""
    shutil.copytree(ROOT / "keysweep", tmp_path / "keysweep", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "keysweep" / "commands" / "boom.py").write_text(_BOOM)
    done = keysweep("boom", cwd=tmp_path, fresh=True)
    assert (done.returncode, done.stdout) == (70, "")
    assert "boom.py:" in done.stderr
    assert "in COMMAND" in done.stderr
    assert "Bug: RuntimeError." in done.stderr
    assert "about to fail with [redacted]" in done.stderr
    assert "hunter2" not in done.stderr
    assert "no such key" not in done.stderr


def test_130_interrupted(place: Settings, tmp_path: Path) -> None:
    """Ctrl-C while it waits for a file: a sentence, no traceback, nothing stored."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    program = subprocess.Popen(
        [sys.executable, "-m", "keysweep", "keys", "import", str(pipe)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  as a terminal starts it
    )
    writer = _open_when_read(pipe, program)
    try:
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=30)
    finally:
        os.close(writer)
    assert (program.returncode, out) == (130, "")
    assert "Interrupted" in err
    assert "Traceback" not in err


def _open_when_read(pipe: Path, program: subprocess.Popen[str]) -> int:
    """Open a pipe for writing as soon as *program* reads from it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and program.poll() is None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            time.sleep(0.01)
    program.kill()
    raise AssertionError(program.communicate()[1])
