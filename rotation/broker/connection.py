"""One connection of a client: requests are read strictly and bounded, answers written as they come, and a client that goes is noticed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import final

import h11

from keysweep.rotation.broker.exchange import Asked, BrokenAnswerError, Serve
from keysweep.rotation.broker.headers import Headers
from keysweep.rotation.broker.refusal import RefusedRequestError

_LARGEST_HEAD = 32 << 10
_MOST_HEADERS = 200
_BLOCK = 64 << 10
_HEAD_S, _BODY_S, _IDLE_S, _WRITE_S = 30.0, 60.0, 120.0, 60.0
_LOG = logging.getLogger(__name__)


@final
class Connection:
    """Serves one client until it leaves, or until something makes what follows on the connection doubtful.

    Args:
        reader: of the client.
        writer: to it.
        serve: answers one request.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, serve: Serve) -> None:
        self._reader = reader
        self._writer = writer
        self._serve = serve
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_LARGEST_HEAD)
        self._watch: asyncio.Task[None] | None = None
        self._gone = False
        self._first = True
        self.busy = False
        """A request is being answered."""
        self.last = False
        """Set from outside: this request is the last."""

    async def run(self) -> None:
        """Serve; returns when the connection has ended."""
        try:
            while await self._next() and not self.last:
                self._http.start_next_cycle()
                self._first = False
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._gone or task is None:
                raise
            task.uncancel()
        except (OSError, TimeoutError):
            return
        finally:
            await self._stop_watching()
            self._writer.close()

    async def _next(self) -> bool:
        """Answer the next request; return whether another one may follow on this connection."""
        try:
            async with asyncio.timeout(_HEAD_S if self._first else _IDLE_S):
                event = await self._event()
        except h11.RemoteProtocolError as error:
            await self._refuse(RefusedRequestError(error.error_status_hint, "protocol", "this is no sound request"))
            return False
        if not isinstance(event, h11.Request):
            return False
        self.busy = True
        try:
            return await self._answer(event)
        finally:
            self.busy = False

    async def _answer(self, request: h11.Request) -> bool:
        asked = Asked(method=request.method, target=request.target, headers=list(request.headers), body=self._body)
        try:
            size = len(asked.target) + sum(len(name) + len(value) for name, value in asked.headers)
            if len(asked.headers) > _MOST_HEADERS or size > _LARGEST_HEAD:
                raise RefusedRequestError(431, "headers", "the head of the request is too large")
            if _has_no_body(asked):
                await self._event()  # the end of the request
                self._begin_watching()
            await self._serve(asked, self)
        except RefusedRequestError as refused:
            await self._refuse(refused)
        except (BrokenAnswerError, h11.LocalProtocolError) as error:
            _LOG.warning("an answer could not be passed back whole (%s)", type(error).__name__)
            self._writer.transport.abort()
            return False
        except h11.RemoteProtocolError as error:
            await self._refuse(RefusedRequestError(error.error_status_hint, "protocol", "this is no sound request"))
        await self._stop_watching()
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the head of an answer."""
        await self._write(self._http.send(h11.Response(status_code=status, headers=headers)))

    async def send(self, block: bytes) -> None:
        """Send a part of its body; waits while the client is slow."""
        await self._write(self._http.send(h11.Data(data=block)))

    async def end(self) -> None:
        """Say that it is whole."""
        await self._write(self._http.send(h11.EndOfMessage()))

    async def _body(self) -> AsyncIterator[bytes]:
        if self._http.they_are_waiting_for_100_continue:
            await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        while True:
            async with asyncio.timeout(_BODY_S):
                event = await self._event()
            if not isinstance(event, h11.Data):
                break
            yield bytes(event.data)
        self._begin_watching()

    async def _event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        while True:
            event = self._http.next_event()
            if event is not h11.NEED_DATA:
                return event
            self._http.receive_data(await self._reader.read(_BLOCK))

    async def _write(self, data: bytes | None) -> None:
        if data:
            self._writer.write(data)
            async with asyncio.timeout(_WRITE_S):
                await self._writer.drain()

    async def _refuse(self, refused: RefusedRequestError) -> None:
        """Say why, if an answer was not begun; then nothing of the connection is trusted but one whose request was read to its end."""
        if self._http.our_state not in {h11.IDLE, h11.SEND_RESPONSE}:
            self._writer.transport.abort()
            return
        body = json.dumps(
            {"error": {"type": "keysweep_broker", "code": refused.code, "message": f"{refused.message}."}}
        )
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            (b"x-keysweep-broker", refused.code.encode()),
        ]
        if self._http.their_state is not h11.DONE:
            headers.append((b"connection", b"close"))
        await self.begin(refused.status, headers)
        await self.send(body.encode())
        await self.end()

    def _begin_watching(self) -> None:
        """Notice a client that goes while its answer is made: then its request is given up."""
        task = asyncio.current_task()
        if task is not None and self._watch is None:
            self._watch = asyncio.create_task(self._look_for_end(task))

    async def _look_for_end(self, serving: asyncio.Task[object]) -> None:
        more = 0
        with suppress(OSError):
            while more < _LARGEST_HEAD:
                data = await self._reader.read(_BLOCK)
                if not data:
                    break
                more += len(data)
                self._http.receive_data(data)  # of the next request: kept for it
            else:
                return
        self._gone = True
        serving.cancel()

    async def _stop_watching(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None and not watch.done():
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch


def _has_no_body(asked: Asked) -> bool:
    stated = [(name, value) for name, value in asked.headers if name in {b"content-length", b"transfer-encoding"}]
    return all(stating == (b"content-length", b"0") for stating in stated)
