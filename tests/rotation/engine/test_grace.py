"""The grace of an old key, and the way back from a planned rotation: nobody waits in a process, and each refusal says how it goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.rotation.credential import State
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import abort, resume, rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Step
from keysweep.rotation.engine.terms import LONGEST_GRACE, Terms
from tests.fakes.stores import NAMES, World

_HOUR = timedelta(hours=1)


def _begin(world: World, kind: str = "openai", *, grace: timedelta = _HOUR) -> Report:
    with world.open() as opened:
        return rotate(
            opened, Request(credential=NAMES[kind], mode=Mode.PLANNED, reason="due", terms=Terms(grace=grace))
        )


def _in(hours: float) -> datetime:
    return system_clock() + timedelta(hours=hours)


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_the_old_key_lives_on_and_nobody_waits(kind: str, world: World) -> None:
    """The command ends at once; both keys work, the new one is current, and until when is said and stored."""
    report = _begin(world, kind)
    assert report.outcome is Outcome.WAITING
    assert report.failure is None
    assert report.waits_until is not None
    assert timedelta(minutes=59) < report.waits_until - system_clock() <= _HOUR
    assert world.vendors.accepts(kind, world.planted[kind])
    assert world.vendors.accepts(kind, world.current_value(kind))
    assert [version.state for version in world.versions(kind)] == [State.RETIRING, State.CURRENT]
    assert [record.outcome for record in world.unfinished()] == [Outcome.WAITING]
    assert "rotation.waiting" in world.actions()


def test_going_on_before_the_time_goes_on_waiting(world: World) -> None:
    """`--resume` on the way changes nothing; the end of the grace does."""
    report = _begin(world)
    assert report.rotation is not None
    with world.open() as opened:
        assert resume(opened, report.rotation.id).waits_until == report.waits_until
    assert world.vendors.accepts("openai", world.planted["openai"])
    with world.open(lambda: _in(1.01)) as opened:
        assert resume(opened, report.rotation.id).outcome is Outcome.DONE
    assert not world.vendors.accepts("openai", world.planted["openai"])


def test_a_grace_can_be_cut_short(world: World) -> None:
    """Whoever is sure earlier ends the old key at once."""
    report = _begin(world)
    assert report.rotation is not None
    with world.open() as opened:
        assert resume(opened, report.rotation.id, grace_left=timedelta(0)).outcome is Outcome.DONE
    assert world.vendors.live("openai") == {world.vendors.id_of("openai", world.current_value("openai"))}


def test_a_leak_ends_the_grace(world: World) -> None:
    """The old key turns out to be compromised: it does not live on, whatever was planned."""
    _begin(world)
    with world.open() as opened:
        report = rotate(opened, Request(credential=NAMES["openai"], mode=Mode.FORCED, reason="leaked", number=1))
    assert report.outcome is Outcome.DONE
    assert report.rotation is not None
    assert Step.GRACE not in report.rotation.steps
    assert not world.vendors.accepts("openai", world.planted["openai"])
    assert world.vendors.minted("openai") == 1


@pytest.mark.parametrize("grace", [LONGEST_GRACE + timedelta(seconds=1), timedelta(seconds=-1)])
def test_a_grace_is_a_day_at_the_most(grace: timedelta) -> None:
    """What proves the old key dead is not kept for longer."""
    with pytest.raises(UsageError):
        Terms(grace=grace)


def test_after_the_longest_grace_the_old_key_can_still_be_proven_dead(world: World) -> None:
    """Its copy is kept through the grace, and is gone afterwards."""
    report = _begin(world, grace=LONGEST_GRACE)
    assert report.rotation is not None
    with world.open(lambda: _in(24.1)) as opened:
        assert resume(opened, report.rotation.id).outcome is Outcome.DONE
    assert world.versions("openai")[0].dead_at is not None


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_rotation_in_its_grace_can_be_unwound(kind: str, world: World) -> None:
    """The old key is current again, the new one is gone at the provider, or back on the shelf."""
    report = _begin(world, kind)
    assert report.rotation is not None
    with world.open() as opened:
        ended = abort(opened, report.rotation.id, reason="the new key lacks a scope")
    assert ended.outcome is Outcome.ROLLED_BACK
    assert ended.failure is None
    assert world.current_value(kind) == world.planted[kind]
    assert world.vendors.live(kind) == {world.ids[kind]}
    left = State.DISCARDED if kind == "openai" else State.STANDBY
    assert [version.state for version in world.versions(kind)] == [State.CURRENT, left]
    assert world.unfinished() == ()
    assert world.actions().count("rotation.aborted") == 1
    with world.open() as opened:
        again = rotate(opened, Request(credential=NAMES[kind], mode=Mode.PLANNED, reason="due"))
    assert again.outcome is Outcome.DONE


def _interrupted(_seconds: float) -> None:
    raise KeyboardInterrupt


def test_an_interrupted_rotation_can_be_unwound(world: World) -> None:
    """Before the new key is current there is even less to undo."""
    world.vendors.fault("openai", "busy", path="/service_accounts/")
    with world.open() as opened:
        with pytest.raises(KeyboardInterrupt):
            rotate(
                opened,
                Request(credential=NAMES["openai"], mode=Mode.PLANNED, reason="due"),
                timer=Timer(sleep=_interrupted),
            )
        assert abort(opened, world.unfinished()[0].id, reason="").outcome is Outcome.ROLLED_BACK
    assert world.vendors.live("openai") == {world.ids["openai"]}


def test_there_is_no_way_back_to_a_compromised_key(world: World) -> None:
    """The refusal says why, and the command that goes on."""
    world.vendors.fault("openai", "ignore", method="DELETE", count=1000)
    with world.open() as opened:
        report = rotate(opened, Request(credential=NAMES["openai"], mode=Mode.FORCED, reason="leaked", number=1))
        assert report.rotation is not None
        with pytest.raises(UsageError, match="only goes forward: its old key is compromised") as refused:
            abort(opened, report.rotation.id, reason="")
    assert refused.value.hint == f"keysweep rotate --resume {report.rotation.id[:12]}"


def test_there_is_no_way_back_once_the_old_key_is_being_ended(world: World) -> None:
    """Nobody knows what the revocation has done that was on its way."""
    world.vendors.fault("openai", "busy", method="DELETE", count=1000)
    with world.open() as opened:
        report = rotate(opened, Request(credential=NAMES["openai"], mode=Mode.PLANNED, reason="due"))
        assert report.outcome is Outcome.HALF_WAY
        assert report.rotation is not None
        with pytest.raises(UsageError, match="being ended already"):
            abort(opened, report.rotation.id, reason="")
        world.vendors.heal()
        assert resume(opened, report.rotation.id).outcome is Outcome.DONE
        with pytest.raises(UsageError, match="has ended"):
            abort(opened, report.rotation.id, reason="")
