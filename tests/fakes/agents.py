"""An agent under the real supervisor, and what the kernel says it holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances
from tests.fakes.stores import AGENTS, VARIABLES, World

DEADLINE_S = 30.0


def eventually(condition: Callable[[], bool], what: str, *, seconds: float = DEADLINE_S) -> None:
    """Wait until *condition* is true; fail if it does not become so in time."""
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            msg = f"waited {seconds:g} s for {what}"
            raise AssertionError(msg)
        time.sleep(0.02)


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def environment(pid: int) -> dict[str, str]:
    """Return the environment of a live process as the kernel shows it; empty for one that is gone."""
    try:
        block = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    return dict(entry.decode().split("=", 1) for entry in block.split(b"\0") if b"=" in entry)


def held_value(supervisor: int, kind: str) -> str | None:
    """Return the key that the agent of this supervisor holds, read from its process and not from our store."""
    values = [environment(child).get(VARIABLES[kind]) for child in children(supervisor)]
    return values[0] if len(values) == 1 else None


def attested_numbers(world: World, kind: str) -> list[int]:
    """Return the versions that the supervisors of an agent say it was seen to hold."""
    with world.open() as opened, opened.database.read() as connection:
        return [
            one.version.number
            for instance in instances.live_instances(connection, AGENTS[kind], system_clock())
            for one in instances.seen(connection, instance.id)
        ]
