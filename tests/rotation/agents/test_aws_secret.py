"""A secret of AWS Secrets Manager, on moto and read by the vendor's own SDK: what is stored is not what an agent runs with."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Half, Holding
from keysweep.rotation.agents.aws_secret import AGENT
from samples.servers.moto import Server
from tests.fakes.canaries import forms
from tests.fakes.deliveries import VARIABLE, Delivered
from tests.fakes.faulty import before

pytestmark = pytest.mark.xdist_group("moto")


class Reader(ThreadingHTTPServer):
    """An agent that read its key from the secret when it started, and proves which one that was."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = b"an old key"
        self.url = f"http://127.0.0.1:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: Reader

    def do_POST(self) -> None:
        nonce = json.loads(self.rfile.read(int(self.headers["content-length"])))["nonce"]
        proof = hmac.new(self.server.key, f"keysweep-challenge-v1:{nonce}".encode(), hashlib.sha256).hexdigest()
        body = json.dumps({"proof": proof}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def reading() -> Iterator[Reader]:
    """Run the agent for the length of a block."""
    server = Reader()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def stored(aws: Server, content: str) -> str:
    """Make a secret and return its name."""
    name = f"app/{secrets.token_hex(4)}"
    aws.client("secretsmanager").create_secret(Name=name, SecretString=content)
    return name


def held(aws: Server, name: str) -> str:
    """Return the current version, as an agent reads it."""
    return str(aws.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"])


def versions(aws: Server, name: str) -> int:
    """Return how many versions the secret has."""
    return len(aws.client("secretsmanager").list_secret_version_ids(SecretId=name)["Versions"])


def delivery(aws: Server, value: Delivered, name: str, **settings: str) -> Delivery:
    """Return the delivery of a value to the agents of a secret."""
    usual = {
        "secret_id": name,
        "access_key_id": aws.admin.key_id,
        "base_url": aws.url,
        "challenge": "http://127.0.0.1:9",
    }
    return value.to({**usual, **settings}, admin=lambda _: Secret(aws.admin.value))


def test_a_stored_value_is_not_one_that_an_agent_holds(aws: Server) -> None:
    """It counts once the agent has read the secret anew, and proves it; delivering again adds no version."""
    value, name = Delivered(), stored(aws, "an old key")
    with reading() as agent:
        given = delivery(aws, value, name, challenge=agent.url)
        for _ in range(2):
            AGENT.deliver(given)
        assert held(aws, name) == value.value
        assert versions(aws, name) == 2
        assert AGENT.attest(given).holding is Holding.OTHER
        agent.key = held(aws, name).encode()
        assert AGENT.attest(given).holding is Holding.NEW
        assert AGENT.attest(given).method == "challenge"
    assert AGENT.attest(given).holding is Holding.OTHER


def test_the_fields_of_others_stay(aws: Server) -> None:
    """In a secret of several fields, only those of this credential are written."""
    value, name = Delivered(), stored(aws, '{"user": "search", "SEARCH_KEY": "an old key", "port": 5}')
    given = delivery(aws, value, name, format="json")
    for _ in range(2):
        AGENT.deliver(given)
    assert json.loads(held(aws, name)) == {"user": "search", VARIABLE: value.value, "port": 5}
    assert versions(aws, name) == 2


def test_both_halves_of_a_key_are_stored_in_one_version(aws: Server) -> None:
    """A reader gets a pair, whenever it reads; the same value with another public half is stored anew."""
    value, name = Delivered(), stored(aws, "{}")
    for half, expected in (("id-1", 2), ("id-1", 2), ("id-2", 3)):
        pair = {VARIABLE: Half(name="SEARCH_ID", text=half)}
        AGENT.deliver(replace(delivery(aws, value, name, format="json"), beside=lambda: pair))  # noqa: B023
        assert json.loads(held(aws, name)) == {VARIABLE: value.value, "SEARCH_ID": half}
        assert versions(aws, name) == expected


def test_a_secret_of_another_form_is_left_alone(aws: Server) -> None:
    """Nothing is overwritten that could not be read."""
    name = stored(aws, "not a document")
    with pytest.raises(AgentError, match="no JSON object"):
        AGENT.deliver(delivery(aws, Delivered(), name, format="json"))
    assert held(aws, name) == "not a document"


@pytest.mark.parametrize(
    ("fault", "passes"), [("lose", True), ("fail", True), ("429", True), ("500", True), ("403", False)]
)
def test_a_fault_says_whether_trying_again_helps_and_holds_no_key(fault: str, passes: bool, aws: Server) -> None:
    """And trying again ends with the value stored, at most once."""
    value, name = Delivered(), stored(aws, "an old key")
    with before(aws.url) as proxy:
        proxy.fault(fault, value.value.encode())
        given = delivery(aws, value, name, base_url=proxy.url)
        with pytest.raises(AgentError) as failed:
            AGENT.deliver(given)
        assert failed.value.passes is passes
        said = f"{failed.value!r} {failed.value.__cause__!r} {failed.value.__context__!r}".encode()
        for kept in (value.value, aws.admin.value):
            assert [form for form, needle in forms(kept).items() if needle in said] == []
        AGENT.deliver(given)
    assert held(aws, name) == value.value
    assert versions(aws, name) == 2


def test_a_secret_that_is_not_there_is_not_made(aws: Server) -> None:
    """Its policies and its encryption are not ours to choose."""
    with pytest.raises(AgentError) as missing:
        AGENT.deliver(delivery(aws, Delivered(), "app/never-made"))
    assert missing.value.passes is False


def test_what_cannot_work_is_refused_when_the_agent_is_added() -> None:
    """A form that there is none of, and an agent that could not prove anything."""
    usual = ["secret_id=a", "admin=b", "access_key_id=c"]
    with pytest.raises(UsageError):
        agent_catalog.settings("aws_secret", [*usual, "challenge=http://127.0.0.1:1", "format=yaml"])
    with pytest.raises(UsageError):
        agent_catalog.settings("aws_secret", usual)
