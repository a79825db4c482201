"""The daemon beside what changes the store: rotations of agents that ask it, a new master key, and which users an agent has."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keysweep import commands
from keysweep.rotation.daemon import client
from keysweep.rotation.engine.report import Timer
from keysweep.rotation.engine.steps import Outcome
from samples.agents.openclaw_gateway import Gateway
from tests.fakes.daemons import House, daemon
from tests.fakes.fixtures import vendors, world
from tests.fakes.places import PLACE, VARIABLE, place
from tests.fakes.program import keysweep
from tests.fakes.stores import World
from tests.rotation.agents.test_openclaw import TOKEN, free_port, listening

__all__ = ["vendors", "world"]


@dataclass(frozen=True)
class Served:
    """A world whose keys a daemon gives out."""

    world: World
    home: House

    @property
    def environ(self) -> dict[str, str]:
        """What an agent needs in its environment: where the daemon is, and nothing of the store."""
        return {"KEYSWEEP_SOCKET": str(self.home.socket)}

    def given(self) -> str:
        """Ask the daemon as the agent does."""
        (answer,) = client.resolve(self.home.socket, PLACE, (VARIABLE,), "helper")
        assert answer.secret is not None
        return answer.secret.reveal_text()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    """A daemon on the store of a world."""
    with tempfile.TemporaryDirectory(prefix="ks-", dir="/tmp") as folder:
        home = House(Path(folder), world.settings)
        with daemon(home, environ=world.environ):
            yield Served(world, home)


def test_a_gateway_that_asks_the_daemon_is_put_on_the_new_key(served: Served) -> None:
    """OpenClaw's gateway reloads, asks the daemon, and what it took there is what the rotation believes."""
    world, port = served.world, free_port()
    found = place(world, "openclaw", {"url": f"ws://127.0.0.1:{port}", "admin": "place-admin"}, admin=TOKEN)
    gateway = Gateway(TOKEN, found.resolver, VARIABLE, world.vendors.url, {"PATH": "/usr/bin:/bin", **served.environ})
    with listening(gateway, port):
        assert (gateway.value, gateway.turn()) == (world.planted["openai"], 200)
        report = found.rotate(forced=True)
        assert report.outcome is Outcome.DONE, report.failure
        assert (gateway.value, gateway.turn(), gateway.reloads) == (world.current_value("openai"), 200, 1)
    attested = [event.detail for event in report.events if event.step == "attest"][-1]
    assert attested[f"agent.{PLACE}"] == "openclaw-reload"
    assert not world.accepts("openai", world.planted["openai"])


def test_a_session_that_asks_the_daemon_while_a_rotation_goes_on_is_seen_with_the_new_key(served: Served) -> None:
    """It gets the version that is about to be promoted; a new master key changes nothing for whoever asks."""
    world = served.world
    found = place(world, "claude_code", {"ttl_s": "60"})
    assert served.given() == world.planted["openai"]
    assert keysweep("vault", "rotate-master", environ=world.environ).returncode == 0
    assert served.given() == world.planted["openai"]
    handed: list[str] = []

    def sleep(_seconds: float) -> None:
        if not handed:
            handed.append(served.given())

    report = found.rotate(timer=Timer(sleep=sleep))
    assert report.outcome is Outcome.DONE, report.failure
    assert handed == [world.current_value("openai")] == [served.given()]


def test_users_are_stated_by_agent(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When it is added or later; the ledger says so, and what is no user is refused."""

    def run(*arguments: str) -> tuple[int, str]:
        code = commands.execute(["agents", *arguments])
        return code, capsys.readouterr().out.strip()

    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    assert run("add", "fresh", "--set", "users=svc-orders, 1001,svc-orders") == (0, "")
    assert run("users", "fresh") == (0, "svc-orders,1001")
    assert run("users", "fresh", "--users", "root") == (0, "")
    assert run("users", "fresh") == (0, "root")
    assert run("users", "fresh", "--users", "") == (0, "")
    assert run("users", "fresh") == (0, "")
    assert [run("users", "fresh", "--users", wrong)[0] for wrong in ("a b", "-1", "../x", "a,*")] == [2] * 4
    assert run("add", "other", "--set", "users=")[0] == 2
    assert run("users", "nobody", "--users", "root")[0] == 2
    assert world.actions().count("agent.users") == 2


def test_a_helper_that_asks_the_daemon_imports_little(served: Served) -> None:
    """Neither click nor what opens a store: an agent starts it for each question."""
    place(served.world, "process")
    done = keysweep("resolve", VARIABLE, "--agent", PLACE, environ=served.environ, python=("-X", "importtime"))
    assert done.stdout == served.world.planted["openai"]
    found = {m[1] for m in re.finditer(r"^import time:.*\|\s+([A-Za-z_]\w*)", done.stderr, re.MULTILINE)}
    assert {"keysweep", "socket"} <= found
    assert found & {"click", "sqlalchemy", "cryptography", "dataclasses", "inspect", "logging", "asyncio"} == set()
