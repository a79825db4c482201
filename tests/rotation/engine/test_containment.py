"""Compromised keys that get no successor at once: a key that leaks again and again, one that nobody can make anew, other policies."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.engine.begin import Request, preview
from keysweep.rotation.engine.breaker import StillLeakingError, is_open
from keysweep.rotation.engine.plan import NotPossibleError
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.rotate import resume, rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Policy, Step
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.inventory import replace_value
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from samples.simulators import Call
from tests.fakes.stores import NAMES, World
from tests.rotation.engine.earlier import leaked_thrice

_NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param((), False, id="never rotated"),
        pytest.param((1, 20), False, id="twice within the hour"),
        pytest.param((1, 20, 59), True, id="three times within the hour"),
        pytest.param((1, 20, 61), False, id="the first of three was more than an hour ago"),
        pytest.param((1, 2, 3, 4), True, id="and more"),
    ],
)
def test_the_breaker_opens_at_the_third_leak_of_an_hour(minutes: tuple[int, ...], expected: bool) -> None:
    """From then on another new key would only leak as well."""
    assert expected is is_open(_NOON, [_NOON - timedelta(minutes=ago) for ago in minutes])


def _force(opened: OpenVault, kind: str, number: int | None = None, *, override: bool = False) -> Report:
    return rotate(
        opened,
        Request(credential=NAMES[kind], mode=Mode.FORCED, reason="leaked", number=number, override_breaker=override),
    )


@pytest.fixture
def leaky(world: World) -> World:
    """A store whose OpenAI credential was rotated three times in the last half hour because it had leaked."""
    leaked_thrice(world)
    return world


def test_the_fourth_leak_of_an_hour_is_contained_and_no_key_is_made(leaky: World) -> None:
    """The leaked key is proven dead, nothing takes its place, and a person is told that the source is open."""
    with leaky.open() as opened:
        report = _force(opened, "openai", 1)
    assert report.outcome is Outcome.HALF_WAY
    assert isinstance(report.failure, StillLeakingError)
    assert report.failure.message.startswith("the old key is dead; leaked 3 times within an hour")
    assert not leaky.vendors.accepts("openai", leaky.planted["openai"])
    assert leaky.vendors.live("openai") == set()
    assert leaky.vendors.minted("openai") == 0


def test_whoever_says_that_the_source_is_closed_gets_a_new_key(leaky: World) -> None:
    """`--override-breaker` goes on with the same rotation; without it nothing changes, however often one asks."""
    with leaky.open() as opened:
        report = _force(opened, "openai", 1)
        assert report.rotation is not None
        assert resume(opened, report.rotation.id).outcome is Outcome.HALF_WAY
        assert leaky.vendors.minted("openai") == 0
        ended = resume(opened, report.rotation.id, override_breaker=True, reason="the log is closed")
    assert ended.outcome is Outcome.DONE
    assert leaky.vendors.live("openai") == {leaky.vendors.id_of("openai", leaky.current_value("openai"))}
    assert leaky.actions().count("key.dead") == 1


def test_the_breaker_can_be_overridden_at_once(leaky: World) -> None:
    """The key is made as if it had leaked for the first time."""
    with leaky.open() as opened:
        assert _force(opened, "openai", 1, override=True).outcome is Outcome.DONE


@pytest.mark.parametrize(
    ("mode", "later"),
    [
        pytest.param(Mode.FORCED, timedelta(minutes=31), id="an hour after the first of three leaks"),
        pytest.param(Mode.PLANNED, timedelta(0), id="a planned rotation is no leak"),
    ],
)
def test_the_breaker_stops_nothing_else(mode: Mode, later: timedelta, leaky: World) -> None:
    """It closes with time, and three leaks do not keep a key from being replaced on schedule."""
    with leaky.open(lambda: system_clock() + later) as opened:
        steps, policy = preview(opened, Request(credential=NAMES["openai"], mode=mode, reason=""))
    assert policy is Policy.SWAP
    assert Step.MINT in steps.steps


@pytest.fixture
def alone(world: World) -> World:
    """A store whose Anthropic credential has no standby."""
    with world.open() as opened, opened.database.write() as connection:
        store.change_version(connection, world.versions("anthropic")[1].ref, State.DISCARDED)
    return world


def test_a_leaked_key_without_a_standby_is_switched_off_at_once(alone: World) -> None:
    """No key can be made: agents fail, whoever holds the leaked one as well, and the next command is named."""
    with alone.open() as opened:
        report = _force(opened, "anthropic", 1)
    assert report.outcome is Outcome.HALF_WAY
    assert isinstance(report.failure, NotPossibleError)
    assert report.failure.message.startswith("the old key is switched off")
    assert report.failure.hint == f"keysweep keys set {NAMES['anthropic']} --standby"
    assert not alone.vendors.accepts("anthropic", alone.planted["anthropic"])
    assert alone.versions("anthropic")[0].state is State.CURRENT


def test_it_goes_on_once_a_standby_is_stored(alone: World) -> None:
    """The same alarm, or `--resume`, brings the standby then; its id is learned from what the vendor shows of the value."""
    with alone.open() as opened:
        _force(opened, "anthropic", 1)
        spare = alone.vendors.seed("anthropic", "spare", status="inactive")
        replace_value(opened, NAMES["anthropic"], Secret(spare.value), key_id=None, standby=True, actor="cli:test")
        report = _force(opened, "anthropic", 1)
    assert report.outcome is Outcome.DONE
    assert alone.vendors.live("anthropic") == {spare.id}
    assert alone.actions().count("rotation.started") == 1
    assert alone.actions().count("key.dead") == 1


def test_a_planned_rotation_without_a_standby_changes_nothing(alone: World) -> None:
    """Nobody switches a healthy key off because there is no other one."""
    with alone.open() as opened, pytest.raises(NotPossibleError):
        rotate(opened, Request(credential=NAMES["anthropic"], mode=Mode.PLANNED, reason="due"))
    assert alone.vendors.live("anthropic") == {alone.ids["anthropic"]}
    assert "rotation.started" not in alone.actions()


@pytest.mark.parametrize(("kind", "first"), [("openai", Step.REVOKE), ("anthropic", Step.CONTAIN)])
def test_revoke_first_calls_the_vendor_for_the_old_key_before_anything_else(
    kind: str, first: Step, world: World
) -> None:
    """At the vendor the leaked key is gone before the first call that makes or switches on a new one."""
    changes: list[tuple[str, str]] = []

    def seen(call: Call) -> None:
        if call.method != "GET":
            changes.append((call.method, call.path))

    world.vendors.watch(seen)
    with world.open() as opened:
        report = rotate(
            opened,
            Request(
                credential=NAMES[kind],
                mode=Mode.FORCED,
                reason="active abuse",
                number=1,
                terms=Terms(policy=Policy.REVOKE_FIRST),
            ),
        )
    assert report.outcome is Outcome.DONE
    assert report.rotation is not None
    assert report.rotation.steps[1] is first
    assert world.ids[kind] in changes[0][1]
    assert world.vendors.live(kind) == {world.vendors.id_of(kind, world.current_value(kind))}
    assert [version.state for version in world.versions(kind)] == [State.RETIRED, State.CURRENT]
