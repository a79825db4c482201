"""kill -9 at each step of a rotation: recovery ends with one live key, held by the agent, and the old one dead."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode
from samples.servers.postgres import Server
from tests.fakes.agents import attested_numbers, eventually, held_value
from tests.fakes.canaries import leaks
from tests.fakes.command_line import Point, command, start
from tests.fakes.stores import AGENTS, NAMES, World, build_world
from tests.fakes.vendors import Vendors

_MOMENTS = ("intent", "effect", "outcome")
_QUICK = {"settle_s": 0.0}


def _points(kind: str, mode: Mode) -> list[Point]:
    """Every point of the rotation of one kind of credential; a step that is added is killed at, too."""
    facts = provider_catalog.get(kind).facts
    steps = plan(facts, mode, standby=True, has_admin=True).steps
    return [Point(step.value, moment) for step in steps for moment in _MOMENTS]


def _cases(kind: str, mode: Mode) -> list[object]:
    return [pytest.param(kind, point, id=f"{kind}: {point}") for point in _points(kind, mode)]


@contextmanager
def _running_agent(world: World, kind: str) -> Iterator[int]:
    """Run the credential's agent under the supervisor, and yield the supervisor's process id."""
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS[kind], "--", "sleep", "600")
    try:
        eventually(lambda: attested_numbers(world, kind) == [1], "the agent to hold the first version")
        yield supervisor.pid
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()


def _recover(world: World, kind: str, how: str) -> None:
    open_ones = world.unfinished()
    arguments = ["--resume", open_ones[0].id[:12]] if how == "resume" else [NAMES[kind], "--compromised", "--yes"]
    ended = command(world.environ, world.folder, "rotate", *arguments)
    assert ended.code == 0, ended.output


def _check(world: World, kind: str, supervisor: int) -> None:
    """Ask everyone but the engine: the provider, the kernel, the ledger's verifier, the files."""
    held = held_value(supervisor, kind)
    assert held is not None
    assert held == world.current_value(kind)
    assert held != world.planted[kind]
    assert world.accepts(kind, held)
    assert not world.accepts(kind, world.planted[kind])
    if kind != "postgresql":
        assert world.vendors.live(kind) == {world.vendors.id_of(kind, held)}
    old, new = world.versions(kind)
    assert (old.state, new.state) == (State.RETIRED, State.CURRENT)
    assert attested_numbers(world, kind) == [new.ref.number]
    assert world.unfinished() == ()
    actions = world.actions()
    assert [actions.count(once) for once in ("key.promoted", "key.revoked", "key.dead", "incident.opened")] == [1] * 4
    assert command(world.environ, world.folder, "verify").code == 0
    assert leaks(world.folder, [*world.planted.values(), held]) == []


@pytest.mark.parametrize(("kind", "point"), _cases("openai", Mode.FORCED) + _cases("anthropic", Mode.FORCED))
def test_forced_rotation_survives_a_kill(kind: str, point: Point, tmp_path: Path, vendors: Vendors) -> None:
    """Killed anywhere, a forced rotation that is taken up again ends as if nothing had happened."""
    _kill_and_recover(build_world(tmp_path / "world", vendors, kinds=(kind,), rotation=_QUICK), kind, point)


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize(("kind", "point"), _cases("postgresql", Mode.FORCED))
def test_forced_rotation_of_a_role_survives_a_kill(
    kind: str, point: Point, tmp_path: Path, vendors: Vendors, postgres: Server
) -> None:
    """The same on a real PostgreSQL server, whose roles have one password at a time."""
    world = build_world(tmp_path / "world", vendors, kinds=(kind,), postgres=postgres, rotation=_QUICK)
    _kill_and_recover(world, kind, point)


def _kill_and_recover(world: World, kind: str, point: Point) -> None:
    with _running_agent(world, kind) as supervisor:
        died = command(world.environ, world.folder, "rotate", NAMES[kind], "--compromised", "--yes", trouble=point)
        assert died.code == -9, died.output
        _recover(world, kind, "resume" if point.moment == "intent" else "again")
        _check(world, kind, supervisor)
