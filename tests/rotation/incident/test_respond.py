"""From an alarm to a rotation: who is meant, what is opened, and what an alarm about a dead key is told."""

from __future__ import annotations

import json

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.incident.inbox import take_in
from keysweep.rotation.incident.policy import Reason, Response
from keysweep.rotation.incident.respond import Answer, respond
from keysweep.scanner.known import MatchKind
from tests.fakes.stores import NAMES, World


def _event(**body: str) -> bytes:
    return json.dumps({"id": "evt_1", **body}).encode()


def _respond(world: World, body: bytes, *, confirmed: bool = False) -> Answer:
    with world.open() as opened:
        (suspicion,) = take_in(opened, body, {}).suspects
        return respond(opened, suspicion, reason="test", confirmed=confirmed)


@pytest.mark.parametrize("form", ["key", "fingerprint"])
def test_an_event_that_holds_the_key_is_acted_on(form: str, world: World) -> None:
    """The value, or its full keyed fingerprint, proves possession: the key is rotated and the incident closed."""
    value = world.planted["openai"] if form == "key" else str(world.versions("openai")[0].fingerprint)
    answer = _respond(world, _event(**{form: value}))
    assert answer.report is not None
    assert answer.report.outcome is Outcome.DONE
    assert not world.vendors.accepts("openai", world.planted["openai"])
    actions = world.actions()
    assert actions.index("incident.opened") < actions.index("key.dead") < actions.index("incident.closed")


def test_an_event_that_only_names_a_credential_asks_a_person(world: World) -> None:
    """Anyone can write down a name: nothing is called, nothing is opened."""
    answer = _respond(world, _event(credential=NAMES["openai"]))
    assert (answer.decision.response, answer.decision.reason) == (Response.ASK, Reason.INEXACT_MATCH)
    assert answer.suspicion.match is MatchKind.KEY_ID
    assert world.vendors.live("openai") == {world.ids["openai"]}
    assert "incident.opened" not in world.actions()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"key": "nobody's key"}, id="a stranger's key"),
        pytest.param({"fingerprint": "kf:" + "0" * 64}, id="a fingerprint of nothing"),
        pytest.param({"credential": "no-such"}, id="a name that is not stored"),
    ],
)
def test_an_event_about_a_stranger_is_counted_and_changes_nothing(body: dict[str, str], world: World) -> None:
    """There is nobody to suspect, and the key is repeated nowhere."""
    with world.open() as opened:
        received = take_in(opened, _event(**body), {})
    assert (received.suspects, received.strangers) == ((), 1)
    assert "nobody's key" not in repr(received)
    assert "incident.opened" not in world.actions()


def test_a_fingerprint_of_another_kind_is_no_event(world: World) -> None:
    """Only our own keyed fingerprints say anything: an unkeyed hash could be of anybody's guess."""
    with world.open() as opened, pytest.raises(UsageError):
        take_in(opened, _event(fingerprint="sha256:" + "0" * 64), {})


def test_the_same_event_again_is_answered_from_history(world: World) -> None:
    """The replayed event finds a dead key: one incident, one rotation, one minted key."""
    body = _event(key=world.planted["openai"])
    _respond(world, body)
    again = _respond(world, body)
    assert (again.decision.response, again.report) == (Response.NOTHING, None)
    assert world.actions().count("incident.opened") == 1
    assert world.vendors.minted("openai") == 1
