"""Killed while an agent is being moved to a new key: taken up again, it ends with the agent on it, the old one dead, and no key left behind.

The numbers are those of the crash points between delivery and attestation: 7 to 10.  The engine's own steps are killed at in tests/crash.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.challenge import Question, ask, right
from keysweep.rotation.credential import State
from tests.fakes.agents import attested_numbers, children, environment, eventually
from tests.fakes.canaries import leaks
from tests.fakes.command_line import Doing, Point, command, start
from tests.fakes.deliveries import CHALLENGED, free_port, script
from tests.fakes.fixtures import vendors
from tests.fakes.stores import NAMES, World, build_world
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
VARIABLE = "OPENAI_API_KEY"


@dataclass(frozen=True)
class FileAgent:
    """An agent that reads a file, started anew by a program of its operator."""

    world: World
    folder: Path
    url: str

    @property
    def file(self) -> Path:
        """Where its key is."""
        return self.folder / "key"

    def pid(self) -> int:
        """Return the process that runs, 0 for none."""
        try:
            return int((self.folder / "pid").read_text())
        except (OSError, ValueError):
            return 0

    def holds(self, value: str) -> bool:
        """Ask the agent itself."""
        question = Question.about("filed", VARIABLE)
        answer = ask(self.url, question, timeout_s=1)
        return answer is not None and right(Secret(value), question, answer)


@pytest.fixture
def agent(tmp_path: Path, vendors: Vendors) -> Iterator[FileAgent]:
    """A running agent of the kind `file`, bound to the credential that leaks."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    folder, port = tmp_path / "agent", free_port()
    folder.mkdir()
    (folder / "key").write_text(world.planted["openai"])
    run = f"{sys.executable} -S -E {CHALLENGED} {VARIABLE} --file {folder}/key --port {port} --pidfile {folder}/pid"
    restart = script(
        folder / "restart",
        f"""[ -e {folder}/pid ] && kill "$(cat {folder}/pid)"; rm -f {folder}/pid
[ -e {folder}/deadly ] && rm {folder}/deadly && kill -9 $PPID && exit 1
{run} >/dev/null 2>&1 </dev/null &""",
    )
    url = f"http://127.0.0.1:{port}/challenge"
    stated = {"path": f"{folder}/key", "format": "raw", "process": f"{folder}/pid", "challenge": url, "reload": restart}
    pairs = [word for name, value in stated.items() for word in ("--set", f"{name}={value}")]
    for arguments in (("add", "filed", "--kind", "file", *pairs), ("bind", "filed", NAMES["openai"])):
        assert command(world.environ, world.folder, "agents", *arguments).code == 0
    os.system(restart)
    made = FileAgent(world=world, folder=folder, url=url)
    try:
        eventually(lambda: made.holds(world.planted["openai"]), "the agent on its first key", seconds=10)
        yield made
    finally:
        if pid := made.pid():
            os.kill(pid, signal.SIGKILL)


def _check(agent: FileAgent) -> None:
    """Ask everyone but the engine: the agent, the file, the vendor, the ledger's verifier, what is on disk."""
    world = agent.world
    value = world.current_value("openai")
    assert value != world.planted["openai"]
    eventually(lambda: agent.holds(value), "the agent on its new key", seconds=5)
    assert sorted(path.name for path in agent.folder.iterdir()) == ["key", "pid", "restart"]
    assert agent.file.read_text() == value
    assert world.vendors.live("openai") == {world.vendors.id_of("openai", value)}
    assert [version.state for version in world.versions("openai")] == [State.RETIRED, State.CURRENT]
    assert world.unfinished() == ()
    assert command(world.environ, world.folder, "verify").code == 0
    assert leaks(world.folder, [world.planted["openai"], value]) == []


