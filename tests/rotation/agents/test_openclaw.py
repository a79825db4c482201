"""OpenClaw: its gateway gets the new key by asking for it in a reload that ends without a warning; anything less does not count."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.sync.server import ServerConnection, serve

from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.gateway import Reload, reload_by_cli, reload_by_rpc
from samples.agents.openclaw_gateway import Gateway
from tests.fakes.canaries import forms, leaks
from tests.fakes.fixtures import vendors, world
from tests.fakes.places import RESOLVER, VARIABLE, Place, place
from tests.fakes.stores import World, build_world
from tests.fakes.vendors import Vendors

__all__ = ["vendors", "world"]
TOKEN = "gateway-token-for-a-test-only"


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def gateway_of(found: Place, resolver: list[str] | None = None) -> Gateway:
    """Return a gateway that asks for the key and has not started."""
    world = found.world
    return Gateway(
        TOKEN, resolver or found.resolver, VARIABLE, world.vendors.url, {"PATH": "/usr/bin:/bin", **world.environ}
    )


@contextmanager
def listening(gateway: Gateway, port: int = 0) -> Iterator[int]:
    """Run a gateway for the length of a block; yields its port."""
    server = gateway.listen(port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.socket.getsockname()[1])
    finally:
        server.shutdown()
        thread.join()


def openclaw(world: World, port: int, **settings: str) -> Place:
    """Let the gateway at a port have the key."""
    return place(world, "openclaw", {"url": f"ws://127.0.0.1:{port}", "admin": "place-admin", **settings}, admin=TOKEN)


@pytest.mark.parametrize("forced", [False, True], ids=["planned", "forced"])
def test_the_next_call_carries_the_new_key(forced: bool, world: World) -> None:
    """One reload, no restart, nothing on a disk of the gateway's, and the old key is dead."""
    port = free_port()
    found = openclaw(world, port)
    gateway = gateway_of(found)
    with listening(gateway, port):
        assert (gateway.value, gateway.turn()) == (world.planted["openai"], 200)
        report = found.rotate(forced=forced)
        assert report.outcome is Outcome.DONE, report.failure
        new = world.current_value("openai")
        assert (gateway.value, gateway.turn(), gateway.reloads) == (new, 200, 1)
    assert not world.accepts("openai", world.planted["openai"])
    attested = [event.detail for event in report.events if event.step == "attest"][-1]
    assert attested[f"agent.{'place'}"] == "openclaw-reload"
    assert leaks(world.folder, [new, world.planted["openai"], TOKEN]) == []


def test_every_answer_to_the_gateway_is_on_record(world: World) -> None:
    """Which agent, which version, what for; and the token that the engine opened."""
    port = free_port()
    found = openclaw(world, port)
    with listening(gateway_of(found), port):
        found.rotate()
    handed = [entry for entry in found.said("key.resolved") if entry.actor == "agent:place"]
    assert [(entry.detail["version"], entry.detail["purpose"]) for entry in handed] == [
        (1, "openclaw"),
        (2, "openclaw"),
    ]
    (opened,) = [entry for entry in found.said("key.resolved") if entry.subject == "place-admin"]
    assert (opened.actor, opened.detail["purpose"], opened.detail["agent"]) == ("engine", "reload", "place")


def _failing(found: Place, flag: Path) -> list[str]:
    """A resolver that fails while a file is there."""
    asking = " ".join(found.resolver)
    return ["sh", "-c", f"test -e {flag} && exit 3; exec {asking}"]


@pytest.mark.parametrize("forced", [False, True], ids=["planned", "forced"])
def test_a_reload_with_a_warning_is_no_success(forced: bool, vendors: Vendors, tmp_path: Path) -> None:
    """The gateway says `ok: true` and serves on with the old key: planned, that key stays; forced, it dies all the same."""
    time_s = {"deadline_s": 1.5, "revoke_after_s": 1.5, "settle_s": 0.0}
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=time_s)
    port, flag = free_port(), tmp_path / "broken"
    found = openclaw(world, port)
    gateway = gateway_of(found, _failing(found, flag))
    with listening(gateway, port):
        flag.touch()
        if not forced:
            threading.Timer(2.5, flag.unlink).start()  # the way back needs the resolver, too
        report = found.rotate(forced=forced)
        assert gateway.reloads > 1  # tried again while there was time
        assert report.outcome is (Outcome.HALF_WAY if forced else Outcome.ROLLED_BACK)
        assert gateway.value == world.planted["openai"]
        assert world.accepts("openai", world.planted["openai"]) is not forced
    said = [str(event.detail.get("message")) for event in report.events if event.step == "activate"]
    assert any("1 warnings" in message for message in said)


