"""A new master key and a new key of a slot beside live work: agents that run, and rotations that were killed half way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysweep.foundation.database import tables
from tests.fakes.agents import attested_numbers, eventually, held_value
from tests.fakes.canaries import leaks
from tests.fakes.command_line import Ended, Point, command, start
from tests.fakes.stores import AGENTS, NAMES, World, build_world
from tests.fakes.vendors import Vendors

ORDERS = NAMES["openai"]


@contextmanager
def running_agent(world: World) -> Iterator[int]:
    """Run the credential's agent under the supervisor, and yield the supervisor's process id."""
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS["openai"], "--", "sleep", "600")
    try:
        eventually(lambda: attested_numbers(world, "openai") == [1], "the agent to hold the first version")
        yield supervisor.pid
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()


def run(world: World, *arguments: str) -> Ended:
    """Run a command that must succeed."""
    ended = command(world.environ, world.folder, *arguments)
    assert ended.code == 0, (arguments, ended.output)
    return ended


def new_master_key(world: World) -> None:
    """The next generation, under which everything is sealed anew."""
    run(world, "vault", "rotate-master")


def new_key_of_the_slot(world: World) -> None:
    """Another content of the key file."""
    listed = run(world, "vault", "slots", "-o", "json").output
    (slot,) = json.loads(listed[listed.index("{") :])["slots"]
    run(world, "vault", "rekey-slot", str(slot["id"]))


def both(world: World) -> None:
    """First the slot's, then the master key."""
    new_key_of_the_slot(world)
    new_master_key(world)


CHANGES = [new_master_key, new_key_of_the_slot, both]


def cells(world: World) -> int:
    """How many cells hold a value."""
    with world.open() as opened, opened.database.read() as connection:
        return len(connection.execute(tables.cell.select().where(tables.cell.c.sealed.is_not(None))).all())


def check(world: World, supervisor: int) -> None:
    """The agent holds the newest value, which its provider accepts; the planted one is dead; the store is whole."""
    held = held_value(supervisor, "openai")
    assert held is not None
    assert held == world.current_value("openai") != world.planted["openai"]
    assert world.accepts("openai", held)
    assert not world.accepts("openai", world.planted["openai"])
    assert world.unfinished() == ()
    assert cells(world) == 0
    run(world, "verify")
    assert leaks(world.folder, [*world.planted.values(), held]) == []


@pytest.mark.parametrize("change", CHANGES)
def test_a_running_agent_gets_its_next_key_from_the_new_hierarchy(world: World, change) -> None:
    """Its supervisor opened the store with the former keys and goes on: it resolves again without a restart."""
    with running_agent(world) as supervisor:
        change(world)
        run(world, "rotate", ORDERS, "--yes")
        assert attested_numbers(world, "openai") == [2]
        check(world, supervisor)


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(Point("mint", "effect"), id="the new key is made, nobody has read the answer"),
        pytest.param(Point("promote", "outcome"), id="the new key serves, the old one lives"),
        pytest.param(Point("revoke", "effect"), id="the old key is revoked, and that is not written down"),
        pytest.param(Point("prove-dead", "intent"), id="the old key is not proven dead"),
    ],
)
def test_a_rotation_that_was_killed_ends_under_new_keys(tmp_path: Path, vendors: Vendors, point: Point) -> None:
    """What it kept in a cell of the journal moves along, and the rotation is taken up where it stopped."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    with running_agent(world) as supervisor:
        died = command(world.environ, world.folder, "rotate", ORDERS, "--compromised", "--yes", trouble=point)
        assert died.code == -9, died.output
        assert cells(world) == 1, "else nothing moves"
        both(world)
        assert cells(world) == 1
        run(world, "verify")
        run(world, "rotate", "--resume", world.unfinished()[0].id[:12])
        check(world, supervisor)
