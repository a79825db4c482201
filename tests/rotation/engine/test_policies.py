"""Whole forced rotations by each policy, of keys that are rolled, set or made by hand: the order of them, and how containment goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.rotate import resume, rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Policy, Step
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.inventory import replace_value
from tests.fakes import classes
from tests.fakes.stores import NAMES, World, build_world
from tests.fakes.vendors import Vendors
from tests.rotation.engine.earlier import leaked_thrice

_SHORT = {"deadline_s": 4.0, "revoke_after_s": 2.0, "settle_s": 0.0}
_KINDS = ["fake_roll", "fake_set", "fake_manual"]


@pytest.fixture(autouse=True)
def made_up_vendors() -> Iterator[None]:
    """One for each class, for the length of a test."""
    with classes.found():
        yield


def _world(tmp_path: Path, vendors: Vendors, kind: str, *, standby: bool = True) -> World:
    return build_world(tmp_path / "world", vendors, kinds=(kind,), rotation=_SHORT, standby=standby)


def _forced(world: World, kind: str, policy: Policy = Policy.SWAP) -> Report:
    request = Request(credential=NAMES[kind], mode=Mode.FORCED, reason="leaked", number=1, terms=Terms(policy=policy))
    with world.open() as opened:
        return rotate(opened, request)


def _go_on(world: World, *, closed: bool = False) -> Report:
    with world.open() as opened:
        return resume(opened, world.unfinished()[0].id, override_breaker=closed, reason="closed" if closed else "")


def _said(report: Report) -> str:
    assert report.failure is not None
    return report.failure.message


def _one_key_is_left(world: World, kind: str) -> None:
    value = world.current_value(kind)
    assert value != world.planted[kind]
    assert world.vendors.live(kind) == {world.vendors.id_of(kind, value)}
    assert [version.state for version in world.versions(kind)] == [State.RETIRED, State.CURRENT]
    assert [world.actions().count(action) for action in ("key.dead", "key.shredded")] == [1, 1]


@pytest.mark.parametrize("kind", _KINDS)
def test_revoke_first_ends_in_one_live_key(kind: str, tmp_path: Path, vendors: Vendors) -> None:
    """Where the old key goes by the coming of the new one, or by a hand, the policy cannot be quicker, and does no harm."""
    world = _world(tmp_path, vendors, kind)
    report = _forced(world, kind, Policy.REVOKE_FIRST)
    if kind == "fake_manual":
        assert report.outcome is Outcome.HALF_WAY
        assert "the old key still works; press Delete" in _said(report)
        vendors.end(kind, world.ids[kind])
        report = _go_on(world)
    assert (report.outcome, report.failure) == (Outcome.DONE, None)
    _one_key_is_left(world, kind)


@pytest.mark.parametrize("kind", ["fake_roll", "fake_set"])
def test_a_contained_key_that_only_a_new_value_ends_is_dead_and_nobody_gets_that_value(
    kind: str, tmp_path: Path, vendors: Vendors
) -> None:
    """It leaks for the fourth time in an hour: the new value stays sealed until a person says that the source is closed."""
    world = _world(tmp_path, vendors, kind)
    leaked_thrice(world, kind)
    report = _forced(world, kind)
    assert report.outcome is Outcome.HALF_WAY
    assert _said(report).startswith("the old key is dead; leaked 3 times")
    assert not world.accepts(kind, world.planted[kind])
    assert [version.state for version in world.versions(kind)] == [State.RETIRED, State.PENDING]
    assert _go_on(world).outcome is Outcome.HALF_WAY
    assert _go_on(world, closed=True).outcome is Outcome.DONE
    _one_key_is_left(world, kind)


def test_a_key_that_only_a_person_ends_is_not_said_to_be_contained(tmp_path: Path, vendors: Vendors) -> None:
    """Without a standby nothing can be done but to say what a person does; with one, the same alarm goes on."""
    kind = "fake_manual"
    world = _world(tmp_path, vendors, kind, standby=False)
    report = _forced(world, kind)
    assert report.outcome is Outcome.HALF_WAY
    assert _said(report).startswith("the old key still works until a person ends it: press Delete")
    assert report.rotation is not None
    assert report.rotation.steps == (Step.PREPARE,)
    vendors.end(kind, world.ids[kind])
    spare = vendors.seed(kind, "spare")
    with world.open() as opened:
        replace_value(opened, NAMES[kind], Secret(spare.value), key_id=spare.id, standby=True, actor="cli:test")
    assert _forced(world, kind).outcome is Outcome.DONE
    _one_key_is_left(world, kind)


@pytest.mark.parametrize("kind", ["fake_mint", "fake_roll"])
def test_a_contained_key_goes_on_with_a_value_that_a_person_has_stored(
    kind: str, tmp_path: Path, vendors: Vendors
) -> None:
    """Whoever does not wait for the breaker and stores a new key is taken at their word, unless one is sealed already."""
    world = _world(tmp_path, vendors, kind)
    leaked_thrice(world, kind)
    _forced(world, kind)
    made = vendors.seed(kind, "by hand")
    with world.open() as opened:
        replace_value(opened, NAMES[kind], Secret(made.value), key_id=made.id, standby=False, actor="cli:test")
    report = _go_on(world)
    if kind == "fake_roll":
        assert report.outcome is Outcome.HALF_WAY
        return
    assert (report.outcome, report.failure) == (Outcome.DONE, None)
    assert world.current_value(kind) == made.value
    _one_key_is_left(world, kind)


def test_a_strangers_key_of_the_time_in_between_is_no_orphan(tmp_path: Path, vendors: Vendors) -> None:
    """At a vendor without names somebody makes a key while the leaked one is only contained; then a lost call made none."""
    kind = "fake_slots"
    world = _world(tmp_path, vendors, kind)
    vendors.limit(kind, 5)
    leaked_thrice(world, kind)
    assert _forced(world, kind).outcome is Outcome.HALF_WAY
    stranger = vendors.seed(kind, "").id
    vendors.fault(kind, "status", path="keys", status=503)
    assert _go_on(world, closed=True).outcome is Outcome.DONE
    assert vendors.live(kind) == {stranger, vendors.id_of(kind, world.current_value(kind))}
