"""`keysweep run`: the key is in the agent's environment and nowhere else, and the agent runs on what the engine asks for."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances
from tests.fakes.agents import attested_numbers, children, environment, eventually
from tests.fakes.command_line import command, start
from tests.fakes.fixtures import vendors
from tests.fakes.stores import NAMES, World, build_world
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


@pytest.fixture
def world(tmp_path: Path, vendors: Vendors) -> World:
    """A store with one credential and its agent."""
    rotation = {"settle_s": 0.2, "stop_grace_s": 0.6, "forced_stop_grace_s": 0.3}
    return build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=rotation)


@contextmanager
def _supervised(
    world: World, *argv: str, stop: Callable[[Any], None] = lambda process: process.terminate()
) -> Iterator[Any]:
    process = start(world.environ, world.folder, "run", "--agent", "orders", "--", *argv)
    try:
        eventually(lambda: bool(attested_numbers(world, "openai")), "the agent to be seen")
        yield process
    finally:
        stop(process)
        process.join(20)
        process.close()


def test_the_key_is_in_the_agents_environment_only(world: World) -> None:
    """Neither the supervisor's environment nor anybody's arguments hold it; our own settings are not passed on."""
    key = world.planted["openai"].encode()
    with _supervised(world, "sleep", "600") as supervisor:
        (agent,) = children(supervisor.pid)
        held = environment(agent)
        assert held["OPENAI_API_KEY"].encode() == key
        assert [name for name in held if name.startswith("KEYSWEEP_")] == []
        assert key not in Path(f"/proc/{supervisor.pid}/environ").read_bytes()
        for pid in (supervisor.pid, agent):
            assert key not in Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143), ("kill -KILL $$", 137)],
)
def test_the_agents_exit_code_is_passed_on(script: str, code: int, world: World) -> None:
    """128 plus the number of the signal where one ended it, as shells do."""
    assert command(world.environ, world.folder, "run", "--agent", "orders", "--", "sh", "-c", script).code == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1], ids=lambda s: s.name)
def test_signals_reach_the_agent(number: signal.Signals, world: World) -> None:
    """What is sent to the supervisor arrives at the agent, whose answer is the exit code."""
    script = "import signal, sys, time\nfor s in (1, 2, 10, 15): signal.signal(s, lambda n, _: sys.exit(40 + n))\n"
    script += "open('ready', 'w').close()\nwhile True: time.sleep(0.05)"
    process = start(world.environ, world.folder, "run", "--agent", "orders", "--", sys.executable, "-c", script)
    eventually((world.folder / "ready").exists, "the agent to be ready")
    os.kill(process.pid, number)
    process.join(20)
    assert process.exitcode == 40 + number
    process.close()


def _kill_group(supervisor: Any) -> None:
    """Leave nothing behind, also where the test failed: these agents do not end by themselves."""
    agents = children(supervisor.pid)
    supervisor.kill()
    for agent in agents:
        os.killpg(agent, signal.SIGKILL)


_LOOP = "while :; do sleep 0.05; done"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(f'trap "" TERM; {_LOOP}', id="the agent itself"),
        pytest.param(f"sh -c 'trap \"\" TERM; {_LOOP}' & {_LOOP}", id="a process that it started"),
    ],
)
def test_what_ignores_sigterm_is_killed_after_the_grace(script: str, world: World) -> None:
    """Neither a stubborn agent nor a stubborn child of it keeps the old key alive."""
    with _supervised(world, "sh", "-c", script, stop=_kill_group) as supervisor:
        (old,) = children(supervisor.pid)
        rotated = command(world.environ, world.folder, "rotate", NAMES["openai"], "--compromised", "--yes")
        assert rotated.code == 0, rotated.output
        (new,) = children(supervisor.pid)
        assert new != old
        left = [pid for pid in _pids() if environment(pid).get("OPENAI_API_KEY") == world.planted["openai"]]
        assert left == []


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*")]


def test_every_copy_of_an_agent_must_be_seen(world: World) -> None:
    """Two supervisors run the same agent: both are restarted before the old key goes."""
    with _supervised(world, "sleep", "600"), _supervised(world, "sleep", "600"):
        eventually(lambda: attested_numbers(world, "openai") == [1, 1], "both to be seen")
        rotated = command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes")
        assert rotated.code == 0, rotated.output
        assert attested_numbers(world, "openai") == [2, 2]


def test_a_killed_supervisor_takes_its_agent_along(world: World) -> None:
    """An agent that nobody attests must not go on, and counts as not running."""
    with _supervised(world, "sleep", "600", stop=lambda process: None) as supervisor:
        (agent,) = children(supervisor.pid)
        os.kill(supervisor.pid, signal.SIGKILL)
        eventually(lambda: environment(agent) == {}, "the agent to end")
        assert attested_numbers(world, "openai") == []


def test_a_reused_process_id_is_not_a_supervisor(world: World) -> None:
    """A row that a killed supervisor left behind does not come alive when its process id is given out again."""
    with world.open() as opened, opened.database.write() as connection:
        identifier = instances.register(connection, "orders", system_clock())
        assert instances.instance(connection, identifier).alive(system_clock())
    with world.open() as opened, opened.database.write() as connection:
        long_ago = system_clock().replace(year=2020)
        identifier = instances.register(connection, "orders", long_ago)
        assert not instances.instance(connection, identifier).alive(system_clock())


def test_an_agent_that_falls_over_on_the_new_key_is_started_again(world: World) -> None:
    """It is not attested while it falls over; once it stays up it is, without anybody asking again."""
    script = '[ "$OPENAI_API_KEY" = "$(cat first 2>/dev/null || (printf %s "$OPENAI_API_KEY" | tee first))" ] || '
    script += "[ -e mended ] || exit 9; exec sleep 600"
    with _supervised(world, "sh", "-c", script) as supervisor:
        with world.open() as opened, opened.database.write() as connection:
            from keysweep.foundation.secret import Secret
            from keysweep.rotation.credential import State

            added = opened.vault.add_version(
                connection, world.credential("openai"), Secret("another value"), state=State.PENDING
            )
            (instance,) = instances.live_instances(connection, "orders", system_clock())
            instances.want(connection, instance, added.ref, forced=True)
        eventually(lambda: attested_numbers(world, "openai") == [], "the old process to be gone")
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            assert attested_numbers(world, "openai") == []
            assert supervisor.is_alive()
        (world.folder / "mended").touch()
        eventually(lambda: attested_numbers(world, "openai") == [2], "the agent to stay up")


def test_an_agent_without_credentials_is_refused(world: World) -> None:
    """There is nothing to run it with: a usage error that names the next command."""
    command(world.environ, world.folder, "agents", "add", "idle")
    ended = command(world.environ, world.folder, "run", "--agent", "idle", "--", "true")
    assert ended.code == 2
    assert "keysweep agents bind idle" in ended.output


def test_a_command_that_does_not_exist_is_a_usage_error(world: World) -> None:
    """And leaves no agent behind that seems to run."""
    ended = command(world.environ, world.folder, "run", "--agent", "orders", "--", "/no/such/command")
    assert ended.code == 2
    assert attested_numbers(world, "openai") == []
