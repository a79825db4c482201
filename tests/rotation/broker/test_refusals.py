"""Whatever is not plainly a request of this agent to this upstream goes nowhere."""

from __future__ import annotations

import base64
import socket
import time

import pytest

from keysweep.foundation.ledger.chain import entries
from tests.fakes.agents import eventually
from tests.fakes.brokers import read
from tests.fakes.stores import NAMES, VARIABLES
from tests.rotation.broker.conftest import Scene

OPENAI, ANTHROPIC = f"/{VARIABLES['openai']}/v1/models", f"/{VARIABLES['anthropic']}/v1/models"


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        pytest.param((), "placeholder", id="no placeholder"),
        pytest.param(("Authorization: Bearer ksb_" + "a" * 43,), "placeholder", id="one that nobody made"),
        pytest.param(("Authorization: Bearer ",), "placeholder", id="an empty one"),
        pytest.param(("Authorization: Bearer " + "a" * 4000,), "placeholder", id="a long one"),
        pytest.param(("Authorization: {placeholder}",), "placeholder", id="without its scheme"),
        pytest.param(("X-Api-Key: {placeholder}",), "placeholder", id="in another vendor's header"),
        pytest.param(("Authorization: Bearer {anthropic}",), "placeholder", id="that of another variable"),
        pytest.param(("Authorization: Bearer {key}",), "placeholder", id="the key itself"),
        pytest.param(("Authorization: Bearer {placeholder}",) * 2, "placeholder", id="twice"),
        pytest.param(
            ("Authorization: Bearer {placeholder}", "X-Api-Key: mine"), "placeholder", id="beside another key"
        ),
    ],
)
def test_without_the_placeholder_nothing_leaves(headers: tuple[str, ...], why: str, scene: Scene) -> None:
    """The upstream hears nothing, and the answer repeats nothing."""
    names = {
        "placeholder": scene.broker.placeholders[VARIABLES["openai"]],
        "anthropic": scene.broker.placeholders[VARIABLES["anthropic"]],
        "key": scene.key,
    }
    shown = [header.format(**names) for header in headers]
    answer = scene.broker.send(scene.broker.request("GET", OPENAI, *shown, bearer=None))
    assert (answer.status, answer.refused) == (401, why)
    assert not any(value.encode() in answer.body for value in names.values())
    assert scene.upstream.received == []


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        pytest.param("GET", "http://127.0.0.1:1/v1/models", (), 400, id="an address as target"),
        pytest.param("CONNECT", "127.0.0.1:1", (), 405, id="CONNECT"),
        pytest.param("TRACE", OPENAI, (), 405, id="TRACE"),
        pytest.param("GET", "//127.0.0.1:1/v1/models", (), 400, id="a host in the path"),
        pytest.param("GET", f"/{VARIABLES['openai']}/../{VARIABLES['anthropic']}/x", (), 400, id="a way up"),
        pytest.param("GET", f"/{VARIABLES['openai']}/%2e%2e/x", (), 400, id="an encoded way up"),
        pytest.param("GET", "/OTHER_KEY/v1/models", (), 404, id="a variable that the agent does not have"),
        pytest.param("GET", "/", (), 400, id="no variable"),
        pytest.param("POST", OPENAI, ("Content-Length: 5", "Transfer-Encoding: chunked"), 400, id="two lengths"),
        pytest.param("POST", OPENAI, ("Content-Length: 5", "Content-Length: 6"), 400, id="two different lengths"),
        pytest.param("POST", OPENAI, ("Content-Length: -1",), 400, id="a negative length"),
        pytest.param("POST", OPENAI, ("Transfer-Encoding: gzip, chunked",), 501, id="another coding"),
        pytest.param("POST", OPENAI, ("Transfer-Encoding : chunked",), 400, id="a blank before the colon"),
        pytest.param("GET", OPENAI, ("X-A: b\rc",), 400, id="a bare carriage return"),
        pytest.param("GET", OPENAI, ("Upgrade: websocket", "Connection: upgrade"), 501, id="an upgrade"),
        pytest.param("GET", OPENAI, ("Host: other.example",), 400, id="a second host"),
        pytest.param("GET", OPENAI, ("X-Long: " + "a" * 40_000,), 431, id="a head without end"),
        pytest.param("GET", OPENAI, tuple(f"X-{n}: 1" for n in range(300)), 431, id="hundreds of headers"),
    ],
)
def test_doubtful_requests_go_nowhere(
    method: str, target: str, headers: tuple[str, ...], status: int, scene: Scene
) -> None:
    """Though they show the right placeholder; the connection ends where what follows on it is doubtful."""
    answer = scene.broker.send(scene.broker.request(method, target, *headers))
    assert answer.status == status
    assert answer.refused
    assert scene.upstream.received == []