def test_a_reload_that_asked_for_nothing_is_no_success(world: World) -> None:
    """A gateway whose configuration holds the key elsewhere reloads without a warning, and is not on the new key."""
    port = free_port()
    found = openclaw(world, port)
    canned = ["sh", "-c", f'printf %s \'{{"protocolVersion":1,"values":{{"{VARIABLE}":"from elsewhere"}}}}\'']
    agent = agent_catalog.get("openclaw")
    with listening(gateway_of(found, canned), port), world.open() as opened:
        delivery = found.delivery(opened, admin=lambda _: Secret(TOKEN))
        agent.deliver(delivery)
        with pytest.raises(AgentError, match="without asking for OPENAI_API_KEY"):
            agent.activate(delivery)
        assert agent.attest(delivery).holding is Holding.OTHER


def test_a_gateway_that_does_not_run_gets_the_new_key_when_it_starts(world: World) -> None:
    """Nobody listens, and nobody asked lately: the rotation need not wait."""
    port = free_port()
    found = openclaw(world, port)
    report = found.rotate()
    assert report.outcome is Outcome.DONE, report.failure
    gateway = gateway_of(found)
    with listening(gateway, port):
        assert (gateway.value, gateway.turn()) == (world.current_value("openai"), 200)


def test_one_that_asked_and_does_not_listen_yet_may_be_starting(world: World) -> None:
    """A start takes over a minute there, and the key is asked for at its beginning."""
    found = openclaw(world, free_port())
    agent = agent_catalog.get("openclaw")
    with world.open() as opened:
        delivery = found.delivery(opened, admin=lambda _: Secret(TOKEN))
        assert agent.attest(delivery).holding is Holding.NOT_RUNNING
        with listening(gateway_of(found)):
            pass  # it has asked, and is not reached any more
        agent.activate(delivery)
        assert agent.attest(delivery).holding is Holding.OTHER


def test_a_gateway_that_comes_up_meanwhile_is_told_then(world: World) -> None:
    """The engine's next question finds it listening, and has it reload."""
    port = free_port()
    found = openclaw(world, port)
    agent = agent_catalog.get("openclaw")
    gateway = gateway_of(found)
    assert agent.nudge is not None
    with world.open() as opened:
        delivery = found.delivery(opened, admin=lambda _: Secret(TOKEN))
        agent.activate(delivery)
        with listening(gateway, port):
            assert agent.attest(delivery).holding is Holding.OTHER
            agent.nudge(delivery)
            assert agent.attest(delivery).holding is Holding.NEW
            agent.nudge(delivery)
            assert gateway.reloads == 1  # one that holds it is left alone


def test_a_wrong_token_is_said_and_not_tried_again(world: World) -> None:
    """By the gateway's own word for it; the token is in no message."""
    found = openclaw(world, free_port())
    with listening(gateway_of(found)) as port, pytest.raises(AgentError) as refused:
        reload_by_rpc(f"ws://127.0.0.1:{port}", Secret("another-token-altogether"))
    assert "AUTH_TOKEN_MISMATCH" in refused.value.message
    assert not refused.value.passes
    said = f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}".encode()
    assert [form for form, needle in forms("another-token-altogether").items() if needle in said] == []


