"""A proxy before a real server that lets chosen calls go wrong: after the server has acted, or before."""

from __future__ import annotations

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Faulty:
    """Where it listens, and what goes wrong next."""

    url: str
    faults: list[tuple[str, bytes]] = field(default_factory=list)
    """What happens, and what the request's line or body then holds; each once.  `lose`: the server acts, the connection is closed.
    `fail`: it acts, and 500 is answered.  A number: it does not act, and that status is answered."""

    def fault(self, what: str, where: bytes) -> None:
        """Let the next such call go wrong."""
        self.faults.append((what, where))


@contextmanager
def before(upstream: str) -> Iterator[Faulty]:
    """Stand before a server for the length of a block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Say nothing: a request could hold a key."""

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            seen = self.requestline.encode() + b"\n" + body
            hit = next((one for one in faulty.faults if one[1] in seen), None)
            if hit:
                faulty.faults.remove(hit)
            if hit and hit[0].isdecimal():
                self._send(int(hit[0]), b"injected")
                return
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            request = urllib.request.Request(
                upstream + self.path, data=body or None, headers=headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as answer:
                    status, content = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    status, content = error.code, error.read()
            if hit and hit[0] == "lose":
                self.close_connection = True
            elif hit:
                self._send(500, b"injected")
            else:
                self._send(status, content)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  the names that the base class calls

        def _send(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    faulty = Faulty(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield faulty
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
