"""A time-stamping authority: `openssl ts` behind a small HTTP server, with certificates of its own made for the test."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_SETTINGS = """
[req]
distinguished_name = name
prompt = no
[name]
CN = authority of a test
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign, cRLSign
[leaf]
basicConstraints = CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa]
default_tsa = here
[here]
dir = {folder}
serial = {folder}/serial
signer_cert = {folder}/leaf.pem
signer_key = {folder}/leaf.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
"""


@dataclass(slots=True)
class Authority:
    """Where it is and whom it is signed by."""

    url: str
    ca: Path
    folder: Path
    answers: Callable[[bytes], tuple[int, bytes, dict[str, str]]]
    """What it answers to a query; a test sets another to make it misbehave."""
    asked: list[bytes] = field(default_factory=list)

    def honest(self, query: bytes) -> tuple[int, bytes, dict[str, str]]:
        """Stamp what was asked."""
        return 200, reply(self.folder, query), {}


def make(folder: Path) -> Path:
    """Make an authority's keys and certificates; return the certificate that its chain ends in."""
    folder.mkdir()
    (folder / "settings").write_text(_SETTINGS.format(folder=folder))
    (folder / "serial").write_text("01\n")
    common = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-config", "settings"]
    _openssl(folder, "req", "-x509", *common, "-keyout", "ca.key", "-out", "ca.pem", "-days", "9", "-extensions", "ca")
    _openssl(folder, "req", "-new", *common, "-keyout", "leaf.key", "-out", "leaf.csr", "-subj", "/CN=stamps")
    _openssl(
        folder, "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-extfile", "settings", "-extensions", "leaf", "-out", "leaf.pem", "-days", "9",
    )  # fmt: skip
    return folder / "ca.pem"


def reply(folder: Path, query: bytes) -> bytes:
    """Answer a query as `openssl ts` does."""
    (folder / "query").write_bytes(query)
    _openssl(folder, "ts", "-reply", "-config", "settings", "-queryfile", "query", "-out", "answer")
    return (folder / "answer").read_bytes()


@contextmanager
def authority(folder: Path) -> Iterator[Authority]:
    """Run an authority on this machine."""
    ca = make(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["content-length"]))
            here.asked.append(query)
            status, body, headers = here.answers(query)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                return

        def log_message(self, *args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        here = Authority(
            url=f"http://127.0.0.1:{server.server_port}/tsr", ca=ca, folder=folder, answers=lambda _: (500, b"", {})
        )
        here.answers = here.honest
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield here
        server.shutdown()
        thread.join(5)


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=30)
