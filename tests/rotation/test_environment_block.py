"""What the kernel shows of a process that was started just now."""

from __future__ import annotations

import subprocess
import sys

from keysweep.rotation.processes import end_with_parent, environment_of
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
