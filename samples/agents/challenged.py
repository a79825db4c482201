"""An agent that proves which key it holds (docs/attestation.md), and reads its key again when it is told to.

`challenged.py SEARCH_KEY --port 8099` takes the key from SEARCH_KEY, from the file that SEARCH_KEY_FILE names, or from the
descriptor SEARCH_KEY_FD.  It answers `GET /ready` and `POST /challenge`, and on SIGHUP takes the key from there again.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def read_key(variable: str, file: str | None) -> bytes:
    """Take the key from where it was put."""
    if path := file or os.environ.get(f"{variable}_FILE"):
        return Path(path).read_bytes()
    if descriptor := os.environ.get(f"{variable}_FD"):
        return os.read(int(descriptor), 1 << 16)
    return os.environ[variable].encode()


class Agent:
    """Holds one key."""

    def __init__(self, variable: str, file: str | None) -> None:
        self.variable = variable
        self.file = file
        self.key = read_key(variable, file)
        self.ready_at = 0.0

    def reload(self) -> None:
        """Take the key again."""
        self.key = read_key(self.variable, self.file)

    def answer(self, question: object) -> dict[str, str] | None:
        """Prove that we hold the key, to whoever holds it too; None for what is no question to us."""
        match question:
            case {"protocol": "keysweep-challenge-v1", "variable": self.variable, "nonce": str(nonce), **more}:
                half = f":{os.environ.get(str(more['id_variable']), '')}" if "id_variable" in more else ""
                message = f"keysweep-challenge-v1:{nonce}{half}".encode()
                return {"proof": hmac.new(self.key, message, hashlib.sha256).hexdigest()}
            case _:
                return None


def serve(agent: Agent, port: int, *, share_port: bool) -> ThreadingHTTPServer:
    """Answer on this machine only."""

    class Handler(BaseHTTPRequestHandler):
        """Two addresses."""

        def do_GET(self) -> None:
            """Say whether we are ready."""
            self._send(200 if time.monotonic() >= agent.ready_at else 503, {})

        def do_POST(self) -> None:
            """Answer a challenge."""
            length = int(self.headers.get("content-length", "0"))
            found = agent.answer(json.loads(self.rfile.read(min(length, 4096))))
            self._send(200 if found else 400, found or {})

        def _send(self, status: int, document: dict[str, str]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    class Server(ThreadingHTTPServer):
        """Two of us may answer on one port while one takes over from the other."""

        allow_reuse_port = share_port
        daemon_threads = True

    return Server(("127.0.0.1", port), Handler)


def main() -> None:
    """Serve until told to end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("variable")
    parser.add_argument("--file", help="take the key from here")
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--share-port", action="store_true")
    parser.add_argument("--slow", type=float, default=0, metavar="SECONDS", help="not ready before")
    parser.add_argument("--deaf", action="store_true", help="ignore SIGHUP, as an agent that cannot reload")
    parser.add_argument("--pidfile", type=Path)
    options = parser.parse_args()
    agent = Agent(options.variable, options.file)
    agent.ready_at = time.monotonic() + options.slow
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    server = serve(agent, options.port, share_port=options.share_port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    if options.pidfile:
        options.pidfile.write_text(str(os.getpid()))
    time.sleep(options.slow)
    print("ready to work", flush=True)
    print("working", file=sys.stderr, flush=True)
    while True:
        signal.sigwait({signal.SIGHUP})  # a handler that comes before signal.pause() would run with the next signal
        if not options.deaf:
            agent.reload()


if __name__ == "__main__":
    main()
