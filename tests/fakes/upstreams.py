"""An upstream whose every byte a test decides: it reads requests by itself, and answers with what the test's script sends."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True)
class Received:
    """A request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    """Names in lower case."""
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the value of a header; it must not stand twice."""
        values = [value for known, value in self.headers if known == name]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


Script = Callable[[Received, socket.socket], bool]
"""Sends an answer; returns whether the connection goes on."""


def plain(status: int = 200, body: bytes = b"{}", *headers: str) -> Script:
    """Answer with a body of a stated length."""

    def script(request: Received, client: socket.socket) -> bool:
        lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", *headers]
        client.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + (b"" if request.method == "HEAD" else body))
        return True

    return script


def chunks(client: socket.socket, *blocks: bytes, headers: str = "") -> None:
    """Send the head of an answer in chunks, then each block as one chunk and one packet."""
    client.sendall(f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{headers}\r\n".encode())
    for block in blocks:
        client.sendall(f"{len(block):x}\r\n".encode() + block + b"\r\n")


LAST_CHUNK = b"0\r\n\r\n"


class Upstream:
    """Serves on a port of this machine."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.script: Script = plain()
        self.received: list[Received] = []
        self._context = context
        self._clients: list[socket.socket] = []
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def reset(self, script: Script | None = None) -> None:
        """Forget what came, and answer by another script."""
        self.received.clear()
        self.script = script or plain()

    def close(self) -> None:
        """End everything."""
        self._listening.close()
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            self._clients.append(client)
            with client, client.makefile("rb") as lines:
                while (request := _read(lines)) is not None:
                    self.received.append(request)
                    if not self.script(request, client):
                        return


@contextmanager
def running_upstream(context: ssl.SSLContext | None = None) -> Iterator[Upstream]:
    """Serve for the length of a block."""
    upstream = Upstream(context)
    try:
        yield upstream
    finally:
        upstream.close()


def _read(lines: BinaryIO) -> Received | None:
    """Read one request; None at the end of the connection."""
    first = lines.readline().decode()
    if not first:
        return None
    method, target, _ = first.split()
    headers: list[tuple[str, str]] = []
    while (line := lines.readline().decode().strip()) != "":
        name, _, value = line.partition(":")
        headers.append((name.lower(), value.strip()))
    stated = dict(headers)
    body = b""
    if stated.get("transfer-encoding") == "chunked":
        while size := int(lines.readline(), 16):
            body += lines.read(size)
            lines.readline()
        lines.readline()
    else:
        body = lines.read(int(stated.get("content-length", "0")))
    return Received(method, target, tuple(headers), body)
