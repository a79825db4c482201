"""Run the program as people do: a process of its own, with standard output and standard error apart."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def keysweep(
    *arguments: str | Path,
    stdin: str | bytes = b"",
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    python: tuple[str, ...] = (),
) -> subprocess.CompletedProcess[str]:
    """Run `python -m keysweep` and wait for it.

    Args:
        arguments: of the program.
        stdin: what it reads; the end of file at once if empty.
        environ: added to the environment of the test.
        cwd: where it works.
        python: options of the interpreter.
    """
    done = subprocess.run(
        [sys.executable, *python, "-m", "keysweep", *map(str, arguments)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        env={**os.environ, **(environ or {})},
        cwd=cwd,
        timeout=120,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
    )
