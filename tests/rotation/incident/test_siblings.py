"""Keys beside the leaked one: those that appeared since the leak are reported, those that rotations left behind are ended."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.lease import acquire
from keysweep.rotation.engine.orphans import lineage
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.engine.sweep import Swept, sweep_all
from keysweep.rotation.incident.inbox import take_in
from keysweep.rotation.incident.respond import respond
from samples.simulators import Call
from tests.fakes.stores import NAMES, World


def _leaked(world: World) -> Report:
    with world.open() as opened:
        (suspicion,) = take_in(opened, f'{{"key": "{world.planted["openai"]}"}}'.encode(), {}).suspects
        report = respond(opened, suspicion, reason="leaked", confirmed=False).report
    assert report is not None
    assert report.outcome is Outcome.DONE
    return report


def _age(world: World, key_id: str, seconds: float) -> None:
    next(key for key in world.vendors.keys("openai") if key.id == key_id).created_at = int(time.time() - seconds)


def test_a_key_that_was_made_since_the_leak_and_is_stored_nowhere_is_reported(world: World) -> None:
    """Whoever held the leaked key may have made it: it is named in the report and in the ledger, and not touched."""
    made = world.vendors.seed("openai", "backdoor")
    _age(world, made.id, -2)
    report = _leaked(world)
    assert len(report.unknown) == 1
    assert report.unknown[0].startswith(f"{made.id}, made ")
    assert world.actions().count("key.unknown") == 1
    assert world.vendors.accepts("openai", made.value)


def test_a_key_from_before_the_leak_is_no_news(world: World) -> None:
    """Those are for `keys reconcile`; neither are the stored ones and the new one unknown."""
    _age(world, world.vendors.seed("openai", "somebody else's").id, 3600)
    assert _leaked(world).unknown == ()
    assert "key.unknown" not in world.actions()


def test_a_list_that_does_not_come_fails_no_rotation(world: World) -> None:
    """The leaked key is dead all the same; that nobody looked is said."""

    def fail_from_the_revocation_on(call: Call) -> None:
        if call.method == "DELETE":
            world.vendors.fault("openai", "status", method="GET", path="/v1/organization", status=500, count=1000)

    world.vendors.watch(fail_from_the_revocation_on)
    report = _leaked(world)
    assert report.unknown == ()
    assert report.note.startswith("unknown keys were not looked for")


def _left_behind(world: World, tag: str = "") -> str:
    """Make a key as a rotation would that was killed and forgotten."""
    return world.vendors.seed("openai", f"{tag or lineage(world.credential('openai').id)}cafe-1").id


def _sweep(world: World) -> list[Swept]:
    with world.open() as opened:
        return list(sweep_all(opened))


def test_a_key_that_a_rotation_left_behind_is_ended_and_nothing_else(world: World) -> None:
    """It bears the credential's own tag and is stored nowhere; what bears another tag, or none, is somebody's."""
    orphan = _left_behind(world)
    others = {_left_behind(world, "keysweep-00000000-"), world.vendors.seed("openai", "somebody else's").id}
    assert _sweep(world) == [Swept(credential=NAMES["openai"], ended=(orphan,))]
    assert world.vendors.live("openai") == {world.ids["openai"], *others}
    actions = world.actions()
    assert actions.index("orphan.ending") < actions.index("orphan.ended")
    assert _sweep(world) == [Swept(credential=NAMES["openai"])]


def test_a_current_key_is_kept_though_it_bears_the_tag(world: World) -> None:
    """What a rotation has brought is excluded by its id, not by its name."""
    with world.open() as opened:
        rotate(opened, Request(credential=NAMES["openai"], mode=Mode.PLANNED, reason="due"))
    assert _sweep(world) == [Swept(credential=NAMES["openai"])]
    assert world.vendors.accepts("openai", world.current_value("openai"))


def test_a_key_of_a_rotation_that_is_not_over_is_left_to_it(world: World) -> None:
    """It may be just about to be sealed."""
    world.vendors.fault("openai", "ignore", method="DELETE", count=1000)
    with world.open() as opened:
        rotate(opened, Request(credential=NAMES["openai"], mode=Mode.FORCED, reason="leaked", number=1))
    (record,) = world.unfinished()
    young = world.vendors.seed("openai", f"{record.tag}-9").id
    world.vendors.heal()
    assert _sweep(world) == [Swept(credential=NAMES["openai"])]
    assert young in world.vendors.live("openai")


def test_a_credential_that_another_worker_has_is_said_and_left_alone(world: World) -> None:
    """The sweep takes the lease as every change does."""
    orphan = _left_behind(world)
    with world.open() as opened:
        with opened.database.write() as connection:
            acquire(connection, world.credential("openai").id, lambda: system_clock() + timedelta(minutes=1))
        (swept,) = sweep_all(opened)
    assert swept.failure is not None
    assert orphan in world.vendors.live("openai")


@pytest.mark.parametrize("path", ["/v1/organization/projects"])
def test_a_provider_that_does_not_answer_is_said(path: str, world: World) -> None:
    """One that was not asked is not called clean."""
    _left_behind(world)
    world.vendors.fault("openai", "status", method="GET", path=path, status=503, count=1000)
    (swept,) = _sweep(world)
    assert swept.failure is not None
    with world.open() as opened, opened.database.read() as connection:
        assert journal.unfinished(connection) == ()
