"""A broker in a thread of the test, on a store of the test, and requests to it byte by byte."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from keysweep.rotation import instances
from keysweep.rotation.broker import placeholders
from keysweep.rotation.broker.listen import Address
from keysweep.rotation.broker.server import Broker, agent_of
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.stores import NAMES, VARIABLES, World

AGENT = "brokered"
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Running:
    """A broker that listens."""

    address: Address
    placeholders: Mapping[str, str]
    """By variable."""

    def url(self, variable: str, path: str = "") -> str:
        """Return the address that stands for a vendor's."""
        return f"{self.address.url}/{variable}{path}"

    def send(self, raw: bytes) -> Answer:
        """Send bytes on a connection of its own, and read one answer."""
        with self.connect() as client:
            client.sendall(raw)
            return read(client)

    def connect(self) -> socket.socket:
        """Return a new connection."""
        return socket.create_connection((self.address.host, self.address.port), timeout=_PATIENCE_S)

    def request(
        self,
        method: str,
        target: str,
        *headers: str,
        host: str | None = None,
        bearer: str | None = "",
        body: bytes = b"",
    ) -> bytes:
        """Return the bytes of a request; with the placeholder of the OpenAI credential, unless told otherwise."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host or self.address.authority}", *headers]
        if bearer is not None:
            lines.append(f"Authorization: Bearer {bearer or self.placeholders[VARIABLES['openai']]}")
        if body:
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    whole: bool
    """It did not break off."""

    @property
    def refused(self) -> str | None:
        """Why the broker refused, None if the answer is an upstream's."""
        return self.headers.get("x-keysweep-broker")


def read(client: socket.socket) -> Answer:
    """Read one answer with a reader that is not the product's."""
    from http.client import HTTPException, HTTPResponse

    answer = HTTPResponse(client)
    answer.begin()
    try:
        body, whole = answer.read(), True
    except (HTTPException, ConnectionError) as error:
        body, whole = getattr(error, "partial", b""), False
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body, whole)


def add_agent(opened: OpenVault, *kinds: str, settings: Mapping[str, str] | None = None) -> None:
    """Add an agent that has a broker, bound to the credentials of some kinds."""
    with opened.database.write() as connection:
        instances.add_agent(connection, AGENT, "broker", settings or {}, opened.clock())
        for kind in kinds:
            credential = store.credential_named(connection, NAMES[kind])
            instances.bind(connection, AGENT, VARIABLES[kind], credential.id)


@contextmanager
def running_broker(world: World, *, listen: str = "127.0.0.1:0") -> Iterator[Running]:
    """Serve the agent for the length of a block."""
    started, failed = threading.Event(), []
    told: list[Address] = []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def ready(address: Address) -> None:
        told.append(address)
        started.set()

    async def serve(opened: OpenVault) -> None:
        ended = asyncio.Event()
        stop.append((asyncio.get_running_loop(), ended))
        await Broker(opened, agent_of(opened, AGENT), Address.parse(listen)).run(ready, ended)

    def work(opened: OpenVault) -> None:
        try:
            asyncio.run(serve(opened))
        except BaseException as error:
            failed.append(error)
            raise
        finally:
            started.set()

    with world.open() as opened:
        made = placeholders.renew(opened, AGENT, actor="cli:test")
        thread = threading.Thread(target=work, args=(opened,), daemon=True)
        thread.start()
        assert started.wait(_PATIENCE_S)
        assert not failed, failed
        try:
            yield Running(told[0], {variable: secret.reveal_text() for variable, secret in made.items()})
        finally:
            loop, ended = stop[0]
            loop.call_soon_threadsafe(ended.set)
            thread.join(_PATIENCE_S)
            assert not thread.is_alive()
