"""The command line in child processes that fork quickly, and that can be made to die at a given point of a rotation.

The points are seen from outside the engine, in the statements that reach the database: directly after an intent row was
committed, directly before an outcome row is written (the effect has happened), directly after it was committed.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

from tests.fakes import classes, windows

CONTEXT: ForkServerContext = multiprocessing.get_context("forkserver")
"""Processes fork from one that has imported everything and has no threads: real processes, without half a second of imports."""
CONTEXT.set_forkserver_preload(
    [
        "tests.fakes.command_line",
        "keysweep.commands.rotate",
        "keysweep.commands.run",
        "keysweep.commands._rotation_targets",
        "keysweep.commands._timeline",
        "keysweep.rotation.supervisor.serve",
        "keysweep.rotation.vault.unlock",
        "keysweep.rotation.providers.openai",
        "keysweep.rotation.providers.anthropic",
        "keysweep.rotation.providers.postgresql",
        "keysweep.rotation.agents.process",
        "tests.fakes.classes",
        "keysweep.rotation.oauth",
        "keysweep.rotation.aws_calls",
        "keysweep.rotation.guided",
        "httpx2",
        "psycopg",
        "pymysql",
        "platformdirs",
    ]
)

_ROOM = 4096
"""Bytes that a file may have on a full disk: enough for what the command prints, not for a transaction."""


@dataclass(frozen=True)
class Point:
    """Where a child dies."""

    step: str
    moment: str
    """`intent`: its intent row is committed, nothing was done.  `effect`: it was done, the outcome row is not written.
    `outcome`: the outcome row is committed."""

    def __str__(self) -> str:
        return f"{self.step}-{self.moment}"


@dataclass(frozen=True)
class DiskFull:
    """When the outcome of a step is written the disk is full: no file takes more than a few bytes."""

    step: str


@dataclass(frozen=True)
class Before:
    """The child dies before the first statement that begins so."""

    statement: str


@dataclass(frozen=True)
class Doing:
    """The child dies before it does something that the interpreter announces, with a text in what it does it to."""

    event: str
    """`os.rename`, `subprocess.Popen` ..."""
    about: str


@dataclass(frozen=True)
class After:
    """The child is killed so many seconds after it was started."""

    seconds: float


@dataclass(frozen=True)
class Paused:
    """The child stops itself at a point, and goes on when it is told to: to its end, or to where it dies."""

    point: Point
    then: Point | None = None
    looked: bool = False
    """It stops only when it has looked at its lease for the last time, directly before its call."""


Trouble = Point | DiskFull | Before | After | Paused | Doing


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    code: int
    """Exit code; negative for a signal."""
    output: str


def command(
    environ: dict[str, str],
    folder: Path,
    *arguments: str,
    trouble: Trouble | None = None,
    timeout_s: float = 60,
) -> Ended:
    """Run the command line in a child process until it ends."""
    process = launch(environ, folder, *arguments, trouble=trouble)
    if isinstance(trouble, After):
        process.join(trouble.seconds)
        process.kill()
    return ended(process, folder, arguments[0], timeout_s)


def launch(environ: dict[str, str], folder: Path, *arguments: str, trouble: Trouble | None = None) -> Any:
    """Start a command in a child process; `ended` waits for it."""
    output = folder / "child.out"
    process = CONTEXT.Process(target=_main, args=(environ, str(folder), str(output), arguments, trouble))
    process.start()
    return process


def ended(process: Any, folder: Path, name: str, timeout_s: float = 60) -> Ended:
    """Wait until a child has ended."""
    output = folder / "child.out"
    process.join(timeout_s)
    if process.is_alive():
        process.kill()
        process.join()
        msg = f"keysweep {name} did not end: {output.read_text()}"
        raise AssertionError(msg)
    code = process.exitcode
    process.close()
    assert code is not None
    return Ended(code=code, output=output.read_text() if output.exists() else "")


def start(environ: dict[str, str], folder: Path, *arguments: str) -> Any:
    """Start the command line in a child process and return it."""
    process = CONTEXT.Process(target=_main, args=(environ, str(folder), str(folder / "agent.out"), arguments, None))
    process.start()
    return process


def _main(
    environ: dict[str, str], folder: str, output: str, arguments: tuple[str, ...], trouble: Trouble | None
) -> None:
    os.environ.update(environ)
    os.chdir(folder)
    classes.visible()
    windows.shorten(filter(None, environ.get(windows.SHORT, "").split(",")))
    match trouble:
        case Point():
            _die_at(trouble)
        case DiskFull():
            _fill_disk_at(trouble.step)
        case Before():
            _die_before(trouble.statement)
        case Doing():
            _die_doing(trouble)
        case Paused():
            (_stop_behind_the_look if trouble.looked else _stop_at)(trouble.point)
            if trouble.then is not None:
                _die_at(trouble.then)
        case After() | None:
            pass
    from keysweep.commands import execute

    with Path(output).open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        code = execute(list(arguments))
    os._exit(code)


def _die_doing(trouble: Doing) -> None:
    def announced(event: str, arguments: tuple[object, ...]) -> None:
        if event == trouble.event and trouble.about in repr(arguments):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(announced)


def _die_before(beginning: str) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    @event.listens_for(Engine, "before_cursor_execute")
    def _seen(_connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: Any) -> None:
        if statement.startswith(beginning):
            os.kill(os.getpid(), signal.SIGKILL)


def _die_at(point: Point, by: signal.Signals = signal.SIGKILL) -> None:
    phase = "intent" if point.moment == "intent" else "outcome"

    def reached(*, committed: bool) -> None:
        if committed is (point.moment != "effect"):
            os.kill(os.getpid(), by)

    _watch(point.step, phase, reached)


def _stop_at(point: Point) -> None:
    _die_at(point, signal.SIGSTOP)


def _stop_behind_the_look(point: Point) -> None:
    """Stop where the first transaction behind the intent has ended: the one that holds the lease."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    seen: list[str] = []

    def reached(*, committed: bool) -> None:
        if committed:
            seen.append("intent")

    _watch(point.step, "intent", reached)

    @event.listens_for(Engine, "before_cursor_execute")
    def _seen(_connection: Any, _cursor: Any, statement: str, _parameters: Any, _context: Any, _many: Any) -> None:
        if seen == ["intent"] and statement.startswith("UPDATE lease"):
            seen.append("look")

    @event.listens_for(Pool, "checkin")
    def _committed(_connection: Any, _record: Any) -> None:
        if seen == ["intent", "look"]:
            seen.append("stopped")
            os.kill(os.getpid(), signal.SIGSTOP)


def _fill_disk_at(step: str) -> None:
    def reached(*, committed: bool) -> None:
        if not committed:
            resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM, resource.RLIM_INFINITY))

    _watch(step, "outcome", reached)


def _watch(step: str, phase: str, reached: Any) -> None:
    """Call *reached* before the journal row of that step is written, and again once it is committed."""
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    armed: list[bool] = []

    @event.listens_for(Engine, "before_cursor_execute")
    def _seen(_connection: Any, _cursor: Any, statement: str, _parameters: Any, context: Any, _many: Any) -> None:
        if statement.startswith("INSERT INTO journal"):
            row = context.compiled_parameters[0]
            if (row["step"], row["phase"]) == (step, phase):
                reached(committed=False)
                armed.append(True)

    @event.listens_for(Pool, "checkin")
    def _committed(_connection: Any, _record: Any) -> None:
        if armed:
            armed.clear()
            reached(committed=True)
