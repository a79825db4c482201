"""An agent that is told over HTTP: signed as Standard Webhooks are, with the value behind TLS only, and asked for a proof."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.agents.webhook import AGENT
from tests.fakes.deliveries import VARIABLE, Delivered, free_port

SIGNING = base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


class Receiver(ThreadingHTTPServer):
    """An agent that takes what it is told, and proves what it took."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = b"an old key"
        self.status = 204
        self.messages: list[tuple[Message, bytes]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/challenge":
            nonce = json.loads(body)["nonce"]
            proof = hmac.new(self.server.key, f"keysweep-challenge-v1:{nonce}".encode(), hashlib.sha256).hexdigest()
            self._send(200, json.dumps({"proof": proof}).encode())
            return
        self.server.messages.append((self.headers, body))
        if self.server.status == 204:
            self.server.key = json.loads(body)["data"].get("value", "").encode() or self.server.key
        self._send(self.server.status, b"")

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(folder: Path, *, tls: bool) -> Iterator[tuple[Receiver, dict[str, str]]]:
    """Run the agent, and yield it with the settings that lead to it."""
    receiver, settings = Receiver(), {"secret_file": str(folder / "signing")}
    (folder / "signing").write_text(f"whsec_{SIGNING}\n")
    (folder / "signing").chmod(0o600)
    scheme = "https" if tls else "http"
    if tls:
        settings["ca_file"] = str(_certificate(folder))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "server.pem")
        receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    address = f"{scheme}://127.0.0.1:{receiver.server_address[1]}"
    settings |= {"url": f"{address}/keys", "challenge": f"http://127.0.0.1:{receiver.server_address[1]}/challenge"}
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver, settings
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def _certificate(folder: Path) -> Path:
    """Make a certificate for this machine that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "agent")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = made.public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(private + public)
    (folder / "ca.pem").write_bytes(public)
    return folder / "ca.pem"


def test_by_tls_the_message_holds_the_value(tmp_path: Path) -> None:
    """And the agent that took it is believed when it proves it, not when it answers 2xx."""
    delivered = Delivered()
    with serving(tmp_path, tls=True) as (receiver, settings), serving(tmp_path, tls=False) as (proving, plain):
        whole = {**settings, "challenge": plain["challenge"]}
        AGENT.deliver(delivered.to(whole))
        AGENT.activate(delivered.to(whole))
        assert receiver.key == delivered.value.encode()
        assert AGENT.attest(delivered.to(whole)).holding is Holding.OTHER
        proving.key = receiver.key
        assert AGENT.attest(delivered.to(whole)).holding is Holding.NEW


def test_without_tls_the_message_holds_no_value(tmp_path: Path) -> None:
    """It says that there is a new one; the agent asks for it itself.  Nothing is opened for it."""
    delivered = Delivered()
    with serving(tmp_path, tls=False) as (receiver, settings):
        AGENT.deliver(delivered.to(settings))
        ((_, body),) = receiver.messages
    assert json.loads(body)["data"] == {
        "agent": "search", "variable": VARIABLE, "version": 2, "fingerprint": "kf:000000000000", "forced": False,
    }  # fmt: skip
    assert delivered.opened == []


def test_a_server_that_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    """A private certificate counts only if it is named."""
    delivered = Delivered()
    with serving(tmp_path, tls=True) as (receiver, settings):
        del settings["ca_file"]
        with pytest.raises(AgentError):
            AGENT.deliver(delivered.to(settings))
        assert receiver.messages == []


def test_messages_are_signed_as_standard_webhooks_are(tmp_path: Path) -> None:
    """Over id, time and body; each is one of its own, also the second of the same."""
    delivered = Delivered()
    with serving(tmp_path, tls=False) as (receiver, settings):
        AGENT.deliver(delivered.to(settings))
        AGENT.deliver(delivered.to(settings))
    assert len({headers["webhook-id"] for headers, _ in receiver.messages}) == 2
    for headers, body in receiver.messages:
        assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
        signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
        expected = base64.b64encode(hmac.new(base64.b64decode(SIGNING), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{expected}"


@pytest.mark.parametrize(("status", "passes"), [(500, True), (429, True), (400, False), (301, False)])
def test_an_answer_other_than_2xx_is_an_error(status: int, passes: bool, tmp_path: Path) -> None:
    """That says whether trying again may help; no redirect is followed with a key in hand."""
    delivered = Delivered()
    with serving(tmp_path, tls=False) as (receiver, settings):
        receiver.status = status
        with pytest.raises(AgentError) as failed:
            AGENT.deliver(delivered.to(settings))
    assert failed.value.passes is passes


def test_an_agent_that_is_down_may_be_tried_again(tmp_path: Path) -> None:
    """Nobody listens."""
    with serving(tmp_path, tls=False) as (_, settings):
        pass
    with pytest.raises(AgentError) as failed:
        AGENT.deliver(Delivered().to({**settings, "url": f"http://127.0.0.1:{free_port()}/"}))
    assert failed.value.passes


@pytest.mark.parametrize("mode", [0o644, 0o640])
def test_a_signing_secret_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    """Whoever reads it could tell the agent anything."""
    with serving(tmp_path, tls=False) as (receiver, settings):
        (tmp_path / "signing").chmod(mode)
        with pytest.raises(AgentError):
            AGENT.deliver(Delivered().to(settings))
        assert receiver.messages == []


def test_another_machine_is_not_called_without_tls() -> None:
    """When the agent is added."""
    with pytest.raises(UsageError):
        agent_catalog.settings(
            "webhook", ["url=http://elsewhere.example/", "secret_file=/x", "challenge=https://x.example/"]
        )