@contextmanager
def _answering(*frames: object) -> Iterator[str]:
    """A server that sends these frames and then waits."""

    def speak(line: ServerConnection) -> None:
        for frame in frames:
            line.send(frame if isinstance(frame, str) else json.dumps(frame))
        for _ in line:
            pass

    server = serve(speak, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
    server.shutdown()


_CHALLENGE = {"type": "event", "event": "connect.challenge", "payload": {}}
_HELLO = {"type": "res", "id": "connect", "ok": True, "payload": {}}


@pytest.mark.parametrize(
    ("frames", "passes"),
    [
        pytest.param([], True, id="silence"),
        pytest.param(["<html>"], False, id="no JSON"),
        pytest.param([_CHALLENGE, _HELLO], True, id="no answer to the reload"),
        pytest.param(
            [_CHALLENGE, _HELLO, {"type": "res", "id": "secrets.reload", "ok": True, "payload": {"ok": True}}],
            False,
            id="no count of warnings",
        ),
        pytest.param(
            [_CHALLENGE, _HELLO, {"type": "res", "id": "secrets.reload", "ok": False, "error": {"code": "UNAVAILABLE", "retryable": True}}],
            True,
            id="busy",
        ),
    ],
)  # fmt: skip
def test_only_the_documented_answer_counts(frames: list[object], passes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything else is an error that says whether trying again may help."""
    monkeypatch.setattr("keysweep.rotation.gateway._RELOAD_S", 0.3)
    with _answering(*frames) as url, pytest.raises(AgentError) as failed:
        reload_by_rpc(url, Secret(TOKEN))
    assert failed.value.passes is passes


def test_a_token_is_not_sent_in_the_clear() -> None:
    """Without TLS only this machine is called."""
    with pytest.raises(AgentError, match="without TLS"):
        reload_by_rpc("ws://gateway.example", Secret(TOKEN))


def test_the_stand_in_takes_scopes_from_those_who_are_no_local_helper() -> None:
    """A control of the simulator: as the gateway does, it lets nobody reload who only knows the token."""
    gateway = Gateway(TOKEN, ["false"], VARIABLE, "http://127.0.0.1:9", {})
    with listening(gateway) as port, connect(f"ws://127.0.0.1:{port}", proxy=None) as line:
        params = {
            "minProtocol": 4,
            "maxProtocol": 4,
            "client": {"id": "cli", "mode": "cli"},
            "scopes": ["operator.admin"],
        }
        line.send(
            json.dumps({"type": "req", "id": "1", "method": "connect", "params": {**params, "auth": {"token": TOKEN}}})
        )
        line.send(json.dumps({"type": "req", "id": "2", "method": "secrets.reload"}))
        answers = [
            frame for frame in map(json.loads, (line.recv(timeout=5) for _ in range(5))) if frame["type"] == "res"
        ]
    assert [answer["ok"] for answer in answers] == [True, False]


def _program(folder: Path, script: str) -> str:
    path = folder / "openclaw"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def test_its_own_program_is_the_other_way(tmp_path: Path) -> None:
    """The token goes by the environment, never by the arguments."""
    script = f'echo "$@" > {tmp_path}/arguments; [ "$OPENCLAW_GATEWAY_TOKEN" = {TOKEN} ] || exit 4\n'
    script += """echo '{"ok":true,"warningCount":0}'"""
    assert reload_by_cli(_program(tmp_path, script), Secret(TOKEN)) == Reload(ok=True, warnings=0)
    assert (tmp_path / "arguments").read_text().split() == ["secrets", "reload", "--json"]


@pytest.mark.parametrize(
    "script", ["exit 1", "echo no", """echo '{"ok":true}'""", """echo '{"ok":true,"warningCount":0}'; exit 1"""]
)
def test_its_program_may_fail(script: str, tmp_path: Path) -> None:
    """Another exit code, no JSON, no count."""
    with pytest.raises(AgentError):
        reload_by_cli(_program(tmp_path, script), Secret(TOKEN))


def test_the_program_is_asked_where_the_gateway_speaks_otherwise(world: World, tmp_path: Path) -> None:
    """A gateway of another protocol is reloaded by its own program, and attested by the same rule."""
    asking = " ".join([*RESOLVER, "--format", "openclaw"])
    question = json.dumps({"protocolVersion": 1, "provider": "keysweep", "ids": [VARIABLE]})
    script = f"echo '{question}' | {asking} > /dev/null && " + """echo '{"ok":true,"warningCount":0}'"""
    with _answering("<html>") as url:
        found = openclaw(world, int(url.rpartition(":")[2]), cli=_program(tmp_path, f"{_exports(world)} {script}"))
        started = time.monotonic()
        report = found.rotate()
    assert report.outcome is Outcome.DONE, report.failure
    assert time.monotonic() - started < 10


def _exports(world: World) -> str:
    return " ".join(f"export {name}={value};" for name, value in world.environ.items())
