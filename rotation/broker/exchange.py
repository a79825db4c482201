"""One request through the broker: the placeholder goes in, the key goes out to one host, and the answer comes back without it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Protocol, final

import httpcore2

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.broker import headers, target
from keysweep.rotation.broker.headers import Headers
from keysweep.rotation.broker.keys import Key, Keys
from keysweep.rotation.broker.mask import Mask
from keysweep.rotation.broker.refusal import RefusedRequestError
from keysweep.rotation.broker.routes import Route

_CONNECT_S, _WRITE_S = 10.0, 60.0
_METHODS = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"})
_LOG = logging.getLogger(__name__)

Body = Callable[[], AsyncIterator[bytes]]
"""Reads the body of a request from whoever sends it, as it comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came."""

    method: bytes
    target: bytes
    headers: Headers
    """Names in lower case."""
    body: Body


class Client(Protocol):
    """Whoever gets the answer."""

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of the answer."""
        ...

    async def send(self, block: bytes) -> None:
        """Send a part of its body; waits while the client is slow."""
        ...

    async def end(self) -> None:
        """Say that it is whole."""
        ...


@final
class Exchange:
    """Passes requests on.

    Args:
        keys: what is served.
        pool: of connections to upstreams, whose certificates it checks.
        is_meant: whether a `Host` header names this broker.
        timeout_s: for each wait for an upstream's next byte.
    """

    def __init__(
        self, keys: Keys, pool: httpcore2.AsyncConnectionPool, is_meant: Callable[[bytes], bool], timeout_s: float
    ) -> None:
        self._keys = keys
        self._pool = pool
        self._is_meant = is_meant
        self._timeouts = {"connect": _CONNECT_S, "read": timeout_s, "write": _WRITE_S, "pool": _CONNECT_S}

    async def serve(self, asked: Asked, client: Client) -> None:
        """Answer one request.

        Raises:
            RefusedRequestError: it is not passed on, or no answer came; nothing was sent to the client.
            BrokenAnswerError: the upstream ended in the middle of its answer.
        """
        route, rest, shown, size = self._read(asked)
        key = self._take(route)
        again = False
        try:
            async with self._sent(asked, route, rest, shown, size, key) as answer:
                again = answer.status == 401 and size == 0
                if not again or not await self._has_changed(route, key):
                    await _pass_back(answer, key, client)
                    return
        finally:
            self._keys.give_back(key)
        fresh = self._take(route)
        try:
            async with self._sent(asked, route, rest, shown, size, fresh) as answer:
                await _pass_back(answer, fresh, client)
        finally:
            self._keys.give_back(fresh)

    def _read(self, asked: Asked) -> tuple[Route, bytes, headers.Shown, int | None]:
        """Check everything about a request before anything of it leaves.

        Raises:
            RefusedRequestError: it is not passed on.
        """
        if asked.method not in _METHODS:
            raise RefusedRequestError(405, "method", "the broker has no such method")
        hosts = [value for name, value in asked.headers if name == b"host"]
        if len(hosts) != 1 or not self._is_meant(hosts[0]):
            raise RefusedRequestError(421, "host", "this is another host")
        if any(name == b"upgrade" for name, _ in asked.headers):
            raise RefusedRequestError(501, "upgrade", "the broker passes no other protocol on")
        size = headers.length(asked.headers)
        variable, rest = target.read(asked.target)
        route = self._keys.route(variable)
        if route is None:
            raise RefusedRequestError(404, "variable", "the agent has no such variable")
        try:
            shown = headers.shown(
                asked.headers, route, lambda presented: self._keys.is_placeholder(presented, route.credential)
            )
        except RefusedRequestError:
            self._keys.refused(route.credential)
            raise
        return route, rest, shown, size

    def _take(self, route: Route) -> Key:
        key = self._keys.take(route.credential)
        if key is None:
            raise RefusedRequestError(503, "no-key", f"there is no value for {route.variable} that may be served")
        return key

    async def _has_changed(self, route: Route, key: Key) -> bool:
        """Ask the store once more after a 401: a rotation may have been faster than our look at it."""
        with suppress(KeysweepError):
            await self._keys.look()
        fresh = self._keys.take(route.credential)
        if fresh is None:
            return False
        self._keys.give_back(fresh)
        return fresh.version != key.version

    @asynccontextmanager
    async def _sent(
        self, asked: Asked, route: Route, rest: bytes, shown: headers.Shown, size: int | None, key: Key
    ) -> AsyncIterator[httpcore2.Response]:
        """Send the request on, for as long as its answer is read.

        Raises:
            RefusedRequestError: no answer came.
        """
        upstream = route.upstream
        request = httpcore2.Request(
            asked.method,
            httpcore2.URL(
                scheme=upstream.scheme.encode(),
                host=upstream.host.encode(),
                port=upstream.port,
                target=(upstream.base.encode() + rest) or b"/",
            ),
            headers=headers.outgoing(asked.headers, route, shown, key.secret, size),
            content=None if size == 0 else asked.body(),
            extensions={"timeout": self._timeouts},
        )
        try:
            answer = await self._pool.handle_async_request(request)
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise _unreached(route, error) from None
        except httpcore2.TimeoutException:
            raise RefusedRequestError(504, "timeout", f"{upstream.host} did not answer in time") from None
        except (httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _unreached(route, error) from None
        try:
            yield answer
        finally:
            await answer.aclose()


class BrokenAnswerError(Exception):
    """An answer that ended before it was whole: its client must see that, too."""


async def _pass_back(answer: httpcore2.Response, key: Key, client: Client) -> None:
    if answer.status < 200:
        raise RefusedRequestError(502, "upgrade", "the upstream changed to another protocol")
    shown = headers.incoming(answer.headers, key.forms.cover)
    mask = Mask(key.forms)
    await client.begin(answer.status, shown)
    try:
        async for block in answer.aiter_stream():
            if covered := mask.feed(block):
                await client.send(covered)
    except (httpcore2.NetworkError, httpcore2.ProtocolError, httpcore2.TimeoutException) as error:
        msg = type(error).__name__
        raise BrokenAnswerError(msg) from None
    if rest := mask.end():
        await client.send(rest)
    await client.end()


def _unreached(route: Route, error: Exception) -> RefusedRequestError:
    _LOG.warning("%s: no answer from %s (%s)", route.variable, route.upstream.host, type(error).__name__)
    return RefusedRequestError(502, "upstream", f"no answer from {route.upstream.host}")


Serve = Callable[[Asked, Client], Awaitable[None]]
"""What a connection does with a request."""
