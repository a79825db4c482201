"""Every test runs in a world of its own: home, settings and data in a temporary folder, no colour, no outside network."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from keysweep.foundation import hardening

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def private_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point HOME and the XDG folders below tmp, drop our own variables, and work in an empty folder."""
    home = tmp_path / "home"
    for name, folder in {
        "HOME": home,
        "XDG_DATA_HOME": home / "data",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_CACHE_HOME": home / "cache",
        "XDG_STATE_HOME": home / "state",
    }.items():
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv(name, str(folder))
    for name in [name for name in os.environ if name.startswith("KEYSWEEP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("CI", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture(autouse=True)
def own_process_stays_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that runs inside of a test does not harden the process of the tests, which has the next ones to run."""
    done = hardening.Hardened(core_dumps_off=True, tracing_off=True, locked=False)
    monkeypatch.setattr(hardening, "harden", lambda **_: done)


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: object) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith(_LOOPBACK):
            msg = f"a test tried to reach {address[0]}"
            raise AssertionError(msg)
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", guarded)
