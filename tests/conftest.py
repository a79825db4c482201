"""Every test runs in a world of its own: home, settings and data in a temporary folder, no colour, no outside network."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation import hardening
from tests.fakes import schema

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let groups of tests stay on one worker: xdist 3.8 writes them where pytest 9.2 does not read them any longer."""
    from _pytest.nodeid import coerce_node_id

    for item in items:
        if grouped := vars(item).get("_nodeid"):
            item._id = coerce_node_id(grouped)


@pytest.fixture(scope="session")
def engines_of_this_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where compiled rules are kept for every test of this run: to compile them takes a second, and most tests are not about it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "engines"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


@pytest.fixture(autouse=True)
def private_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engines_of_this_run: Path) -> Path:
    """Point HOME and the XDG folders below tmp, drop our own variables, and work in an empty folder.

    Of the cache only the compiled rules are shared: their file says what they were compiled from, and is read only if that is so.
    """
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
    (home / "cache" / "keysweep").mkdir()
    (home / "cache" / "keysweep" / "engine").symlink_to(engines_of_this_run)
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
def quick_stores() -> Iterator[bool]:
    """New stores are copies of one that was migrated; false where they are migrated each time."""
    with schema.copied():
        yield True


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
