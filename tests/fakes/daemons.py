"""A daemon in a process of its own, and other users of this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from keysweep.foundation.ledger.chain import entries
from keysweep.foundation.ledger.entry import Entry as LedgerEntry
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.rotation import instances
from keysweep.rotation.entry import Entry
from keysweep.rotation.inventory import import_entries
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock

ROOT = Path(__file__).resolve().parents[2]
STRANGER = 65534
"""A user that owns nothing here."""
needs_open_checkout = pytest.mark.skipif(
    not all(folder.stat().st_mode & 0o001 for folder in (ROOT, *ROOT.parents)),
    reason="another user cannot read our own files here",
)
needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")


@dataclass(frozen=True)
class House:
    """A store whose keys a daemon gives out, and where the two are."""

    folder: Path
    settings: Settings

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.folder / "run" / "daemon.sock"

    @property
    def environ(self) -> dict[str, str]:
        """What the daemon needs in its environment."""
        return {
            "KEYSWEEP_STORE": self.settings.store,
            "KEYSWEEP_KEY_FILE": str(self.settings.key_file),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "NO_COLOR": "1",
        }

    @contextmanager
    def open(self) -> Iterator[OpenVault]:
        """Unlock the store for the length of a block, in this process."""
        opened = unlock(self.settings)
        try:
            yield opened
        finally:
            opened.close()

    def said(self, *actions: str) -> list[LedgerEntry]:
        """Return the entries of the ledger about something that was done."""
        with self.open() as opened, opened.database.read() as connection:
            return [entry for entry in entries(connection) if entry.action in actions]


@contextmanager
def house() -> Iterator[House]:
    """Make an empty store below a short path that every user can walk through, as a socket needs it."""
    folder = Path(tempfile.mkdtemp(prefix="ks-", dir="/tmp"))
    try:
        folder.chmod(0o711)
        (folder / "store").mkdir(mode=0o700)
        settings = Settings(store=str(folder / "store/store.db"), key_file=folder / "store/store.key")
        initialise(settings)
        yield House(folder, settings)
    finally:
        shutil.rmtree(folder)


def furnish(home: House, keys: Mapping[str, tuple[str, str]], agents: Mapping[str, tuple[str, str]]) -> None:
    """Store keys and agents.

    Args:
        home: the store.
        keys: by name of the credential, the agent that is bound to it and its value.
        agents: by name, kind and users.
    """
    with home.open() as opened:
        with opened.database.write() as connection:
            for name, (kind, users) in agents.items():
                instances.add_agent(connection, name, kind, {"users": users} if users else {}, opened.clock())
        rows = [
            Entry(name=name, provider="custom", value=Secret(value), agent=agent, variable=variable(name))
            for name, (agent, value) in keys.items()
        ]
        assert len(list(import_entries(opened, list(enumerate(rows, 1)), actor="cli:test"))) == len(rows)


def variable(name: str) -> str:
    """Return the variable that carries a credential."""
    return name.replace("-", "_").upper()


@contextmanager
def daemon(home: House, *arguments: str, environ: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """Run a daemon for the length of a block: it has said that it is ready, and ends well."""
    with ready(home) as where:
        process = start(home, *arguments, environ={"NOTIFY_SOCKET": where[0], **(environ or {})})
        try:
            assert where[1]() == b"READY=1", process.communicate(timeout=60)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=60)


def start(home: House, *arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a daemon, and do not wait until it is ready."""
    return subprocess.Popen(
        [sys.executable, "-m", "keysweep", "-q", "daemon", "--socket", str(home.socket), *arguments],
        env={**os.environ, **home.environ, **(environ or {})},
        stderr=subprocess.PIPE,
    )


@contextmanager
def ready(home: House) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Listen as systemd does for what a service says of itself; yields where, and what waits for the next word."""
    path = home.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(60)
        try:
            yield str(path), lambda: listener.recv(64)
        finally:
            path.unlink()


def as_stranger(act: Callable[[], bytes]) -> bytes:
    """Do something as a user who owns nothing here, and return what came of it.  What it imports must be imported already."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setgroups([])
            os.setgid(STRANGER)
            os.setuid(STRANGER)
            os.write(writing, act())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return said