def test_wrong_placeholders_are_in_the_ledger_and_do_not_fill_it(scene: Scene) -> None:
    """Whoever guesses is counted, in one entry a minute."""

    def told() -> list[object]:
        with scene.world.open() as opened, opened.database.read() as connection:
            refused = [entry for entry in entries(connection) if entry.action == "key.refused"]
        return [entry.detail["count"] for entry in refused if entry.subject == NAMES["anthropic"]]

    began = time.monotonic()
    for _ in range(20):
        scene.broker.send(scene.broker.request("GET", ANTHROPIC, "X-Api-Key: guess", bearer=None))
    eventually(lambda: bool(told()), "an entry")
    assert len(told()) <= 2 + (time.monotonic() - began) / 60


def test_a_request_that_was_meant_for_another_host_goes_nowhere(scene: Scene) -> None:
    """A page of the web that made a name point here is answered, but nothing of it leaves."""
    raw = scene.broker.request("GET", OPENAI, host=f"evil.example:{scene.broker.address.port}")
    assert scene.broker.send(raw).status == 421
    assert scene.upstream.received == []


def test_a_request_that_hides_in_another_ones_body_stays_there(scene: Scene) -> None:
    """What stands in a body is passed on as a body, and framed by us."""
    hidden = scene.broker.request("DELETE", OPENAI)
    assert scene.broker.send(scene.broker.request("POST", OPENAI, body=hidden)).status == 200
    [received] = scene.upstream.received
    assert (received.method, received.body) == ("POST", hidden)


def test_headers_of_the_connection_stay_here(scene: Scene) -> None:
    """And naming the key's own header among them does not take it away."""
    scene.broker.send(
        scene.broker.request(
            "GET",
            OPENAI,
            "Connection: close, X-Mine, Authorization",
            "X-Mine: 1",
            "Proxy-Authorization: x",
            "X-Kept: 2",
        )
    )
    [received] = scene.upstream.received
    assert {"connection", "x-mine", "proxy-authorization"}.isdisjoint(dict(received.headers))
    assert received.header("x-kept") == "2"
    assert received.header("authorization") == f"Bearer {scene.key}"
    assert received.header("host") == f"127.0.0.1:{scene.upstream.port}"
    assert received.header("accept-encoding") == "identity"


def test_a_client_that_sends_no_sound_request_is_told(scene: Scene) -> None:
    """Noise, and a TLS greeting."""
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"hello\r\n\r\n"):
        assert scene.broker.send(noise).status == 400
    assert scene.upstream.received == []


def test_what_follows_a_refused_body_is_no_request(scene: Scene) -> None:
    """The body of a refused request is not read as the next one."""
    body = scene.broker.request("GET", OPENAI)
    with scene.broker.connect() as client:
        client.sendall(scene.broker.request("POST", "/OTHER/x", body=body) + scene.broker.request("GET", OPENAI))
        assert read(client).headers["connection"] == "close"
        with pytest.raises((ConnectionError, socket.timeout)):
            read(client)
    assert scene.upstream.received == []


def test_basic_takes_the_placeholder_on_either_side() -> None:
    """As user or as password; a stored pair takes the place of both."""
    from keysweep.foundation.secret import Secret
    from keysweep.rotation.broker import headers
    from keysweep.rotation.broker.routes import Route, upstream_from
    from keysweep.rotation.credential import CredentialId

    route = Route(
        variable="K", credential=CredentialId("c"), upstream=upstream_from("https://a.example"), forms=("basic",)
    )

    def sent(shown: bytes, key: str) -> bytes:
        given = [(b"authorization", b"Basic " + base64.b64encode(shown))]
        where = headers.shown(given, route, lambda presented: presented == b"ksb_x")
        value = dict(headers.outgoing(given, route, where, Secret(key), 0))[b"authorization"]
        return base64.b64decode(value.removeprefix(b"Basic "))

    assert sent(b"ksb_x:", "k") == b"k:"
    assert sent(b"me:ksb_x", "k") == b"me:k"
    assert sent(b"ksb_x:ksb_x", "id:k") == b"id:k"
