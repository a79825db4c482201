"""kill -9 in the middle of a rotation: recovery ends with one live key, held by the agent, and the old one dead.

A fixed sample: every crash point, every kind of adapter and both modes, each some of the times.  `make crash-all` plays every
combination, `make crash` as many at random as it is told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.plan import plan
from keysweep.rotation.engine.steps import Mode
from keysweep.rotation.providers import Kind
from tests.crash.cases import FORCED_ONLY, KINDS, POINTS, Case, broken, cases, random_case
from tests.crash.promises import check, order, recover, running_agent
from tests.fakes import classes
from tests.fakes.command_line import Point, command
from tests.fakes.sites import SERVED, Servers
from tests.fakes.stores import build_world
from tests.fakes.vendors import Vendors

_MOMENTS = ("intent", "effect", "outcome")
_QUICK = {"settle_s": 0.0}
_STRIDE = 5
"""Kinds are taken in steps that have no divisor in common with their number."""


@pytest.fixture(autouse=True)
def made_up_vendors() -> Iterator[None]:
    """One for each class, for the length of a test."""
    with classes.found():
        yield


def _sample() -> list[Case]:
    """Every point once, the kind and the mode of it changing from one to the next."""
    return [
        Case(
            KINDS[number * _STRIDE % len(KINDS)],
            Mode.FORCED if number % 2 or point in FORCED_ONLY else Mode.PLANNED,
            point,
            number,
        )
        for number, point in enumerate(POINTS)
    ]


def _param(case: Case) -> object:
    """Keep the cases of one server in one process."""
    marks = [pytest.mark.xdist_group(case.kind)] if case.kind in SERVED else []
    return pytest.param(case, id=str(case), marks=marks)


@pytest.mark.parametrize("case", [_param(case) for case in _sample()])
def test_a_rotation_survives_a_crash(case: Case, servers_for: Callable[[str], Servers]) -> None:
    """Whatever dies wherever, a rotation that is taken up again ends as if nothing had happened."""
    assert broken(servers_for(case.kind), case) == ""


def test_the_sample_and_the_whole_leave_nothing_out() -> None:
    """Every kind of adapter is crashed at every point in both modes, and the sample has each kind and each point."""
    assert {case.point for case in cases()} == set(range(1, 26))
    assert len(set(cases())) == len(KINDS) * (len(POINTS) * len(Mode) - len(FORCED_ONLY))
    assert {case.kind for case in _sample()} == set(KINDS)
    assert {provider_catalog.get(kind).facts.kind for kind in KINDS} == set(Kind)
    assert random_case(7) == random_case(7)


def _steps() -> list[object]:
    """Each step of the rotation of an OpenAI key, and a moment of it; a step that is added is killed at, too."""
    steps = plan(provider_catalog.get("openai").facts, Mode.FORCED, standby=True, has_admin=True).steps
    points = [Point(step.value, _MOMENTS[number % len(_MOMENTS)]) for number, step in enumerate(steps)]
    return [pytest.param(point, id=str(point)) for point in points]


@pytest.mark.parametrize("point", _steps())
def test_a_forced_rotation_survives_a_kill_at_every_step(point: Point, tmp_path: Path, vendors: Vendors) -> None:
    """No step that a rotation has is left out, whatever its name."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=_QUICK)
    with running_agent(world, "openai") as supervisor:
        died = command(world.environ, world.folder, *order("openai", forced=True), trouble=point)
        assert died.code == -9, died.output
        recover(world, "openai", forced=True, resume=point.moment == "intent")
        check(world, "openai", supervisor)
