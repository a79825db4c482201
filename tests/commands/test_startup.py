"""Starting costs what the command needs and nothing else; results and everything else go to different streams."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import select
import subprocess
import sys
from pathlib import Path

import click
import pytest

from keysweep import commands
from keysweep.commands._tree import TREE
from keysweep.foundation.settings import Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.fakes.program import keysweep

HEAVY = frozenset(
    {"pandas", "numpy", "weasyprint", "jinja2", "fastapi", "starlette", "uvicorn", "httpx2", "psycopg", "alembic"}
)
STORE = frozenset({"sqlalchemy", "cryptography"})
SLOW = frozenset({"click", "dataclasses", "inspect", "logging", "subprocess"})
"""Costs a small scan more than its work."""


def imported(*arguments: str | Path) -> set[str]:
    """The top-level packages that a run imported, as the interpreter itself lists them."""
    done = keysweep(*arguments, python=("-X", "importtime"))
    assert done.returncode == 0, done.stderr[-500:]
    return {m[1] for m in re.finditer(r"^import time:.*\|\s+([A-Za-z_]\w*)", done.stderr, re.MULTILINE)}


@pytest.fixture
def clean(private_world: Path) -> Path:
    """A file with nothing in it to find."""
    path = private_world / "clean.txt"
    path.write_text("hello\n")
    return path


def test_the_probe_sees_imports() -> None:
    """A control: what is surely imported is listed."""
    assert {"click", "keysweep"} <= imported("--version")


@pytest.mark.parametrize(
    ("arguments", "beyond"),
    [
        pytest.param(("--help",), HEAVY | STORE | {"git", "PIL", "hyperscan", "detect_secrets"}, id="--help"),
        pytest.param(("--version",), HEAVY | STORE | {"git", "PIL", "hyperscan"}, id="--version"),
        pytest.param(("scan", "--help"), HEAVY | STORE | {"git", "PIL", "hyperscan"}, id="scan --help"),
        pytest.param(("report", "--help"), HEAVY | STORE, id="report --help"),
        pytest.param(("rules", "list"), HEAVY | STORE | {"git", "PIL"}, id="rules list"),
        pytest.param(("scan", "clean.txt"), HEAVY | STORE | {"detect_secrets"}, id="scan, where there is no store"),
    ],
)
def test_a_command_imports_only_what_it_needs(clean: Path, arguments: tuple[str, ...], beyond: frozenset[str]) -> None:
    """A scan of a staged diff starts in a quarter of a second because of this."""
    assert set() == imported(*arguments) & beyond


def test_a_scan_whose_matcher_is_kept_imports_little(clean: Path) -> None:
    """A hook starts it at every commit: neither click nor what takes longer to load than a small scan takes."""
    keysweep("scan", clean)
    assert set() == imported("scan", clean) & (SLOW | HEAVY | STORE | {"git", "PIL", "detect_secrets"})


def test_a_scan_with_a_store_imports_no_report_and_no_web(place: Settings, clean: Path) -> None:
    """Mapping needs the store; nothing needs data frames, PDF, templates, a provider's client or a web framework."""
    found = imported("scan", clean)
    assert "sqlalchemy" in found
    assert set() == found & HEAVY


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The path of each command, groups included."""
    context = click.Context(group)
    found = [path]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += every_command(command, (*path, name)) if isinstance(command, click.Group) else [(*path, name)]
    return found


COMMANDS = every_command(TREE)


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "keysweep")
def test_every_command_has_help(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` and `-h`, with a sentence on what it does, at most 100 columns wide, on standard output."""
    for flag in ("--help", "-h"):
        assert commands.execute([*path, flag]) == 0
        said = capsys.readouterr()
        assert said.out.startswith(f"Usage: {' '.join(('keysweep', *path))}")
        assert len(said.out.splitlines()[2].strip()) > 10
        assert max(map(len, said.out.splitlines())) <= 100
        assert said.err == ""


def test_help_lists_every_file_of_the_folder(capsys: pytest.CaptureFixture[str]) -> None:
    """The folder is the index: nothing is registered anywhere."""
    commands.execute(["--help"])
    listed = set(re.findall(r"^  ([a-z]+)  ", capsys.readouterr().out.partition("Commands:")[2], re.MULTILINE))
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")}
    assert listed == {name for name in files if not name.startswith("_")}


def test_the_script_and_the_module_are_one_program() -> None:
    """`keysweep` and `python -m keysweep`."""
    script = Path(sys.executable).with_name("keysweep")
    done = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert keysweep("--version").stdout == done.stdout
    assert re.fullmatch(r"keysweep \d+\.\d+\.\d+\n", done.stdout)


@pytest.fixture
def leak(private_world: Path) -> Path:
    """A file with a synthetic key."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "anthropic-api-key")
    path = private_world / "leak.txt"
    path.write_text(f"KEY={generate(rule, random.Random(1))}\n")
    return path


def on_terminal(*arguments: str | Path, **environ: str) -> bytes:
    """Run with a terminal as standard output and return what it got."""
    ours, theirs = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    program = subprocess.Popen(
        [sys.executable, "-m", "keysweep", *map(str, arguments)],
        stdout=theirs,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        env={**clean, "TERM": "xterm-256color", **environ},
    )
    os.close(theirs)
    got = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:
            break
        if not piece:
            break
        got += piece
    os.close(ours)
    program.wait(timeout=60)
    return got


@pytest.mark.parametrize(
    ("arguments", "environ", "coloured"),
    [
        pytest.param((), {}, True, id="a terminal gets colour"),
        pytest.param((), {"NO_COLOR": "1"}, False, id="unless NO_COLOR is set"),
        pytest.param(("--no-color",), {}, False, id="or --no-color is given"),
    ],
)
def test_colour_is_for_terminals_that_want_it(
    leak: Path, arguments: tuple[str, ...], environ: dict[str, str], coloured: bool
) -> None:
    """See https://no-color.org."""
    got = on_terminal("scan", leak, *arguments, **environ)
    assert b"anthropic" in got
    assert coloured == (b"\x1b[" in got)


def test_a_pipe_gets_no_colour(leak: Path) -> None:
    """Whatever the environment says of the terminal."""
    assert "\x1b" not in keysweep("scan", leak, environ={"NO_COLOR": "", "TERM": "xterm-256color"}).stdout


def test_standard_output_carries_the_result_only(leak: Path) -> None:
    """At any loudness of the log it is one JSON document."""
    done = keysweep("-vv", "scan", leak, "-o", "json")
    assert json.loads(done.stdout)["schema"] == "keysweep.dev/scan/v1"


def test_quiet_says_nothing_but_results(place: Settings, clean: Path) -> None:
    """`-q` on either side of the command."""
    for arguments in (("-q", "init"), ("init", "-q")):
        done = keysweep(*arguments)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_nothing_of_the_scanned_folder_is_read_as_settings_or_code(leak: Path, tmp_path: Path) -> None:
    """A hostile target brings settings that would silence the scan, and modules that would run in it."""
    marker = tmp_path / "it-ran"
    target = tmp_path / "target"
    target.mkdir()
    (target / "leak.txt").write_bytes(leak.read_bytes())
    (target / "keysweep.toml").write_text("not = even ( valid")
    (target / "pyproject.toml").write_text('[tool.keysweep]\nstoer = "x"\n')
    for name in ("scanner", "rules", "keysweep", "click", "sitecustomize", "hyperscan"):
        (target / f"{name}.py").write_text(f"open({str(marker)!r}, 'w')\n")
    assert keysweep("scan", target).returncode == 1
    assert not marker.exists()
