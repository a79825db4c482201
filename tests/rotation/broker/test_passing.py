"""What is passed on: streams as they come, the key outward only, and failures as what they are."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai
import pytest

from tests.fakes.agents import eventually
from tests.fakes.brokers import read
from tests.fakes.stores import VARIABLES
from tests.fakes.upstreams import LAST_CHUNK, Received, chunks, plain
from tests.rotation.broker.conftest import BASE, Scene

PATH = f"/{VARIABLES['openai']}/v1/chat?a=%20b"


def test_the_key_leaves_in_place_of_the_placeholder(scene: Scene) -> None:
    """To the upstream's own path, with the query as it came; the placeholder stays here."""
    answer = scene.broker.send(scene.broker.request("POST", PATH, "X-Mine: 1", body=b'{"a": 1}'))
    [received] = scene.upstream.received
    assert (answer.status, answer.body, answer.refused) == (200, b"{}", None)
    assert received.target == f"{BASE}/v1/chat?a=%20b"
    assert received.header("authorization") == f"Bearer {scene.key}"
    assert (received.header("x-mine"), received.body) == ("1", b'{"a": 1}')
    assert scene.broker.placeholders[VARIABLES["openai"]] not in str(received)


def test_each_vendor_gets_its_own_key_in_its_own_header(scene: Scene) -> None:
    """Anthropic's stands in `x-api-key`."""
    shown = f"X-Api-Key: {scene.broker.placeholders[VARIABLES['anthropic']]}"
    scene.broker.send(scene.broker.request("GET", f"/{VARIABLES['anthropic']}/v1/models", shown, bearer=None))
    [received] = scene.upstream.received
    assert received.header("x-api-key") == scene.world.planted["anthropic"]
    assert received.header("authorization") is None


def test_an_event_is_passed_on_before_the_next_one_is_made(scene: Scene) -> None:
    """Nothing is gathered: the upstream goes on only when the client has seen what came."""
    seen = threading.Event()

    def script(_request: Received, client: socket.socket) -> bool:
        chunks(client, b"data: one\n\n", headers="Content-Type: text/event-stream\r\n")
        assert seen.wait(20)
        client.sendall(b"b\r\ndata: two\n\n\r\n" + LAST_CHUNK)
        return True

    scene.upstream.reset(script)
    with scene.broker.connect() as client, client.makefile("rb") as lines:
        client.sendall(scene.broker.request("GET", PATH))
        while b"data: one" not in lines.readline():
            pass
        seen.set()
        while b"data: two" not in lines.readline():
            pass


def test_a_body_is_passed_on_while_it_is_sent(scene: Scene) -> None:
    """In chunks, asked for with `100 Continue`; the upstream has the first part before the client sends the second."""
    with scene.broker.connect() as client, socket.create_server(("127.0.0.1", 0)):
        client.sendall(scene.broker.request("POST", PATH, "Transfer-Encoding: chunked", "Expect: 100-continue"))
        assert client.recv(1000).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"3\r\none\r\n")
        client.sendall(b"3\r\ntwo\r\n" + LAST_CHUNK)
        assert read(client).status == 200
    [received] = scene.upstream.received
    assert received.body == b"onetwo"
    assert received.header("expect") is None


@pytest.mark.parametrize("form", ["raw", "json", "basic"])
def test_an_upstream_that_repeats_what_it_got_is_not_repeated(form: str, scene: Scene) -> None:
    """In a header and in the body, cut at every byte into chunks of its own: stars of the same length come back."""
    key = scene.key.encode()
    shown = {"raw": key, "json": json.dumps({"headers": scene.key}).encode(), "basic": base64.b64encode(b"u:" + key)}[
        form
    ]

    def script(_request: Received, client: socket.socket) -> bool:
        blocks = [shown[at : at + 1] for at in range(len(shown))]
        chunks(client, b"before ", *blocks, b" after", headers=f"X-Echo: Bearer {scene.key}\r\n")
        client.sendall(LAST_CHUNK)
        return True

    scene.upstream.reset(script)
    answer = scene.broker.send(scene.broker.request("GET", PATH))
    assert answer.headers["x-echo"] == "Bearer " + "*" * len(key)
    assert len(answer.body) == len(shown) + len(b"before  after")
    assert answer.body.startswith(b"before ")
    assert answer.body.endswith(b" after")
    for length in range(len(key), 11, -1):  # the vendor's own prefix is shorter
        assert key[:length] not in answer.body
        assert base64.b64encode(key[:length])[4:-4] not in answer.body


