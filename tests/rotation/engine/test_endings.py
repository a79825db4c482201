"""How the old key goes when things do not go well: refused administrators, unreadable answers, long windows, the cap of a day."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from keysweep.foundation.clock import Clock, system_clock
from keysweep.rotation.credential import State
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import resume, rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Phase, Result, Step
from samples.simulators import Call
from tests.fakes import classes
from tests.fakes.stores import NAMES, World, build_world
from tests.fakes.vendors import Vendors

_SHORT = {"deadline_s": 2.0, "revoke_after_s": 1.0, "settle_s": 0.0}
_DAY = timedelta(hours=24)


@pytest.fixture(autouse=True)
def _classes() -> Iterator[None]:
    with classes.found():
        yield


def _world(tmp_path: Path, vendors: Vendors, kind: str) -> World:
    return build_world(tmp_path / "world", vendors, kinds=(kind,), rotation=_SHORT)


def _forced(world: World, kind: str, *, clock: Clock = system_clock, mode: Mode = Mode.FORCED) -> Report:
    with world.open(clock) as opened:
        return rotate(opened, Request(credential=NAMES[kind], mode=mode, reason="test"))


def _resumed(world: World, *, clock: Clock = system_clock) -> Report:
    with world.open(clock) as opened:
        return resume(opened, world.unfinished()[0].id)


def _sealed_cells(world: World) -> int:
    with world.open() as opened, opened.database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM cell WHERE sealed IS NOT NULL")).scalar() or 0)


def _later(by: timedelta) -> Clock:
    return lambda: system_clock() + by


@pytest.mark.parametrize(
    ("after", "outcome", "cells"),
    [
        pytest.param(
            _DAY - timedelta(minutes=1), Outcome.HALF_WAY, 1, id="within a day it is kept: it may still be proven"
        ),
        pytest.param(
            _DAY + timedelta(minutes=1), Outcome.CONTAINED, 0, id="after a day it is destroyed, proven or not"
        ),
    ],
)
def test_a_copy_of_an_old_value_lives_for_a_day(
    after: timedelta, outcome: Outcome, cells: int, tmp_path: Path, vendors: Vendors
) -> None:
    """The key is still accepted long after it was revoked: what would prove it dead is not kept for ever."""
    world = _world(tmp_path, vendors, "openai")
    vendors.propagation("openai", 1e6)
    assert _forced(world, "openai").outcome is Outcome.HALF_WAY
    report = _resumed(world, clock=_later(after))
    assert report.outcome is outcome
    assert "contained, not proven dead" in str(report.failure)
    assert _sealed_cells(world) == cells
    assert ("key.shredded" in world.actions()) is (cells == 0)
    assert "key.dead" not in world.actions()
    assert [version.state for version in world.versions("openai")] == [State.RETIRING, State.CURRENT]


def test_another_rotation_of_anything_destroys_what_is_too_old(tmp_path: Path, vendors: Vendors) -> None:
    """Nobody takes the stuck rotation up: the next one of any credential sees to the cap."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai", "fake_mint"), rotation=_SHORT)
    vendors.propagation("openai", 1e6)
    assert _forced(world, "openai").outcome is Outcome.HALF_WAY
    assert _forced(world, "fake_mint", clock=_later(_DAY * 2)).outcome is Outcome.DONE
    assert _sealed_cells(world) == 0


def test_a_compromised_key_ends_itself_when_its_administrator_is_refused(tmp_path: Path, vendors: Vendors) -> None:
    """The administering key loses its rights after the new key was made: the leaked one is used once more, against itself."""
    world = _world(tmp_path, vendors, "fake_self")

    def refuse(call: Call) -> None:
        if call.method == "POST":
            return
        if any(key.name.startswith("keysweep-") for key in vendors.keys("fake_self")):
            vendors.refuse_admins("fake_self")

    vendors.watch(refuse)
    report = _forced(world, "fake_self")
    assert report.outcome is Outcome.DONE
    revoked = next(e for e in report.events if e.step is Step.REVOKE and e.phase is Phase.OUTCOME)
    assert revoked.detail["by_itself"] is True
    assert vendors.live("fake_self") == {vendors.id_of("fake_self", world.current_value("fake_self"))}


def test_a_healthy_key_is_not_turned_against_itself(tmp_path: Path, vendors: Vendors) -> None:
    """In a planned rotation the refusal is told to a person, and the old key serves on: nobody can look for leftovers yet."""
    world = _world(tmp_path, vendors, "fake_self")
    back = vendors.refuse_admins("fake_self")
    assert _forced(world, "fake_self", mode=Mode.PLANNED).outcome is Outcome.HALF_WAY
    assert vendors.live("fake_self") == {world.ids["fake_self"]}
    back()
    assert _resumed(world).outcome is Outcome.ROLLED_BACK
    assert vendors.live("fake_self") == {world.ids["fake_self"]}