FORCED, PLANNED = ("--compromised",), ()
POINTS = [
    pytest.param(FORCED, Doing("os.rename", ".key.keysweep-new"), id="7: temporary file written, not renamed"),
    pytest.param(FORCED, Doing("subprocess.Popen", "/restart"), id="8: renamed, agent not restarted"),
    pytest.param(FORCED, None, id="9: old process stopped, new one not started"),
    pytest.param(PLANNED, None, id="9: the same, planned"),
    pytest.param(FORCED, Point("attest", "effect"), id="10: agent up, attestation not recorded"),
]


@pytest.mark.parametrize(("mode", "point"), POINTS)
def test_an_agent_with_a_file_survives_a_kill(
    mode: tuple[str, ...], point: Doing | Point | None, agent: FileAgent
) -> None:
    """What is taken up again ends as if nothing had happened."""
    world, old = agent.world, agent.pid()
    if point is None:
        (agent.folder / "deadly").touch()  # the program that restarts kills us between the two
    died = command(world.environ, world.folder, "rotate", NAMES["openai"], *mode, "--yes", trouble=point)
    assert died.code == -signal.SIGKILL, died.output
    assert agent.file.read_text() in {world.planted["openai"], *_stored(world)}
    ended = command(world.environ, world.folder, "rotate", "--resume", world.unfinished()[0].id)
    assert ended.code == 0, ended.output
    _check(agent)
    assert agent.pid() != old


def _stored(world: World) -> list[str]:
    with world.open() as opened, opened.database.read() as connection:
        return [
            opened.vault.open_version(connection, version.ref).reveal_text() for version in world.versions("openai")
        ]


def test_an_agent_that_does_not_come_back_keeps_its_old_key(agent: FileAgent) -> None:
    """Planned: the file has the old content again, to the byte, and the new key is gone at the vendor."""
    (agent.folder / "restart").write_text("#!/bin/sh\nexit 0\n")
    (agent.world.folder / "keysweep.toml").write_text(
        (agent.world.folder / "keysweep.toml").read_text() + "deadline_s = 1.5\n"
    )
    ended = command(agent.world.environ, agent.world.folder, "rotate", NAMES["openai"], "--yes")
    assert ended.code == 4, ended.output
    assert "filed (challenge)" in ended.output
    status = command(agent.world.environ, agent.world.folder, "agents", "status", "filed").output
    assert status.split("\n")[1].split()[:3] == ["filed", NAMES["openai"], "v1"]
    assert agent.file.read_text() == agent.world.planted["openai"]
    assert agent.holds(agent.world.planted["openai"])
    assert len(agent.world.vendors.live("openai")) == 1


DEADLY = [
    pytest.param('trap "kill -9 $PPID; exit" TERM', id="9: old process stopped, new one not started"),
    pytest.param(
        f'[ "${VARIABLE}" = "$(cat first 2>/dev/null || (printf %s "${VARIABLE}" | tee first))" ] || kill -9 $PPID',
        id="10: agent up, attestation not recorded",
    ),
]


@pytest.mark.parametrize("line", DEADLY)
def test_a_supervised_agent_survives_a_kill_of_its_supervisor(line: str, tmp_path: Path, vendors: Vendors) -> None:
    """The engine goes on, as nothing runs any more; the next start is on the new key."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.4})
    body = f"{line}; while :; do sleep 0.05; done"
    first = _supervise(world, "sh", "-c", body)
    try:
        rotated = command(world.environ, world.folder, "rotate", NAMES["openai"], "--compromised", "--yes")
        assert rotated.code == 0, rotated.output
        first.join(10)
        assert first.exitcode == -signal.SIGKILL
    finally:
        first.kill()
        first.join()
    second = _supervise(world, "sleep", "600")
    try:
        (pid,) = children(second.pid)
        assert environment(pid)[VARIABLE] == world.current_value("openai") != world.planted["openai"]
        assert not world.accepts("openai", world.planted["openai"])
        assert attested_numbers(world, "openai") == [2]
    finally:
        second.terminate()
        second.join(20)


def _supervise(world: World, *argv: str) -> Any:
    process = start(world.environ, world.folder, "run", "--agent", "orders", "--", *argv)
    eventually(lambda: bool(attested_numbers(world, "openai")), "the agent to be seen", seconds=10)
    return process
