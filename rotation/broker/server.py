"""The process of one broker: it listens on this machine, says in its row which versions it serves, and may run the agent itself."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import ssl
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import final

import httpcore2

from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation import instances
from keysweep.rotation.broker.connection import Connection
from keysweep.rotation.broker.exchange import Exchange
from keysweep.rotation.broker.keys import Keys
from keysweep.rotation.broker.listen import Address
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.vault.unlock import OpenVault

KIND = "broker"
"""The kind of agent that has a broker."""
_POLL_S = 0.1
_MOST_CLIENTS = 512
_MOST_UPSTREAMS = 256
_IDLE_UPSTREAMS = 32
_IDLE_S = 15.0
_TIMEOUT_S = 600.0
"""A model may think for minutes before its first byte."""

Ready = Callable[[Address], None]
"""Told where the broker listens, once it does."""


def agent_of(opened: OpenVault, name: str) -> instances.AgentRecord:
    """Return an agent that has a broker.

    Raises:
        UnknownAgentError: there is none of that name.
        UsageError: it gets its keys in another way, or has none.
    """
    with opened.database.read() as connection:
        agent = instances.agent_named(connection, name)
    if agent.kind != KIND:
        msg = f"agent {name!r} is of the kind {agent.kind!r}: it holds its keys itself"
        raise UsageError(msg, hint=f"keysweep agents add NAME --kind {KIND}")
    if not agent.bindings:
        msg = f"agent {name!r} has no credential"
        raise UsageError(msg, hint=f"keysweep agents bind {name} CREDENTIAL")
    return agent


@final
class Broker:
    """Serves one agent until it is told to end.

    Args:
        opened: the unlocked store.
        agent: whose requests it passes on.
        address: where it listens.
        own: placeholders that were made for this process alone.
    """

    def __init__(
        self,
        opened: OpenVault,
        agent: instances.AgentRecord,
        address: Address,
        own: Mapping[CredentialId, Fingerprint] | None = None,
    ) -> None:
        self._opened = opened
        self._agent = agent
        self._address = address
        self._own = own
        self._clients: dict[asyncio.Task[None], Connection] = {}

    async def run(self, ready: Ready, ended: asyncio.Event) -> None:
        """Serve until *ended* is set; requests in flight get their grace then.

        Raises:
            UsageError: it cannot listen there, or a variable leads nowhere.
        """
        for chatty in ("httpcore2", "httpx2"):
            logging.getLogger(chatty).setLevel(logging.WARNING)  # at their lowest level they write headers
        listening = _listen(self._address)
        with self._opened.database.write() as connection:
            identifier = instances.register(connection, self._agent.name, self._opened.clock())
        keys = Keys(self._opened, self._agent.name, identifier, self._own)
        keeping: asyncio.Task[None] | None = None
        try:
            async with self._pool() as pool:
                await keys.look()
                address = _bound(self._address, listening)
                exchange = Exchange(keys, pool, address.is_meant, self._timeout_s())
                server = await asyncio.start_server(self._client_of(exchange), sock=listening)
                keeping = asyncio.create_task(keys.keep(_POLL_S))
                ready(address)
                await ended.wait()
                server.close()
                await self._let_go()
        finally:
            if keeping is not None:
                keeping.cancel()
                with suppress(asyncio.CancelledError):
                    await keeping
            listening.close()
            if self._address.path:
                Path(self._address.path).unlink(missing_ok=True)
            keys.close()
            with self._opened.database.write() as connection:
                instances.stop(connection, identifier, self._opened.clock())

    def _client_of(self, exchange: Exchange) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]:
        def arrived(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            if len(self._clients) >= _MOST_CLIENTS:
                writer.close()
                return
            client = Connection(reader, writer, exchange.serve)
            task = asyncio.create_task(client.run())
            self._clients[task] = client
            task.add_done_callback(lambda done: self._clients.pop(done, None))

        return arrived

    async def _let_go(self) -> None:
        """End idle connections at once, and the others when they are done or their grace is over."""
        for task, client in list(self._clients.items()):
            client.last = True
            if not client.busy:
                task.cancel()
        if self._clients:
            await asyncio.wait(list(self._clients), timeout=self._opened.settings.rotation.stop_grace_s)
        left = list(self._clients)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _pool(self) -> httpcore2.AsyncConnectionPool:
        """Return connections to upstreams: certificates are checked, nothing is taken from the environment, no redirect is followed."""
        import httpx2

        authority = self._agent.settings.get("authority")
        try:
            context = ssl.create_default_context(cafile=authority) if authority else None
        except (OSError, ssl.SSLError):
            msg = f"{authority} holds no certificates"
            raise UsageError(msg) from None
        return httpcore2.AsyncConnectionPool(
            ssl_context=context or httpx2.create_ssl_context(trust_env=False),
            max_connections=_MOST_UPSTREAMS,
            max_keepalive_connections=_IDLE_UPSTREAMS,
            keepalive_expiry=_IDLE_S,
            http1=True,
            http2=False,
            retries=0,
        )

    def _timeout_s(self) -> float:
        return float(self._agent.settings.get("timeout", _TIMEOUT_S))


def end_on_signals(ended: asyncio.Event) -> None:
    """Let SIGTERM and SIGINT end the broker."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)


def _listen(address: Address) -> socket.socket:
    """Return the socket that the broker listens on.

    Raises:
        UsageError: it cannot be had.
    """
    if address.path:
        return _listen_at(Path(address.path))
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # The protocol is named, else asyncio lets small answers wait.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address.host, address.port))
    except OSError as error:
        listening.close()
        msg = f"cannot listen at {address.authority}: {error.strerror}"
        raise UsageError(msg, hint="another port: --listen 127.0.0.1:PORT") from None
    return listening


def _listen_at(path: Path) -> socket.socket:
    """Listen at a path that only this user may use; a socket that nobody listens at any more is replaced."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode) and _is_left(path):
                path.unlink()
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        msg = f"cannot listen at {path}: {error.strerror}"
        raise UsageError(msg) from None
    finally:
        os.umask(mask)
    return listening


def _is_left(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False


def _bound(address: Address, listening: socket.socket) -> Address:
    """Return the address with the port that was given."""
    return address if address.path else address._replace(port=listening.getsockname()[1])
