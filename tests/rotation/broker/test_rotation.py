"""A rotation behind a broker: no request fails, nothing is restarted, and the old key goes when nobody carries it any more."""

from __future__ import annotations

import http.client
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.inventory import replace_value
from samples.simulators import Call
from tests.fakes.agents import eventually
from tests.fakes.brokers import AGENT, Running, add_agent, running_broker
from tests.fakes.fixtures import vendors
from tests.fakes.stores import NAMES, VARIABLES, World, build_world
from tests.fakes.upstreams import Received, Upstream, plain, running_upstream
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]

VARIABLE = VARIABLES["openai"]
PATH = f"/{VARIABLE}/v1/models"
_PAUSE_S = 0.05
"""Twenty requests a second."""


def forced(world: World) -> Report:
    """Replace a leaked key."""
    with world.open() as opened:
        return rotate(opened, Request(credential=NAMES["openai"], mode=Mode.FORCED, reason="leaked"))


def held(world: World) -> list[instances.Seen]:
    """Return what the live brokers say that they serve."""
    with world.open() as opened, opened.database.read() as connection:
        return [
            one
            for instance in instances.live_instances(connection, AGENT, system_clock())
            for one in instances.seen(connection, instance.id)
        ]


@contextmanager
def traffic(broker: Running) -> Iterator[list[int]]:
    """Ask without end, twenty times a second on one connection; gives the statuses of the answers."""
    statuses: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        client = http.client.HTTPConnection(broker.address.host, broker.address.port, timeout=30)
        headers = {"Authorization": f"Bearer {broker.placeholders[VARIABLE]}", "X-Traffic": "1"}
        while not enough.wait(_PAUSE_S):
            try:
                client.request("GET", PATH, headers=headers)
                answer = client.getresponse()
                answer.read()
                statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                statuses.append(0)
                client.close()
        client.close()

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        eventually(lambda: len(statuses) > 3, "the first answers")
        yield statuses
    finally:
        enough.set()
        thread.join()


def test_no_request_fails_while_a_leaked_key_is_replaced(tmp_path: Path, vendors: Vendors) -> None:
    """Twenty a second go through; the old key carries none after the first with the new one, and ends dead."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    carried: list[str] = []

    def note(call: Call) -> None:
        if call.headers.get("x-traffic"):
            carried.append(call.headers["authorization"].removeprefix("Bearer "))

    with world.open() as opened:
        add_agent(opened, "openai")
    vendors.watch(note)
    with running_broker(world) as broker:
        with traffic(broker) as statuses:
            report = forced(world)
            after = len(statuses)
            eventually(lambda: len(statuses) > after + 5, "requests after the rotation")
        old, new = world.planted["openai"], world.current_value("openai")
        assert report.outcome is Outcome.DONE
        assert set(statuses) == {200}
        assert carried == [old] * carried.count(old) + [new] * carried.count(new)
        assert not world.accepts("openai", old)
        assert world.accepts("openai", new)
        [one] = held(world)
        assert (one.version.number, one.method) == (2, "broker")
    assert [event.detail[f"agent.{AGENT}"] for event in report.events if f"agent.{AGENT}" in event.detail] == ["broker"]


@pytest.fixture
def scripted(tmp_path: Path, vendors: Vendors) -> Iterator[tuple[World, Upstream, Running]]:
    """A broker before an upstream that a test scripts; its key is made and ended at the simulated vendor."""
    with running_upstream() as upstream:
        world = build_world(
            tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0, "forced_stop_grace_s": 0.5}
        )
        with world.open() as opened:
            add_agent(opened, "openai", settings={"upstream": f"{VARIABLE}=http://127.0.0.1:{upstream.port}"})
        with running_broker(world) as broker:
            yield world, upstream, broker


def carried_by(received: Received) -> str:
    """Return the key of a request."""
    return str(received.header("authorization")).removeprefix("Bearer ")


@pytest.mark.parametrize("patience_s", [pytest.param(30.0, id="in time"), pytest.param(0.2, id="too late")])
def test_a_request_in_flight_ends_on_the_key_that_it_began_with(
    patience_s: float, tmp_path: Path, vendors: Vendors
) -> None:
    """The old key is revoked when it is done; or when its grace is over, and the answer still comes back whole."""
    world = build_world(
        tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0, "forced_stop_grace_s": patience_s}
    )
    let_go = threading.Event()

    def script(request: Received, client: socket.socket) -> bool:
        if request.target == "/slow":
            assert let_go.wait(60)
        return plain(200, b"done")(request, client)

    with running_upstream() as upstream:
        with world.open() as opened:
            add_agent(opened, "openai", settings={"upstream": f"{VARIABLE}=http://127.0.0.1:{upstream.port}"})
        upstream.reset(script)
        with running_broker(world) as broker, ThreadPoolExecutor(2) as pool:
            slow = pool.submit(broker.send, broker.request("GET", f"/{VARIABLE}/slow"))
            eventually(lambda: len(upstream.received) == 1, "the slow request")
            rotating = pool.submit(forced, world)

            def serves_the_new_one() -> bool:
                broker.send(broker.request("GET", PATH))
                return carried_by(upstream.received[-1]) != world.planted["openai"]

            eventually(serves_the_new_one, "the next request on the new key")
            if patience_s > 1:
                assert world.accepts("openai", world.planted["openai"])
                assert [one.version.number for one in held(world)] == [1]
                let_go.set()
            assert rotating.result(60).outcome is Outcome.DONE
            assert not world.accepts("openai", world.planted["openai"])
            let_go.set()
            assert slow.result(60).body == b"done"
        assert carried_by(upstream.received[0]) == world.planted["openai"]


@pytest.mark.parametrize(
    ("body", "status", "sent"),
    [
        pytest.param(b"", 200, 2, id="nothing was sent: once more"),
        pytest.param(b"{}", 401, 1, id="a body is sent once"),
    ],
)
def test_a_401_after_a_change_is_asked_about_again(
    body: bytes, status: int, sent: int, scripted: tuple[World, Upstream, Running]
) -> None:
    """A key that was replaced faster than the broker looked: it looks at once, and repeats what it can."""
    world, upstream, broker = scripted

    def script(request: Received, client: socket.socket) -> bool:
        if len(upstream.received) > 1:
            return plain()(request, client)
        with world.open() as opened:
            replace_value(opened, NAMES["openai"], Secret("made-up-" * 5), key_id=None, standby=False, actor="cli:test")
        return plain(401)(request, client)

    upstream.reset(script)
    assert broker.send(broker.request("POST", PATH, body=body)).status == status
    assert [carried_by(received) for received in upstream.received] == [world.planted["openai"], "made-up-" * 5][:sent]


def test_what_was_replaced_is_wiped(scripted: tuple[World, Upstream, Running]) -> None:
    """And a binding that is taken back ends the service of its key."""
    world, _, broker = scripted
    with world.open() as opened:
        replace_value(opened, NAMES["openai"], Secret("made-up-" * 5), key_id=None, standby=False, actor="cli:test")
    eventually(lambda: [one.version.number for one in held(world)] == [2], "the new version")
    with world.open() as opened, opened.database.write() as connection:
        [instance] = instances.live_instances(connection, AGENT, system_clock())
        assert instance.pid == os.getpid()
        instances.unbind_all(connection, world.credential("openai").id)
    eventually(lambda: broker.send(broker.request("GET", PATH)).status == 404, "a refusal")
    eventually(lambda: not held(world), "nothing served")
