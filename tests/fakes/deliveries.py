"""Deliveries of a value to one agent, without an engine; and small agents that run as processes of their own."""

from __future__ import annotations

import hmac
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import Delivery
from keysweep.rotation.credential import CredentialId, VersionRef

ROOT = Path(__file__).resolve().parents[2]
CHALLENGED = str(ROOT / "samples" / "agents" / "challenged.py")
VARIABLE = "SEARCH_KEY"


@dataclass
class Delivered:
    """One value on its way, and why it was opened."""

    value: str = field(default_factory=lambda: f"k-{secrets.token_hex(16)}")
    opened: list[str] = field(default_factory=list)

    def to(self, settings: Mapping[str, str], *, number: int = 2, **more: Any) -> Delivery:
        """Return the delivery to an agent with these settings."""

        def open_it(purpose: str) -> Secret:
            self.opened.append(purpose)
            return Secret(self.value)

        return Delivery(
            database=cast("Any", None),
            agent="search",
            settings=settings,
            version=VersionRef(credential_id=CredentialId("c"), number=number),
            fingerprint=Fingerprint(bytes(32)),
            forced=False,
            variables=(VARIABLE,),
            open=open_it,
            is_value=lambda raw: hmac.compare_digest(raw, self.value.encode()),
            **more,
        )


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextmanager
def running(*arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of ours for the length of a block."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-E", *arguments],
        env=dict(environ or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def script(path: Path, text: str, *, mode: int = 0o755) -> str:
    """Write a shell script and return its path."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return str(path)
