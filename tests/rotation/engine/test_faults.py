"""What a rotation makes of a provider that answers wrongly, late or not at all: the real engine on the simulated vendors."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.rotation.credential import State
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.lease import TERM, FencedError, acquire, release
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import resume, rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Phase, Step
from keysweep.rotation.vault.unlock import OpenVault
from samples.simulators import Call
from tests.fakes.stores import NAMES, World


def _rotate(opened: OpenVault, kind: str, mode: Mode = Mode.FORCED, number: int | None = None) -> Report:
    return rotate(opened, Request(credential=NAMES[kind], mode=mode, reason="test", number=number))


def _run(world: World, kind: str, mode: Mode = Mode.FORCED, number: int | None = None) -> Report:
    with world.open() as opened:
        return _rotate(opened, kind, mode, number)


def _states(world: World, kind: str) -> list[State]:
    return [version.state for version in world.versions(kind)]


def _clean(world: World, kind: str) -> bool:
    """Whether the vendor has exactly the current key switched on."""
    return world.vendors.live(kind) == {world.vendors.id_of(kind, world.current_value(kind))}


@pytest.mark.parametrize(
    ("fault", "count", "minted"),
    [
        pytest.param(
            "lose-answer", 1, 2, id="the answer is lost after the key was made: it is swept, another one minted"
        ),
        pytest.param("fail-after", 1, 2, id="500 after the key was made: the same"),
        pytest.param("lose-answer", 2, 3, id="lost twice: both are swept"),
        pytest.param("busy", 3, 1, id="throttled: nothing was made, so one is minted in the end"),
    ],
)
@pytest.mark.parametrize("mode", list(Mode))
def test_a_mint_that_goes_wrong_leaves_one_key(fault: str, count: int, minted: int, mode: Mode, world: World) -> None:
    """However often minting fails on the way, one new key is alive at the end and no orphan."""
    world.vendors.fault("openai", fault, path="/service_accounts/", count=count, seconds=0)
    assert _run(world, "openai", mode).outcome is Outcome.DONE
    assert _clean(world, "openai")
    assert world.vendors.minted("openai") == minted
    assert _states(world, "openai") == [State.RETIRED, State.CURRENT]


@pytest.mark.parametrize(
    ("mode", "outcome", "old_lives"),
    [
        pytest.param(Mode.PLANNED, Outcome.ROLLED_BACK, True, id="planned: the old key goes on"),
        pytest.param(Mode.FORCED, Outcome.HALF_WAY, False, id="forced: the old key dies all the same"),
    ],
)
@pytest.mark.parametrize(
    ("fault", "path"),
    [
        pytest.param("busy", "/service_accounts/", id="a storm of 429"),
        pytest.param("fail-after", "/service_accounts/", id="500 after each mint"),
        pytest.param("garbage", "/service_accounts/", id="an answer that nobody can read"),
    ],
)
def test_no_new_key_in_time(fault: str, path: str, mode: Mode, outcome: Outcome, old_lives: bool, world: World) -> None:
    """Without a new key a planned rotation changes nothing; a forced one still ends the compromised key."""
    world.vendors.fault("openai", fault, path=path, count=1000, seconds=1)
    assert _run(world, "openai", mode).outcome is outcome
    assert world.vendors.accepts("openai", world.planted["openai"]) is old_lives
    if fault != "fail-after":  # what that one made is swept by the next attempt
        assert world.vendors.live("openai") == ({world.ids["openai"]} if old_lives else set())
    assert bool(world.unfinished()) is (mode is Mode.FORCED)


def test_a_forced_rotation_that_minted_nothing_goes_on_later(world: World) -> None:
    """Once the vendor answers again `--resume` brings the new key; the old one is not revoked a second time."""
    world.vendors.fault("openai", "busy", path="/service_accounts/", count=1000, seconds=1)
    _run(world, "openai")
    world.vendors.heal()
    with world.open() as opened:
        assert resume(opened, world.unfinished()[0].id).outcome is Outcome.DONE
    assert _clean(world, "openai")
    assert world.actions().count("key.revoked") == 1


def test_a_new_key_that_is_not_accepted_is_not_promoted(world: World) -> None:
    """While the vendor answers 500 to the new key nothing is known of it: a planned rotation takes it back."""
    world.vendors.fault("openai", "status", method="GET", path="/v1/models", status=500, count=1000)
    assert _run(world, "openai", Mode.PLANNED).outcome is Outcome.ROLLED_BACK
    assert world.vendors.live("openai") == {world.ids["openai"]}
    assert _states(world, "openai") == [State.CURRENT, State.DISCARDED]


def test_a_standby_that_is_not_accepted_goes_back_to_the_shelf(world: World) -> None:
    """A planned rotation that fails switches the standby off again and keeps it for the next time."""
    world.vendors.fault("anthropic", "status", method="GET", path="/v1/models", status=529, count=1000)
    assert _run(world, "anthropic", Mode.PLANNED).outcome is Outcome.ROLLED_BACK
    assert world.vendors.live("anthropic") == {world.ids["anthropic"]}
    assert _states(world, "anthropic") == [State.CURRENT, State.STANDBY]


def test_a_key_that_is_gone_already_is_a_success(world: World) -> None:
    """404 to the revocation means that somebody else was faster; the probe confirms it."""
    for key in world.vendors.keys("openai"):
        key.status = "deleted"
    assert _run(world, "openai").outcome is Outcome.DONE
    assert _states(world, "openai") == [State.RETIRED, State.CURRENT]


@pytest.mark.parametrize(
    ("fault", "more"),
    [
        pytest.param("ignore", {}, id="200, and nothing happened"),
        pytest.param("status", {"status": 404}, id="404, but the key lives"),
    ],
)
def test_a_revoked_key_that_still_works_is_not_called_dead(fault: str, more: dict[str, int], world: World) -> None:
    """The answer to a revocation proves nothing: the probe does.  Going on later revokes again."""
    world.vendors.fault("openai", fault, method="DELETE", count=1000, **more)
    assert _run(world, "openai").outcome is Outcome.HALF_WAY
    assert _states(world, "openai") == [State.RETIRING, State.CURRENT]
    assert "key.dead" not in world.actions()
    world.vendors.heal()
    with world.open() as opened:
        assert resume(opened, world.unfinished()[0].id).outcome is Outcome.DONE
    assert _clean(world, "openai")


def test_a_revocation_that_answers_500_but_worked_is_decided_by_the_probe(world: World) -> None:
    """Revoking is repeated, finds the key gone, and is recorded once."""
    world.vendors.fault("openai", "fail-after", method="DELETE")
    assert _run(world, "openai").outcome is Outcome.DONE
    assert world.actions().count("key.revoked") == 1


@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_a_slow_revocation_is_waited_for(kind: str, world: World) -> None:
    """A key that the vendor goes on accepting for a while is dead only since it was first refused."""
    world.vendors.propagation(kind, 1.2)
    assert _run(world, kind).outcome is Outcome.DONE
    key = next(key for key in world.vendors.keys(kind) if key.id == world.ids[kind])
    dead_at = world.versions(kind)[0].dead_at
    assert dead_at is not None
    assert key.ended_at is not None
    assert dead_at.timestamp() >= key.ended_at + 1.2


def test_a_revocation_slower_than_the_time_is_contained_not_dead(world: World) -> None:
    """The rotation ends half way, the agents are on the new key, and the old one is not said to be dead."""
    world.vendors.propagation("openai", 600)
    report = _run(world, "openai")
    assert report.outcome is Outcome.HALF_WAY
    assert "not proven dead" in str(report.failure)
    assert _states(world, "openai") == [State.RETIRING, State.CURRENT]


def test_an_intent_row_is_committed_before_each_call(world: World) -> None:
    """Whoever looks at the store while the vendor is being called finds the intent, and no outcome behind it."""
    seen: list[tuple[str, Step, Phase]] = []

    def look(call: Call) -> None:
        newest = world.events(world.unfinished()[0].id)[-1]
        seen.append((call.method, newest.step, newest.phase))

    world.vendors.watch(look)
    assert _run(world, "openai").outcome is Outcome.DONE
    assert {phase for _, _, phase in seen} == {Phase.INTENT}
    assert [step for method, step, _ in seen if method != "GET"] == [Step.MINT, Step.REVOKE]


def test_a_journal_has_one_good_outcome_a_step(world: World) -> None:
    """Each planned step is done once, in the planned order, and each attempt has an intent before its outcome."""
    report = _run(world, "openai")
    assert report.rotation is not None
    rows = [(event.step, event.phase) for event in report.events]
    expected = [(step, phase) for step in report.rotation.steps for phase in (Phase.INTENT, Phase.OUTCOME)]
    assert expected == rows


@pytest.mark.parametrize("other", [False, True], ids=["alone", "the new worker has minted a key of its own by then"])
def test_a_worker_that_lost_its_lease_ends_only_its_own_key(other: bool, world: World) -> None:
    """Paused in the middle of minting past its lease, it writes nothing, and takes back the one key that it made."""
    kept: set[str] = set()

    def take_over(call: Call) -> None:
        if call.method != "POST" or kept:
            return
        with world.open() as second, second.database.write() as connection:
            credential = world.credential("openai").id
            lease = acquire(connection, credential, lambda: system_clock() + TERM + timedelta(seconds=1))
            release(connection, lease)
        kept.add(world.ids["openai"])
        if other:
            kept.add(world.vendors.seed("openai", f"{world.unfinished()[0].tag}-2").id)

    world.vendors.watch(take_over)
    with pytest.raises(FencedError):
        _run(world, "openai")
    assert world.vendors.live("openai") == kept
    assert _states(world, "openai") == [State.CURRENT]
    assert _run(world, "openai").outcome is Outcome.DONE
    assert _clean(world, "openai")


def test_a_forced_request_takes_an_interrupted_planned_rotation_over(world: World) -> None:
    """It goes on as a forced one: what fails from then on never leads back to the compromised key."""
    with world.open() as opened:
        with pytest.raises(KeyboardInterrupt):
            rotate(
                opened,
                Request(credential=NAMES["anthropic"], mode=Mode.PLANNED, reason="due"),
                timer=Timer(sleep=_interrupted),
            )
        report = _rotate(opened, "anthropic", number=1)
    assert report.outcome is Outcome.DONE
    assert report.rotation is not None
    assert report.rotation.mode is Mode.FORCED
    assert world.actions().count("rotation.started") == 1
    assert "rotation.escalated" in world.actions()
    assert _clean(world, "anthropic")


def _interrupted(_seconds: float) -> None:
    raise KeyboardInterrupt


def test_a_leak_of_the_new_key_is_not_answered_by_the_rotation_that_brought_it(world: World) -> None:
    """While the first rotation waits for its old key to die the new one leaks: that one is rotated as well."""
    world.vendors.propagation("openai", 600)
    assert _run(world, "openai", number=1).outcome is Outcome.HALF_WAY
    world.vendors.propagation("openai", 0)
    leaked = world.current_value("openai")
    report = _run(world, "openai", number=2)
    assert report.outcome is Outcome.DONE
    assert not world.vendors.accepts("openai", leaked)
    with world.open() as opened:
        assert resume(opened, world.unfinished()[0].id).outcome is Outcome.DONE
    assert _states(world, "openai") == [State.RETIRED, State.RETIRED, State.CURRENT]
    assert _clean(world, "openai")


def test_a_dead_key_is_answered_from_history(world: World) -> None:
    """A late alarm about a key that is proven dead starts nothing."""
    _run(world, "openai", number=1)
    again = _run(world, "openai", number=1)
    assert again.rotation is None
    assert again.note.startswith("dead since ")
    assert world.vendors.minted("openai") == 1
