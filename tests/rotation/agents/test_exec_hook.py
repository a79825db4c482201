"""A program that takes the key on its standard input, and another that proves that the agent has it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.agents.exec_hook import AGENT
from tests.fakes.deliveries import VARIABLE, Delivered, script

_PROVE = """import hashlib, hmac, json, sys
asked = json.load(sys.stdin)
key = open({file!r}, "rb").read()
print(hmac.new(key, f"keysweep-challenge-v1:{{asked['nonce']}}".encode(), hashlib.sha256).hexdigest())
"""


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """An agent that is a file: one program puts the key there, another proves that it is there."""
    held = tmp_path / "held"
    command = script(
        tmp_path / "take",
        f'cat > {held}; echo "$KEYSWEEP_AGENT $KEYSWEEP_VARIABLE v$KEYSWEEP_VERSION $*" > {tmp_path}/told',
    )
    (tmp_path / "prove.py").write_text(_PROVE.format(file=str(held)))
    prove = script(tmp_path / "prove", f"exec {sys.executable} -S -E {tmp_path}/prove.py")
    return {"command": f"{command} --quietly", "prove": prove}


def test_the_value_arrives_on_standard_input_only(settings: dict[str, str], tmp_path: Path) -> None:
    """The program is told in its environment what it is about; the whole value, and nothing behind it, comes by the pipe."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(settings))
    assert (tmp_path / "held").read_text() == delivered.value
    assert (tmp_path / "told").read_text() == f"search {VARIABLE} v2 --quietly\n"


def test_a_program_that_ended_well_is_not_an_agent_that_holds_the_key(settings: dict[str, str], tmp_path: Path) -> None:
    """It must prove it: by a keyed hash of a nonce that is new each time."""
    delivered = Delivered()
    (tmp_path / "held").write_text("an old key")
    assert AGENT.attest(delivered.to(settings)).holding is Holding.OTHER
    AGENT.deliver(delivered.to(settings))
    seen = AGENT.attest(delivered.to(settings))
    assert (seen.holding, seen.method) == (Holding.NEW, "challenge")


def test_a_proof_is_good_once(settings: dict[str, str], tmp_path: Path) -> None:
    """One that was recorded is worth nothing for the next question."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(settings))
    recording = script(tmp_path / "recording", f"{settings['prove']} | tee {tmp_path}/old")
    assert AGENT.attest(delivered.to({**settings, "prove": recording})).holding is Holding.NEW
    replaying = script(tmp_path / "replaying", f"cat {tmp_path}/old")
    assert AGENT.attest(delivered.to({**settings, "prove": replaying})).holding is Holding.OTHER


def test_something_that_is_no_proof_opens_no_value(settings: dict[str, str], tmp_path: Path) -> None:
    """What is not there is not compared."""
    delivered = Delivered()
    chatting = script(tmp_path / "chatting", "echo yes")
    seen = AGENT.attest(delivered.to({**settings, "prove": chatting}))
    assert (seen.holding, delivered.opened) == (Holding.OTHER, [])


def test_an_agent_that_cannot_answer_yet_is_asked_again(settings: dict[str, str], tmp_path: Path) -> None:
    """A program that fails while the agent is on its way up ends no rotation."""
    down = script(tmp_path / "down", "exit 1")
    assert AGENT.attest(Delivered().to({**settings, "prove": down})).holding is Holding.OTHER


def test_its_failure_is_ours_and_shows_nothing_that_it_said(settings: dict[str, str], tmp_path: Path) -> None:
    """The exit code, not the output."""
    delivered = Delivered()
    failing = script(tmp_path / "failing", "cat; cat >&2; exit 7")
    with pytest.raises(AgentError) as failed:
        AGENT.deliver(delivered.to({**settings, "command": failing}))
    assert "7" in failed.value.message
    assert delivered.value not in f"{failed.value.message} {failed.value.hint} {failed.value.__cause__}"


def test_a_program_that_does_not_read_is_no_trouble(settings: dict[str, str], tmp_path: Path) -> None:
    """It ended well; that it holds nothing is found out by asking."""
    delivered = Delivered()
    AGENT.deliver(delivered.to({**settings, "command": script(tmp_path / "idle", "exit 0")}))
    (tmp_path / "held").write_text("an old key")
    assert AGENT.attest(delivered.to(settings)).holding is Holding.OTHER


def test_the_agent_is_restarted_only_while_it_has_another_key(settings: dict[str, str], tmp_path: Path) -> None:
    """Asking again restarts nobody."""
    delivered = Delivered()
    counting = {**settings, "restart": script(tmp_path / "restart", f"echo . >> {tmp_path}/restarts")}
    (tmp_path / "held").write_text("an old key")
    AGENT.activate(delivered.to(counting))
    AGENT.deliver(delivered.to(counting))
    AGENT.activate(delivered.to(counting))
    assert (tmp_path / "restarts").read_text() == ".\n"


@pytest.mark.parametrize("pairs", [["command=/bin/true"], ["command=true", "prove=/bin/true"]])
def test_an_agent_that_cannot_prove_anything_is_refused(pairs: list[str]) -> None:
    """And so is a program that is looked for in whatever folders we were started with."""
    with pytest.raises(UsageError):
        agent_catalog.settings("exec_hook", pairs)
