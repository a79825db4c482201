"""`keysweep run` with options: keys in files and descriptors, reloads that are proven, readiness, and one process taking over from another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import State
from keysweep.rotation.supervisor.inject import How, inject, private_base
from keysweep.rotation.supervisor.manner import manner
from tests.fakes.agents import attested_numbers, children, environment, eventually
from tests.fakes.command_line import command, start
from tests.fakes.deliveries import CHALLENGED, free_port
from tests.fakes.fixtures import vendors
from tests.fakes.stores import World, build_world
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
VARIABLE = "OPENAI_API_KEY"


@pytest.fixture
def world(tmp_path: Path, vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> World:
    """A store with one credential and its agent, and a folder of its own for files in memory."""
    memory = tmp_path / "memory"
    memory.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(memory))
    rotation = {"settle_s": 0.1, "stop_grace_s": 0.6, "forced_stop_grace_s": 0.3}
    return build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=rotation)


@contextmanager
def _supervised(world: World, *options: str, seen: bool = True) -> Iterator[Any]:
    environ = {**world.environ, "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}
    process = start(environ, world.folder, "run", "--agent", "orders", *options)
    try:
        if seen:
            eventually(lambda: attested_numbers(world, "openai") == [1], "the agent to be seen", seconds=10)
        yield process
    finally:
        process.terminate()
        process.join(20)
        process.close()


def _agent(port: int, *more: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-S", "-E", CHALLENGED, VARIABLE, "--port", str(port), *more)


def _want_another(world: World, value: str = "another value") -> None:
    """Ask the supervisor for a new version, as the engine does."""
    with world.open() as opened, opened.database.write() as connection:
        credential = world.credential("openai")
        added = opened.vault.add_version(connection, credential, Secret(value), state=State.PENDING)
        for instance in instances.live_instances(connection, "orders", system_clock()):
            instances.want(connection, instance, added.ref, forced=True)


def _methods(world: World) -> list[str]:
    with world.open() as opened, opened.database.read() as connection:
        return [
            one.method
            for instance in instances.live_instances(connection, "orders", system_clock())
            for one in instances.seen(connection, instance.id)
        ]


def _taken(world: World, number: int) -> bool:
    return attested_numbers(world, "openai") == [number]


@pytest.mark.parametrize(("how", "method"), [("file", "file"), ("fd", "descriptor")])
def test_a_key_can_be_kept_out_of_the_environment(how: str, method: str, world: World) -> None:
    """It is in a place in memory that the environment names; after the agent's end it is nowhere."""
    memory = Path(os.environ["XDG_RUNTIME_DIR"])
    with _supervised(world, "--inject", how, *_agent(free_port())) as supervisor:
        (agent,) = children(supervisor.pid)
        held = environment(agent)
        assert VARIABLE not in held
        place = held.get(f"{VARIABLE}_FILE") or f"/proc/{agent}/fd/{held[f'{VARIABLE}_FD']}"
        assert Path(place).read_text() == world.planted["openai"]
        assert world.planted["openai"].encode() not in Path(f"/proc/{agent}/environ").read_bytes()
        assert _methods(world) == [method]
        if how == "file":
            assert Path(place).stat().st_mode & 0o777 == 0o600
            assert Path(place).parent.stat().st_mode & 0o777 == 0o700
    assert list(memory.iterdir()) == []


def test_a_key_of_the_person_who_starts_the_agent_is_not_passed_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An old key in the shell's environment would win over the file."""
    monkeypatch.setitem(os.environ, VARIABLE, "an old key")
    environ = {**world.environ, VARIABLE: "an old key"}
    script = f'test -z "${VARIABLE}" && test -s "${VARIABLE}_FILE"'
    ended = command(environ, world.folder, "run", "--agent", "orders", "--inject", "file", "--", "sh", "-c", script)
    assert ended.code == 0