@pytest.mark.parametrize("kind", ["openai", "fake_readable", "fake_roll"])
def test_an_answer_that_nobody_can_read_is_gone_on_from(kind: str, tmp_path: Path, vendors: Vendors) -> None:
    """The vendor answers a page that is not its own: the next attempt gets a value that can be read, and leaves no other key."""
    world = _world(tmp_path, vendors, kind)
    vendors.fault(kind, "garbage", path="keys")
    assert _forced(world, kind).outcome is Outcome.HALF_WAY
    assert _resumed(world).outcome is Outcome.DONE
    assert vendors.live(kind) == {vendors.id_of(kind, world.current_value(kind))}
    assert _sealed_cells(world) == 0


@pytest.mark.parametrize("mode", list(Mode))
def test_a_key_without_a_name_is_known_by_not_having_been_there(mode: Mode, tmp_path: Path, vendors: Vendors) -> None:
    """A vendor that names no keys: what a lost answer left is ended, and a stranger's key is not."""
    world = _world(tmp_path, vendors, "fake_slots")
    stranger = {vendors.seed("fake_slots", "").id} if mode is Mode.FORCED else set()
    vendors.limit("fake_slots", 2 + len(stranger))
    vendors.fault("fake_slots", "lose-answer", path="keys")
    assert _forced(world, "fake_slots", mode=mode).outcome is Outcome.DONE
    assert vendors.live("fake_slots") == stranger | {vendors.id_of("fake_slots", world.current_value("fake_slots"))}


def test_minting_into_silence_is_bounded_and_revoking_is_not(tmp_path: Path, vendors: Vendors) -> None:
    """Every call that may leave a key behind is counted; a revocation that fails is repeated, and says more each time."""
    world = build_world(
        tmp_path / "world",
        vendors,
        kinds=("fake_mint",),
        rotation=_SHORT | {"deadline_s": 900.0, "revoke_after_s": 600.0},
    )
    vendors.fault("fake_mint", "fail-after", count=1000)
    vendors.fault("fake_mint", "status", method="DELETE", status=400, count=1000)
    waits: list[float] = []
    with world.open() as opened:
        request = Request(credential=NAMES["fake_mint"], mode=Mode.PLANNED, reason="test")
        rotate(opened, request, timer=Timer(sleep=waits.append))
    assert vendors.minted("fake_mint") <= 8
    assert len(waits) <= 8
    assert all(a / 4.1 <= b for a, b in pairwise(waits)), "the pauses do not grow"


def test_a_revocation_that_fails_says_since_when(tmp_path: Path, vendors: Vendors) -> None:
    """Taken up again and again it tells how often it was tried, and is revoked once the vendor lets it."""
    world = _world(tmp_path, vendors, "fake_mint")
    vendors.fault("fake_mint", "status", method="DELETE", status=400, count=2)
    assert _forced(world, "fake_mint").outcome is Outcome.HALF_WAY
    again = _resumed(world)
    assert "the old key is not revoked, after 2 attempts since " in str(again.failure)
    assert _resumed(world).outcome is Outcome.DONE


def test_retry_after_is_honoured(tmp_path: Path, vendors: Vendors) -> None:
    """A vendor that asks for a pause gets it, to the second."""
    world = build_world(tmp_path / "world", vendors, kinds=("fake_mint",), rotation={"settle_s": 0.0})
    vendors.fault("fake_mint", "busy", seconds=7)
    waits: list[float] = []
    with world.open() as opened:
        request = Request(credential=NAMES["fake_mint"], mode=Mode.PLANNED, reason="test")
        assert rotate(opened, request, timer=Timer(sleep=waits.append)).outcome is Outcome.DONE
    assert 7.0 in waits


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(hours=5)], ids=["back", "forward"])
def test_deadlines_stand_though_the_wall_clock_jumps(jump: timedelta, tmp_path: Path, vendors: Vendors) -> None:
    """Set back or forward in the middle of a rotation, the clock on the wall cuts nothing short and stretches nothing."""
    world = _world(tmp_path, vendors, "openai")
    jumped: list[bool] = []

    def clock() -> datetime:
        return system_clock() + (jump if jumped else timedelta(0))

    vendors.watch(lambda call: jumped.append(True) if call.method == "POST" else None)
    report = _forced(world, "openai", clock=clock)
    assert report.outcome is Outcome.DONE
    assert jumped
    assert vendors.live("openai") == {vendors.id_of("openai", world.current_value("openai"))}


def test_how_long_the_old_key_was_accepted_is_on_record(tmp_path: Path, vendors: Vendors) -> None:
    """The measured window stands in the journal and in the ledger."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    vendors.propagation("openai", 0.6)
    report = _forced(world, "openai")
    proof = next(e for e in report.events if e.step is Step.PROVE_DEAD and e.result is Result.OK)
    measured = proof.detail["accepted_ms"]
    assert isinstance(measured, int)
    assert 400 <= measured < 5000
