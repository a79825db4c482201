"""`keysweep broker` as people run it: with a command behind it, or as a service whose placeholders are written once."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation.answering import Withheld, answer
from keysweep.rotation.broker.listen import Address
from tests.fakes.brokers import AGENT, add_agent
from tests.fakes.fixtures import vendors, world
from tests.fakes.program import keysweep
from tests.fakes.stores import World

__all__ = ["vendors", "world"]

ASKS = """
import os, sys, urllib.request
url = os.environ["OPENAI_BASE_URL"] + "/models"
shown = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"]}
with urllib.request.urlopen(urllib.request.Request(url, headers=shown), timeout=30) as answer:
    print(answer.status, os.environ["OPENAI_API_KEY"][:4], sorted(n for n in os.environ if n.startswith("KEYSWEEP_")))
sys.exit(7)
"""
"""An agent that makes one request, and shows what it holds."""


@pytest.fixture(autouse=True)
def _agent(world: World) -> None:
    with world.open() as opened:
        add_agent(opened, "openai")


@contextmanager
def serving(world: World, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a broker until the block ends; it must end well when it is asked to."""
    process = subprocess.Popen(
        [sys.executable, "-m", "keysweep", "broker", "--agent", AGENT, *options],
        env={**os.environ, **world.environ},
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        with process.stderr as told:
            assert f"The broker of {AGENT} listens at ".encode() in told.readline()
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_an_agent_runs_behind_its_broker(world: World) -> None:
    """It gets a placeholder and an address; its requests are answered, and its exit code is the broker's."""
    done = keysweep("broker", "--agent", AGENT, "--", sys.executable, "-c", ASKS, environ=world.environ)
    assert (done.returncode, done.stdout) == (7, "200 ksb_ []\n"), done.stderr
    assert world.planted["openai"] not in done.stdout + done.stderr


def test_placeholders_are_written_once_and_hold_for_a_broker_that_begins_later(world: World, tmp_path: Path) -> None:
    """Whoever reads the store finds their fingerprints only."""
    path = tmp_path / "broker"
    made = keysweep("broker", "--agent", AGENT, "--env", "--listen", f"unix:{path}", environ=world.environ)
    lines = dict(line.split("=", 1) for line in made.stdout.splitlines())
    assert lines["OPENAI_BASE_URL"] == "http://localhost/OPENAI_API_KEY/v1"
    placeholder = lines["OPENAI_API_KEY"]
    assert placeholder.encode() not in b"".join(file.read_bytes() for file in (world.folder / "store").iterdir())
    with serving(world, "--listen", f"unix:{path}"):
        assert path.stat().st_mode & 0o777 == 0o600
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            client.sendall(
                b"GET /OPENAI_API_KEY/v1/models HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                b"Authorization: Bearer " + placeholder.encode() + b"\r\n\r\n"
            )
            assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert not path.exists()


def test_an_agent_that_holds_its_key_has_no_broker(world: World) -> None:
    """It is told how to have one."""
    refused = keysweep("broker", "--agent", "orders", environ=world.environ)
    assert refused.returncode == 2
    assert "it holds its keys itself" in refused.stderr


def test_one_behind_a_broker_gets_no_key_in_another_way(world: World) -> None:
    """`keysweep resolve` and `keysweep run` are refused in its name, and that is recorded."""
    with world.open() as opened:
        for purpose in ("helper", "env", "start", "restart", "challenge"):
            [withheld] = answer(opened, AGENT, ("OPENAI_API_KEY",), purpose=purpose)
            assert isinstance(withheld, Withheld)
    assert keysweep("run", "--agent", AGENT, "--", "true", environ=world.environ).returncode == 6
    assert world.actions().count("key.refused") >= 5


@pytest.mark.parametrize("listen", ["0.0.0.0:7466", "example.com:1", "127.0.0.1", "127.0.0.1:99999", "unix:", "7466"])
def test_it_listens_where_others_do_not_reach_it(listen: str) -> None:
    """Only on this machine."""
    with pytest.raises(UsageError):
        Address.parse(listen)
