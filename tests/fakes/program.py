"""Run the program as people do: a process of its own, with standard output and standard error apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fakes.command_line import CONTEXT

ROOT = Path(__file__).resolve().parents[2]
CONTEXT.set_forkserver_preload(["tests.fakes.command_line", "tests.fakes.program", "tests.fakes.preloaded"])


@dataclass(frozen=True)
class _Wanted:
    """What a forked process becomes before it runs the program."""

    arguments: tuple[str, ...]
    environ: dict[str, str]
    cwd: str
    umask: int
    streams: tuple[str, str, str]
    """Files of standard input, output and error."""


def keysweep(
    *arguments: str | Path,
    stdin: str | bytes = b"",
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    python: tuple[str, ...] = (),
    fresh: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `python -m keysweep` and wait for it.

    Args:
        arguments: of the program.
        stdin: what it reads; the end of file at once if empty.
        environ: added to the environment of the test.
        cwd: where it works.
        python: options of the interpreter, which is then a fresh one.
        fresh: whether the interpreter starts anew, for tests of what is imported and of the start.  Else the process forks from one that
            has imported the commands already, which takes a tenth of the time.
    """
    words = tuple(map(str, arguments))
    given = stdin.encode() if isinstance(stdin, str) else stdin
    environment = {**os.environ, **(environ or {})}
    if not fresh and not python:
        return _forked(words, given, environment, str(cwd or Path.cwd()))
    done = subprocess.run(
        [sys.executable, *python, "-m", "keysweep", *words],
        input=given,
        capture_output=True,
        env=environment,
        cwd=cwd,
        timeout=_LIMIT_S,
        check=False,
    )
    return _completed(done.args, done.returncode, done.stdout, done.stderr)


_LIMIT_S = 120


def _forked(
    words: tuple[str, ...], given: bytes, environ: dict[str, str], cwd: str
) -> subprocess.CompletedProcess[str]:
    with TemporaryDirectory(prefix="keysweep-program-") as folder:
        stdin, stdout, stderr = (Path(folder) / name for name in ("stdin", "stdout", "stderr"))
        for stream, content in ((stdin, given), (stdout, b""), (stderr, b"")):
            stream.write_bytes(content)
        wanted = _Wanted(words, environ, cwd, _umask(), (str(stdin), str(stdout), str(stderr)))
        process = CONTEXT.Process(target=_become, args=(wanted,))
        process.start()
        with ExitStack() as stack:
            stack.callback(process.close)
            process.join(_LIMIT_S)
            if process.is_alive():
                process.kill()
                process.join()
                raise subprocess.TimeoutExpired(words, _LIMIT_S)
            code = process.exitcode
            assert code is not None
        return _completed(list(words), code, stdout.read_bytes(), stderr.read_bytes())


def _umask() -> int:
    """Return the one of this process, without changing it for a moment."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1], 8) for line in lines if line.startswith("Umask:"))


def _become(wanted: _Wanted) -> None:
    given, *said = wanted.streams
    os.dup2(os.open(given, os.O_RDONLY), 0)
    for number, path in enumerate(said, start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_APPEND), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  the interpreter's own, which lives as long as it
    os.environ.clear()
    os.environ.update(wanted.environ)
    os.chdir(wanted.cwd)
    os.umask(wanted.umask)
    sys.argv = ["keysweep", *wanted.arguments]
    from keysweep.commands import main

    main()


def _completed(words: list[str], code: int, stdout: bytes, stderr: bytes) -> subprocess.CompletedProcess[str]:
    return subprocess.CompletedProcess(
        words, code, stdout.decode("utf-8", "replace"), stderr.decode("utf-8", "replace")
    )
