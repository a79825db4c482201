"""`keysweep resolve`: a value leaves for an agent that may have it, and every answer is on record."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from keysweep.commands._resolve_exec import LARGEST, MalformedRequestError, read_request, write_answer
from keysweep.foundation.errors import UsageError
from tests.fakes.canaries import leaks
from tests.fakes.command_line import command
from tests.fakes.fixtures import vendors, world
from tests.fakes.program import keysweep
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]


def test_a_bound_agent_gets_the_current_value(world: World) -> None:
    """The value alone, without a line end, and the ledger says who got it."""
    ended = command(world.environ, world.folder, "resolve", NAMES["openai"], "--agent", "orders")
    assert (ended.code, ended.output) == (0, world.planted["openai"])
    assert [action for action in world.actions() if action != "rows.written"][-1] == "key.resolved"


@pytest.mark.parametrize(
    "name",
    [NAMES["anthropic"], "openai-admin", "no-such"],
    ids=["another agent's", "an administering key", "one that is not there"],
)
def test_an_agent_without_the_right_is_denied(name: str, world: World) -> None:
    """Exit code 6, no value, and the refusal is on record."""
    ended = command(world.environ, world.folder, "resolve", name, "--agent", "orders")
    assert ended.code == 6
    assert not any(value in ended.output for value in world.planted.values())
    assert world.actions()[-1] == "key.refused"


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param((NAMES["openai"], "--agent", "nobody"), id="an agent that is not stored"),
        pytest.param((NAMES["openai"],), id="no agent"),
        pytest.param(("--agent", "orders"), id="no credential"),
        pytest.param((NAMES["openai"], "--agent", "orders", "--format", "openclaw"), id="a credential beside the ids"),
    ],
)
def test_what_cannot_be_asked_is_a_usage_error(arguments: tuple[str, ...], world: World) -> None:
    """Exit code 2, and nothing is resolved."""
    assert command(world.environ, world.folder, "resolve", *arguments).code == 2
    assert "key.resolved" not in world.actions()


def _asked(world: World, request: object, agent: str = "orders") -> subprocess.CompletedProcess[str]:
    raw = request if isinstance(request, bytes) else json.dumps(request).encode()
    return keysweep("resolve", "--agent", agent, "--format", "openclaw", stdin=raw, environ=world.environ)


def test_several_ids_are_answered_at_once(world: World) -> None:
    """By variable and by name; what the agent may not have, and what is not there, are refused alike, and on record."""
    name, other = NAMES["openai"], NAMES["anthropic"]
    ids = ["OPENAI_API_KEY", name, other, "openai-admin", "no/such#field"]
    done = _asked(world, {"protocolVersion": 1, "provider": "keysweep", "ids": ids})
    value = world.planted["openai"]
    assert (done.returncode, json.loads(done.stdout)) == (
        0,
        {
            "protocolVersion": 1,
            "values": {"OPENAI_API_KEY": value, name: value},
            "errors": {one: {"code": "NOT_FOUND"} for one in ids[2:]},
        },
    )
    assert value not in done.stderr
    recorded = [action for action in world.actions() if action.startswith("key.re")]
    assert recorded == ["key.resolved"] * 2 + ["key.refused"] * 3


def test_an_id_that_looks_like_a_key_is_not_written_down(world: World) -> None:
    """What was typed where an id belongs may be a key: neither the ledger nor the error repeats it."""
    done = _asked(world, {"protocolVersion": 1, "provider": "keysweep", "ids": [world.planted["anthropic"]]})
    assert list(json.loads(done.stdout)["errors"].values()) == [{"code": "NOT_FOUND"}]
    assert world.planted["anthropic"] not in done.stderr
    assert leaks(world.folder, [world.planted["anthropic"]]) == []


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"[" * 100_000, id="too deep"),
        pytest.param([], id="no object"),
        pytest.param({"protocolVersion": 2, "provider": "k", "ids": ["OPENAI_API_KEY"]}, id="another version"),
        pytest.param({"protocolVersion": True, "provider": "k", "ids": ["OPENAI_API_KEY"]}, id="true is not 1"),
        pytest.param({"protocolVersion": 1, "ids": ["OPENAI_API_KEY"]}, id="no provider"),
        pytest.param({"protocolVersion": 1, "provider": "k", "ids": []}, id="no ids"),
        pytest.param({"protocolVersion": 1, "provider": "k", "ids": ["OPENAI_API_KEY", 1]}, id="an id that is no text"),
        pytest.param({"protocolVersion": 1, "provider": "k", "ids": ["-x"]}, id="an id that is an option"),
        pytest.param({"protocolVersion": 1, "provider": "k", "ids": [f"a{n}" for n in range(257)]}, id="too many ids"),
    ],
)
def test_a_malformed_request_is_refused_whole(request_: object) -> None:
    """No id of it is looked up."""
    raw = request_ if isinstance(request_, bytes) else json.dumps(request_).encode()
    with pytest.raises(MalformedRequestError):
        read_request(raw)


def test_a_request_and_an_answer_have_a_longest_size() -> None:
    """A mebibyte, as the protocol says."""
    with pytest.raises(MalformedRequestError):
        read_request(json.dumps({"protocolVersion": 1, "provider": "k", "ids": ["A"], "x": "y" * LARGEST}).encode())
    with pytest.raises(UsageError):
        write_answer({"A": "x" * LARGEST}, [])


def test_the_environment_form_can_be_read_by_a_shell(world: World) -> None:
    """All that the agent is bound to, quoted."""
    done = keysweep("resolve", "--agent", "orders", "--format", "env", environ=world.environ)
    script = f'{done.stdout}\nprintf %s "$OPENAI_API_KEY"'
    read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert read.stdout == world.planted["openai"]


def test_an_agent_that_waits_too_long_is_not_waited_for(world: World) -> None:
    """A request that does not come within the protocol's five seconds ends the process."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SHORT_ALARM, "resolve", "--agent", "orders", "--format", "openclaw"],
        env={**os.environ, **world.environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.wait(20) == -signal.SIGALRM
    process.communicate()


_SHORT_ALARM = "from keysweep.commands import main, _resolve_exec; assert _resolve_exec.SECONDS == 5; _resolve_exec.SECONDS = 1; main()"