def test_the_length_of_an_answer_stays_true(scene: Scene) -> None:
    """Also where the key was in it, so that a client which counts is not misled."""
    scene.upstream.reset(plain(200, b"<" + scene.key.encode() + b">"))
    answer = scene.broker.send(scene.broker.request("GET", PATH))
    assert answer.body == b"<" + b"*" * len(scene.key) + b">"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_an_answer_that_was_packed_all_the_same_is_refused(scene: Scene) -> None:
    """Nobody can say whether the key is in it."""
    scene.upstream.reset(plain(200, b"xx", "Content-Encoding: gzip"))
    answer = scene.broker.send(scene.broker.request("GET", PATH, "Accept-Encoding: gzip"))
    assert (answer.status, answer.refused) == (502, "packed")


def test_a_redirect_is_passed_back_and_not_followed(scene: Scene) -> None:
    """One request leaves, whatever the upstream names."""
    scene.upstream.reset(plain(307, b"", f"Location: http://127.0.0.1:{scene.upstream.port}/elsewhere"))
    answer = scene.broker.send(scene.broker.request("GET", PATH))
    assert answer.status == 307
    assert len(scene.upstream.received) == 1


def test_an_upstream_that_says_nothing_is_a_bad_gateway(scene: Scene) -> None:
    """It hung up before its answer."""
    scene.upstream.reset(lambda *_: False)
    answer = scene.broker.send(scene.broker.request("GET", PATH))
    assert (answer.status, answer.refused) == (502, "upstream")


@pytest.mark.parametrize("stated", [True, False])
def test_an_answer_that_breaks_off_breaks_off_at_the_client(stated: bool, scene: Scene) -> None:
    """It is never made to look whole."""

    def script(_request: Received, client: socket.socket) -> bool:
        if stated:
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
        else:
            chunks(client, b"half")
        return False

    scene.upstream.reset(script)
    answer = scene.broker.send(scene.broker.request("GET", PATH))
    assert answer.status == 200
    assert not answer.whole


def test_a_client_that_goes_ends_its_request(scene: Scene) -> None:
    """The upstream's connection is given up while it still thinks, and the key is given back."""
    hung_up = threading.Event()

    def script(_request: Received, client: socket.socket) -> bool:
        client.settimeout(20)
        if client.recv(1) == b"":
            hung_up.set()
        return False

    scene.upstream.reset(script)
    with scene.broker.connect() as client:
        client.sendall(scene.broker.request("POST", PATH, body=b"{}"))
        eventually(lambda: len(scene.upstream.received) == 1, "the request")
    assert hung_up.wait(20)


def test_a_hundred_at_once_are_all_answered(scene: Scene) -> None:
    """Each by an upstream that answers none before all are there."""
    together = threading.Barrier(100)

    def script(request: Received, client: socket.socket) -> bool:
        together.wait(30)
        return plain(200, request.target.rpartition("/")[2].encode())(request, client)

    scene.upstream.reset(script)

    def ask(number: int) -> bytes:
        return scene.broker.send(scene.broker.request("GET", f"/{VARIABLES['openai']}/{number}")).body

    with ThreadPoolExecutor(100) as pool:
        assert [str(number).encode() for number in range(100)] == list(pool.map(ask, range(100)))


