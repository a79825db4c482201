"""What the kernel shows of a process that was started just now."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from keysweep.foundation.secret import Secret
from keysweep.rotation.processes import end_with_parent, environment_of
from keysweep.rotation.supervisor.inject import How, inject
from tests.fakes.agents import eventually

WANTED = {b"FIRST": b"1" * 300, b"LAST": b"2" * 300}


def test_an_environment_is_shown_whole_or_not_at_all() -> None:
    """Right after the start it may be empty, never a part; an empty one says nothing and is asked for again."""
    for _ in range(60):
        program = subprocess.Popen(
            [sys.executable, "-c", "input()"],
            env={name.decode(): value.decode() for name, value in WANTED.items()},
            stdin=subprocess.PIPE,
            preexec_fn=end_with_parent,  # noqa: PLW1509  as the supervisor starts an agent
        )
        try:
            assert environment_of(program.pid) in ({}, WANTED)
            eventually(lambda pid=program.pid: environment_of(pid) == WANTED, "the whole environment", seconds=10)
        finally:
            program.communicate(b"\n")


def test_a_process_that_becomes_another_program_is_never_taken_for_one_without_a_key(tmp_path: Path) -> None:
    """While a shell replaces itself hundreds of times, each look shows its key or says that nothing can be told."""
    script = tmp_path / "again.sh"
    script.write_text('[ "$1" -gt 400 ] && exit\nexec sh "$0" $(($1 + 1))\n')
    injection = inject(How.ENV, {"KEY": Secret("k" * 40)})
    program = subprocess.Popen(["/bin/sh", str(script), "0"], env={**injection.environ(), "PATH": os.environ["PATH"]})
    looks = []
    while program.poll() is None:
        looks.append(injection.held(program.pid))
    assert program.returncode == 0
    told = [held for held in looks if held is not None]
    assert told
    assert all(held["KEY"] == b"k" * 40 for held in told)
