"""The loop of the resident process: questions of bounded size and time, one connection each, answered in turn by user.

Whoever connects and says nothing, or too slowly, loses its connection when others need it.  One thread works on the store; a user
has one question there at a time, so that many questions of one user delay another's by one.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from traceback import extract_tb
from typing import final

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.daemon import protocol
from keysweep.rotation.daemon.peer import Peer, peer_of
from keysweep.rotation.daemon.protocol import MalformedError, Question

_LOG = logging.getLogger(__name__)
_PIECE = 1 << 16
_REST_S = 5.0
"""How long nothing must have been asked for what may wait."""
_TIRED_S = 0.05
"""Between two tries to accept where the machine has no descriptor left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one user, and all of them together, may take up."""

    question_s: float = 2.0
    """In which a question must be there whole."""
    turn_s: float = 4.5
    """In which its turn must come; whoever asked does not wait longer."""
    answer_s: float = 5.0
    """In which an answer must be taken."""
    each: int = 64
    """Connections of one user."""
    all: int = 256
    end_s: float = 3.0
    """In which what is being answered must end when the process is told to."""


@final
class _Line:
    """One connection whose question is not there yet, or is being answered."""

    __slots__ = ("connection", "peer", "task", "waits")

    def __init__(self, connection: socket.socket, peer: Peer) -> None:
        self.connection = connection
        self.peer = peer
        self.task: asyncio.Task[None] | None = None
        self.waits = True
        """Its question is not there yet."""


@final
class Server:
    """Serves one socket until it is told to end.

    Args:
        listener: the socket.
        answer: works on the store; called from one thread only.
        rest: does what may wait, on the same thread.
        limits: of connections and times.
    """

    def __init__(
        self,
        listener: socket.socket,
        answer: Callable[[Peer, Question], bytearray],
        rest: Callable[[], None] = lambda: None,
        limits: Limits | None = None,
    ) -> None:
        self._listener = listener
        self._answer = answer
        self._rest = rest
        self._limits = limits or Limits()
        self._lines: dict[_Line, None] = {}
        self._turns: dict[int, asyncio.Lock] = {}
        self._worker = ThreadPoolExecutor(1, "answers")

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until SIGTERM or SIGINT."""
        try:
            asyncio.run(self._run(ready))
        finally:
            self._worker.shutdown()

    async def _run(self, ready: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        self._listener.setblocking(False)  # noqa: FBT003  its shape
        accepting, resting = loop.create_task(self._accept()), loop.create_task(self._look_round())
        ready()
        await ended.wait()
        for task in (accepting, resting, *(line.task for line in self._lines if line.waits)):
            if task is not None:
                task.cancel()
        left = [line.task for line in self._lines if line.task is not None]
        if left:
            _, late = await asyncio.wait(left, timeout=self._limits.end_s)
            for task in late:
                task.cancel()
        await asyncio.gather(accepting, resting, *left, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                await asyncio.sleep(_TIRED_S)
                continue
            try:
                connection.setblocking(False)  # noqa: FBT003  its shape
                line = _Line(connection, peer_of(connection, own=os.getuid()))
            except OSError:
                connection.close()
                continue
            if not self._has_room(line.peer.uid):
                _send_at_once(connection, protocol.write_refusal(protocol.BUSY))
                connection.close()
                continue
            self._lines[line] = None
            line.task = loop.create_task(self._attend(line))
            line.task.add_done_callback(partial(self._done, line))  # asked of one that never began, too
            await asyncio.sleep(0)  # else whoever connects and connects would let nobody be heard

    async def _look_round(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(_REST_S)
            self._turns = {uid: turn for uid, turn in self._turns.items() if turn.locked()}
            if not self._lines:
                await loop.run_in_executor(self._worker, self._rested)

    def _rested(self) -> None:
        try:
            self._rest()
        except KeysweepError as error:
            _LOG.warning("%s", error.message)

    def _has_room(self, uid: int) -> bool:
        """Whether one more connection fits; where there are too many, the oldest ends that has not asked yet."""
        lines = [line for line in self._lines if line.peer.uid == uid]
        if len(lines) < self._limits.each:
            if len(self._lines) < self._limits.all:
                return True
            by_user: dict[int, list[_Line]] = {}
            for line in self._lines:
                by_user.setdefault(line.peer.uid, []).append(line)
            lines = max(by_user.values(), key=len)
        oldest = next((line for line in lines if line.waits), None)
        if oldest is None or oldest.task is None:
            return False
        del self._lines[oldest]
        oldest.task.cancel()
        return True

    async def _attend(self, line: _Line) -> None:
        """Read one question, answer it, and close."""
        answer: bytearray | None = None
        try:
            async with asyncio.timeout(self._limits.question_s):
                question = await self._question(line)
            line.waits = False
            answer = await self._answered(line.peer, question)
            async with asyncio.timeout(self._limits.answer_s):
                await asyncio.get_running_loop().sock_sendall(line.connection, answer)
        except (TimeoutError, OSError):
            pass
        except MalformedError:
            _send_at_once(line.connection, protocol.write_refusal(protocol.MALFORMED))
        finally:
            if answer is not None:
                answer[:] = bytes(len(answer))

    def _done(self, line: _Line, _task: asyncio.Task[None]) -> None:
        self._lines.pop(line, None)
        line.connection.close()

    async def _question(self, line: _Line) -> Question:
        loop = asyncio.get_running_loop()
        raw = bytearray()
        while b"\n" not in raw[-_PIECE:]:
            piece = await loop.sock_recv(line.connection, _PIECE)
            raw += piece
            if not piece or len(raw) > protocol.LARGEST:
                raise MalformedError
        return protocol.read_question(bytes(raw))

    async def _answered(self, peer: Peer, question: Question) -> bytearray:
        turn = self._turns.setdefault(peer.uid, asyncio.Lock())
        try:
            async with asyncio.timeout(self._limits.turn_s):
                await turn.acquire()
        except TimeoutError:
            return protocol.write_refusal(protocol.BUSY)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._worker, self._worked, peer, question)
        finally:
            turn.release()

    def _worked(self, peer: Peer, question: Question) -> bytearray:
        try:
            return self._answer(peer, question)
        except KeysweepError as error:
            _LOG.warning("%s", error.message)
            return protocol.write_refusal(protocol.UNAVAILABLE, error.message, error.hint or "")
        except Exception as error:  # noqa: BLE001  the daemon's loop: a bug ends one answer, and is said without values
            places = ", ".join(f"{frame.filename}:{frame.lineno}" for frame in extract_tb(error.__traceback__)[-3:])
            _LOG.error("bug: %s at %s", type(error).__name__, places)
            return protocol.write_refusal(protocol.FAILED)


def _send_at_once(connection: socket.socket, answer: bytearray) -> None:
    """Send a short answer, or none where it would have to wait."""
    with suppress(OSError):
        connection.send(answer)