def test_requests_follow_each_other_on_one_connection(scene: Scene) -> None:
    """Also those that came before the answer to the one before."""
    with scene.broker.connect() as client:
        client.sendall(scene.broker.request("GET", PATH) + scene.broker.request("POST", PATH, body=b"x"))
        client.sendall(scene.broker.request("HEAD", PATH, "Connection: close"))
        client.settimeout(30)
        came = b"".join(iter(lambda: client.recv(1000), b""))
    assert came.count(b"HTTP/1.1 200 ") == 3
    assert [received.method for received in scene.upstream.received] == ["GET", "POST", "HEAD"]


def test_a_refused_key_is_not_asked_about_twice(scene: Scene) -> None:
    """A 401 is passed back where the store has no other version."""
    scene.upstream.reset(plain(401, b"no"))
    assert scene.broker.send(scene.broker.request("GET", PATH)).status == 401
    assert len(scene.upstream.received) == 1


def test_what_is_opened_is_written_down_once(scene: Scene) -> None:
    """One entry a version, however many requests leave with it."""
    from keysweep.foundation.ledger.chain import entries

    for _ in range(3):
        scene.broker.send(scene.broker.request("GET", PATH))
    with scene.world.open() as opened, opened.database.read() as connection:
        opening = [entry for entry in entries(connection) if entry.action == "key.resolved"]
    assert all(entry.detail == {"version": 1, "purpose": "broker"} for entry in opening)
    assert sorted(entry.subject for entry in opening) == ["orders-openai", "support-claude"]


def test_openais_client_streams_through_the_broker(scene: Scene) -> None:
    """The vendor's own client, its base address and key replaced as the documentation says."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}

    def script(request: Received, client: socket.socket) -> bool:
        assert json.loads(request.body)["stream"] is True
        deltas = [{"index": 0, "delta": {"content": word}, "finish_reason": None} for word in ("one ", "two")]
        events = [f"data: {json.dumps({**chunk, 'choices': [delta]})}\n\n".encode() for delta in deltas]
        chunks(client, *events, b"data: [DONE]\n\n", headers="Content-Type: text/event-stream\r\n")
        client.sendall(LAST_CHUNK)
        return True

    scene.upstream.reset(script)
    variable = VARIABLES["openai"]
    with openai.OpenAI(
        api_key=scene.broker.placeholders[variable], base_url=scene.broker.url(variable, "/v1"), max_retries=0
    ) as client:
        stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], stream=True)
        assert "".join(event.choices[0].delta.content or "" for event in stream) == "one two"
    assert scene.upstream.received[0].target == f"{BASE}/v1/chat/completions"


def test_anthropics_client_streams_through_the_broker(scene: Scene) -> None:
    """Likewise."""
    message = {
        "id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 1},
    }  # fmt: skip
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one "}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "two"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    ]

    def script(_request: Received, client: socket.socket) -> bool:
        blocks = [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events]
        chunks(client, *blocks, headers="Content-Type: text/event-stream\r\n")
        client.sendall(LAST_CHUNK)
        return True

    scene.upstream.reset(script)
    variable = VARIABLES["anthropic"]
    with (
        anthropic.Anthropic(
            api_key=scene.broker.placeholders[variable], base_url=scene.broker.url(variable), max_retries=0
        ) as client,
        client.messages.stream(model="m", max_tokens=9, messages=[{"role": "user", "content": "hi"}]) as stream,
    ):
        assert "".join(stream.text_stream) == "one two"
    [received] = scene.upstream.received
    assert scene.world.planted["anthropic"] in {received.header("x-api-key"), str(received.header("authorization"))[7:]}


def test_a_client_that_stops_in_the_middle_of_a_stream_gives_the_key_back(scene: Scene) -> None:
    """The upstream sees the connection end, and goes on with nobody."""
    ended = threading.Event()

    def script(_request: Received, client: socket.socket) -> bool:
        chunks(client, b"data: one\n\n")
        try:
            for _ in range(2000):
                client.sendall(b"b\r\ndata: two\n\n\r\n")
                time.sleep(0.01)
        except OSError:
            ended.set()
        return False

    scene.upstream.reset(script)
    with scene.broker.connect() as client:
        client.sendall(scene.broker.request("GET", PATH))
        client.recv(10)
    assert ended.wait(20)
