"""From an alarm to a rotation: who is meant, what is opened, and what an alarm about a dead key is told."""

from __future__ import annotations

import json

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.incident.policy import Reason, Response
from keysweep.rotation.incident.respond import Answer, respond, suspicion_of
from keysweep.rotation.incident.triggers.generic import TRIGGER
from keysweep.scanner.known import MatchKind
from tests.fakes.stores import NAMES, World


def _event(**body: str) -> bytes:
    return json.dumps({"id": "evt_1", **body}).encode()


def _respond(world: World, body: bytes, *, confirmed: bool = False) -> Answer:
    with world.open() as opened:
        return respond(opened, suspicion_of(opened, TRIGGER.parse(body)), reason="test", confirmed=confirmed)


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
        pytest.param({"fingerprint": "sha256:" + "0" * 64}, id="a fingerprint of another kind"),
        pytest.param({"credential": "no-such"}, id="a name that is not stored"),
    ],
)
def test_an_event_about_a_stranger_changes_nothing(body: dict[str, str], world: World) -> None:
    """It is an error that says so, without repeating the key."""
    with pytest.raises(UsageError) as refused:
        _respond(world, _event(**body))
    assert "nobody's key" not in f"{refused.value} {refused.value.hint}"
    assert "incident.opened" not in world.actions()


def test_the_same_event_again_is_answered_from_history(world: World) -> None:
    """The replayed event finds a dead key: one incident, one rotation, one minted key."""
    body = _event(key=world.planted["openai"])
    _respond(world, body)
    again = _respond(world, body)
    assert (again.decision.response, again.report) == (Response.NOTHING, None)
    assert world.actions().count("incident.opened") == 1
    assert world.vendors.minted("openai") == 1