@pytest.mark.parametrize("how", ["file", "fd"])
def test_an_agent_that_reloads_keeps_its_process(how: str, world: World) -> None:
    """The value is rewritten before the signal; the agent proves that it read it."""
    port = free_port()
    options = ("--inject", how, "--reload-signal", "hup", "--challenge", f"http://127.0.0.1:{port}/challenge")
    with _supervised(world, *options, *_agent(port)) as supervisor:
        before = children(supervisor.pid)
        _want_another(world)
        eventually(lambda: _taken(world, 2), "the proof", seconds=10)
        assert children(supervisor.pid) == before
        assert _methods(world) == ["challenge"]


def test_an_agent_that_does_not_reload_is_started_anew(world: World) -> None:
    """It was told, and still proves the old key: not for longer than it may take to become ready."""
    port = free_port()
    options = ("--inject", "file", "--reload-signal", "SIGHUP", "--ready-timeout", "0.5")
    options += ("--challenge", f"http://127.0.0.1:{port}/challenge")
    with _supervised(world, *options, *_agent(port, "--deaf")) as supervisor:
        before = children(supervisor.pid)
        _want_another(world)
        eventually(lambda: _taken(world, 2), "the proof of the next process", seconds=10)
        assert children(supervisor.pid) != before


@pytest.mark.parametrize(
    "probe", ["http://127.0.0.1:{port}/ready", "line:^ready to", "line:^working$", "exec:{program}"]
)
def test_an_agent_counts_when_it_is_ready(probe: str, world: World, tmp_path: Path) -> None:
    """Not before, however long it has run already."""
    port, flag = free_port(), tmp_path / "flag"
    program = tmp_path / "probe"
    program.write_text(f"#!/bin/sh\nexec test -e {flag}\n")
    program.chmod(0o755)
    ready = ("--ready", probe.format(port=port, program=program))
    began = time.monotonic()
    with _supervised(world, *ready, *_agent(port, "--slow", "0.8"), seen=False) as supervisor:
        eventually(lambda: len(children(supervisor.pid)) == 1, "the process")
        assert attested_numbers(world, "openai") == []
        if "exec" in probe:
            flag.touch()
        eventually(lambda: _taken(world, 1), "the agent to be ready", seconds=10)
    assert time.monotonic() - began > (0 if "exec" in probe else 0.8)


def test_the_output_of_an_agent_goes_through_whole(world: World) -> None:
    """Where a line of it is waited for: both streams, to the last byte, also much of it at once, and the exit code."""
    text = "import sys; print('ready'); [print('x' * 99) for _ in range(3000)]; sys.stdout.flush(); print('end', file=sys.stderr); sys.exit(3)"
    argv = [sys.executable, "-m", "keysweep", "run", "--agent", "orders", "--ready", "line:ready", "--"]
    argv += [sys.executable, "-S", "-E", "-c", text]
    ended = subprocess.run(argv, env={**os.environ, **world.environ}, cwd=world.folder, capture_output=True)
    assert (ended.returncode, len(ended.stdout), ended.stderr[-4:]) == (3, 6 + 3000 * 100, b"end\n")


def test_the_old_process_ends_when_the_new_one_is_ready(world: World) -> None:
    """With `--overlap` somebody serves all the time; the new key counts when only the new process is left."""
    port = free_port()
    options = ("--overlap", "--ready", "line:ready to")
    with _supervised(world, *options, *_agent(port, "--share-port", "--slow", "0.4")) as supervisor:
        (old,) = children(supervisor.pid)
        _want_another(world)
        eventually(lambda: len(children(supervisor.pid)) == 2, "two processes", seconds=10)
        assert attested_numbers(world, "openai") == [1]
        eventually(lambda: _taken(world, 2), "the new one to take over", seconds=10)
        (new,) = children(supervisor.pid)
        assert new != old
        assert environment(new)[VARIABLE] == "another value"


