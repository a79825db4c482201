"""Claude Code: its own question is the proof; what it may still keep is waited for, and a 401 makes it ask."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keysweep.foundation.clock import Clock, system_clock
from keysweep.rotation import agent_catalog, standing
from keysweep.rotation.agents import Holding
from keysweep.rotation.answering import Given, answer
from keysweep.rotation.engine.report import Timer
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.command_line import command
from tests.fakes.fixtures import vendors, world
from tests.fakes.places import PLACE, VARIABLE, Place, place
from tests.fakes.stores import World

__all__ = ["vendors", "world"]


def _asks(world: World) -> str:
    """Run the helper, as Claude Code does."""
    return command(world.environ, world.folder, "resolve", VARIABLE, "--agent", PLACE).output


def _ago(seconds: float) -> Clock:
    return lambda: system_clock() - timedelta(seconds=seconds)


def test_a_session_that_asked_long_ago_need_not_be_waited_for(world: World) -> None:
    """Its answer has expired: before its next call it asks, and gets the new key."""
    found = place(world, "claude_code", {"ttl_s": "60"})
    with world.open(_ago(61)) as opened:
        answer(opened, PLACE, [VARIABLE], purpose="helper")
    report = found.rotate()
    assert report.outcome is Outcome.DONE, report.failure
    assert _asks(world) == world.current_value("openai") != world.planted["openai"]


def _state(found: Place, opened: OpenVault, number: int) -> Holding:
    version = found.world.versions("openai")[number - 1]
    delivery = found.delivery(opened, version=version.ref, fingerprint=version.fingerprint)
    return agent_catalog.get("claude_code").attest(delivery).holding


def test_the_new_key_counts_once_it_was_asked_for(world: World) -> None:
    """Asked before the rotation told it to, or for another version, does not count."""
    found = place(world, "claude_code", {"ttl_s": "60"})
    agent = agent_catalog.get("claude_code")
    with world.open() as opened:
        assert _state(found, opened, 1) is Holding.NOT_RUNNING
        answer(opened, PLACE, [VARIABLE], purpose="helper")
        assert _state(found, opened, 1) is Holding.NEW
        agent.activate(found.delivery(opened))
        assert _state(found, opened, 1) is Holding.OTHER
        answer(opened, PLACE, [VARIABLE], purpose="helper")
        assert _state(found, opened, 1) is Holding.NEW


def test_while_a_rotation_goes_on_the_new_key_is_handed_out(world: World) -> None:
    """A session that asks between delivery and promotion gets the pending version, and is seen with it."""
    found = place(world, "claude_code", {"ttl_s": "60"})
    handed: list[str] = []

    with world.open() as opened:
        answer(opened, PLACE, [VARIABLE], purpose="helper")

    def sleep(_seconds: float) -> None:
        if not handed:
            with world.open() as other:
                (given,) = answer(other, PLACE, [VARIABLE], purpose="helper")
                assert isinstance(given, Given)
                handed.append(given.secret.reveal_text())

    report = found.rotate(timer=Timer(sleep=sleep))
    assert report.outcome is Outcome.DONE, report.failure
    assert handed == [world.current_value("openai")]


def test_forced_a_session_that_keeps_the_old_key_is_named_and_heals_on_its_first_refusal(world: World) -> None:
    """The old key dies at the deadline; the session's next call is refused, it asks, and goes on."""
    found = place(world, "claude_code", {"ttl_s": "60"})
    assert _asks(world) == world.planted["openai"]
    report = found.rotate(forced=True)
    assert report.outcome is Outcome.HALF_WAY
    assert report.failure is not None
    assert PLACE in report.failure.message
    assert not world.accepts("openai", world.planted["openai"])
    assert world.accepts("openai", _asks(world))


@pytest.mark.parametrize("other", ["fingerprint", "version"])
def test_another_value_does_not_count(other: str, world: World) -> None:
    """Neither another version nor another value of it."""
    found = place(world, "claude_code", {"ttl_s": "60"})
    with world.open() as opened:
        answer(opened, PLACE, [VARIABLE], purpose="helper")
        delivery = found.delivery(opened)
        with opened.database.write() as connection:
            standing.took(
                connection,
                PLACE,
                delivery.version
                if other == "fingerprint"
                else type(delivery.version)(credential_id=delivery.version.credential_id, number=7),
                opened.fingerprinter.of_bytes(b"another value") if other == "fingerprint" else delivery.fingerprint,
                system_clock(),
            )
        assert _state(found, opened, 1) is Holding.OTHER
