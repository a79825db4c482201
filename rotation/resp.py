"""Redis's protocol, as much of it as ACLs need: one fresh connection, one time limit for everything, no key in any error."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import final

from keysweep.rotation.providers import ProviderError, Trouble

_LARGEST = 4 << 20
_DEEPEST = 8
Reply = str | int | None | list["Reply"]
"""What a server answers; text is decoded byte by byte."""


class ServerError(Exception):
    """The server's own refusal of a command; the message begins with its code, and may repeat what was sent."""

    @property
    def code(self) -> str:
        """WRONGPASS, NOPERM, LOADING ..."""
        return str(self).partition(" ")[0][:40]


@final
class Connection:
    """One connection.

    Args:
        sock: connected.
        until: on the monotonic clock; nothing is waited for beyond.
    """

    def __init__(self, sock: socket.socket, until: float) -> None:
        self._socket = sock
        self._until = until
        self._unread = bytearray()

    def command(self, *words: str) -> Reply:
        """Send one command and return its reply.

        Raises:
            ServerError: the server refused it.
            ProviderError: there was no answer, or none that can be read.
        """
        encoded = [word.encode() for word in words]
        sent = b"".join([b"*%d\r\n" % len(encoded), *(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)])
        try:
            self._limit()
            self._socket.sendall(sent)
            return self._reply()
        except (OSError, EOFError):
            msg = "the server gave no answer"
            raise ProviderError(msg, trouble=Trouble.UNCERTAIN) from None

    def _reply(self, depth: int = 0) -> Reply:
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest.decode("latin-1")
        if kind == b"-":
            raise ServerError(rest.decode("latin-1"))
        try:
            number = int(rest)
        except ValueError:
            number = -2
        if kind == b":":
            return number
        if kind in {b"$", b"*"} and -1 <= number <= _LARGEST and depth < _DEEPEST:
            if number == -1:
                return None
            if kind == b"$":
                return self._exactly(number + 2)[:-2].decode("latin-1")
            return [self._reply(depth + 1) for _ in range(number)]
        msg = "the answer is not Redis's"
        raise ProviderError(msg, trouble=Trouble.UNREADABLE)

    def _line(self) -> bytes:
        while (end := self._unread.find(b"\r\n")) < 0:
            self._more()
        return self._exactly(end + 2)[:-2]

    def _exactly(self, count: int) -> bytes:
        while len(self._unread) < count:
            self._more()
        taken = bytes(self._unread[:count])
        del self._unread[:count]
        return taken

    def _more(self) -> None:
        self._limit()
        if not (block := self._socket.recv(1 << 16)):
            raise EOFError
        self._unread += block
        if len(self._unread) > _LARGEST:
            msg = f"the server sent more than {_LARGEST} bytes"
            raise ProviderError(msg, trouble=Trouble.UNREADABLE)

    def _limit(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._socket.settimeout(left)


@contextmanager
def connected(host: str, port: int, *, timeout_s: float, tls: ssl.SSLContext | None) -> Iterator[Connection]:
    """Connect afresh for the length of a block.

    Raises:
        ProviderError: BUSY where nobody listens: nothing was done.
    """
    until = time.monotonic() + timeout_s
    try:
        raw = socket.create_connection((host, port), timeout=timeout_s)
    except OSError:
        msg = f"no connection to {host}"
        raise ProviderError(msg, trouble=Trouble.BUSY) from None
    with raw:
        try:
            raw.settimeout(timeout_s)
            sock = tls.wrap_socket(raw, server_hostname=host) if tls else raw
        except (OSError, ValueError):
            msg = f"no encrypted connection to {host}"
            raise ProviderError(msg, trouble=Trouble.BUSY) from None
        with sock:
            yield Connection(sock, until)