def test_a_new_process_that_is_never_ready_takes_nothing_over(world: World) -> None:
    """The old one goes on; the next that is wanted is tried again."""
    script = f'[ "${VARIABLE}" = bad ] || echo up; exec sleep 600'
    options = ("--overlap", "--ready", "line:up", "--ready-timeout", "0.4")
    with _supervised(world, *options, "--", "sh", "-c", script) as supervisor:
        (old,) = children(supervisor.pid)
        _want_another(world, "bad")
        eventually(lambda: len(children(supervisor.pid)) == 2, "two processes", seconds=10)
        eventually(lambda: children(supervisor.pid) == [old], "the new one to be given up", seconds=10)
        _want_another(world, "good")
        eventually(lambda: _taken(world, 3), "the next one", seconds=10)
        assert old not in children(supervisor.pid)


def test_a_stop_while_one_takes_over_ends_both(world: World) -> None:
    """Nothing is left behind, and the exit code is that of the one that served."""
    script = f'[ "${VARIABLE}" = never ] || echo up; trap "exit 5" TERM; while :; do sleep 0.05; done'
    with _supervised(world, "--overlap", "--ready", "line:up", "--", "sh", "-c", script) as supervisor:
        _want_another(world, "never")
        eventually(lambda: len(children(supervisor.pid)) == 2, "two processes", seconds=10)
        both = children(supervisor.pid)
        os.kill(supervisor.pid, signal.SIGTERM)
        supervisor.join(20)
        assert supervisor.exitcode == 5
        assert [pid for pid in both if environment(pid)] == []


def test_what_a_killed_supervisor_left_in_memory_goes_with_the_next(world: World) -> None:
    """A file outlives kill -9; nobody holds its lock then.  One that is in use is left alone."""
    memory = Path(os.environ["XDG_RUNTIME_DIR"])
    with _supervised(world, "--inject", "file", *_agent(free_port())) as supervisor:
        os.kill(supervisor.pid, signal.SIGKILL)
        supervisor.join(20)
        assert len(list(memory.iterdir())) == 1
        in_use = inject(How.FILE, {VARIABLE: Secret("x")})
        (left,) = memory.iterdir()
        inject(How.FILE, {VARIABLE: Secret("y")}).end()
        assert list(memory.iterdir()) == [left]
        in_use.end()


def test_a_descriptor_is_rewritten_in_place() -> None:
    """Also by a shorter value; the reader begins at the start again, and cannot write."""
    injection = inject(How.FD, {VARIABLE: Secret("a long old value")})
    (reader,) = injection.descriptors()
    try:
        assert os.read(reader, 99) == b"a long old value"
        assert injection.rewrite({VARIABLE: Secret("new")})
        assert os.read(reader, 99) == b"new"
        with pytest.raises(OSError, match="descriptor"):
            os.write(reader, b"x")
    finally:
        injection.end()


def test_files_go_where_memory_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """To the session's own folder, else to the machine's."""
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if Path("/dev/shm").is_dir():
        assert private_base() == Path("/dev/shm")


REFUSED = [
    pytest.param({"reload_signal": "HUP", "challenge": "http://127.0.0.1:1/"}, id="the environment cannot be reloaded"),
    pytest.param({"how": "file", "reload_signal": "HUP"}, id="a reload that nothing proves"),
    pytest.param(
        {"how": "file", "reload_signal": "KILL", "challenge": "https://x.example/"}, id="no signal to reload by"
    ),
    pytest.param(
        {"how": "file", "reload_signal": "HUP", "challenge": "https://x.example/", "overlap": True},
        id="both ways at once",
    ),
    pytest.param({"challenge": "http://elsewhere.example/"}, id="a challenge without TLS"),
    pytest.param({"ready": "yes"}, id="no such probe"),
    pytest.param({"ready": "line:("}, id="no pattern"),
    pytest.param({"ready": "exec:curl x"}, id="a program that is looked for"),
    pytest.param({"ready": "tcp:elsewhere.example:80"}, id="a port of another machine"),
]


@pytest.mark.parametrize("stated", REFUSED)
def test_options_that_do_not_go_together_are_usage_errors(stated: dict[str, Any]) -> None:
    """Each says what would."""
    given: dict[str, Any] = {"how": "env", "reload_signal": None, "ready": None, "ready_timeout_s": 1.0}
    with pytest.raises(UsageError) as refused:
        manner(**{**given, "challenge": None, "overlap": False, **stated})
    assert refused.value.hint
