"""A systemd unit, with a program `systemctl` that stands in for the real one and starts real processes."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.agents.systemd import AGENT
from keysweep.rotation.sinks.running import wait_out
from tests.fakes.agents import eventually
from tests.fakes.deliveries import Delivered, script

_SYSTEMCTL = """
cd {folder}; echo "$*" >> calls
case "$*" in
*restart*)
    [ "$(cat pid)" = 0 ] || kill "$(cat pid)"
    sleep 600 >/dev/null 2>&1 </dev/null &
    echo $! > pid; echo active > state ;;
*show*) echo "LoadState=$(cat load)"; echo "ActiveState=$(cat state)"; echo "MainPID=$(cat pid)" ;;
esac
"""


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A unit that is stopped, and whose key file does not exist yet."""
    folder = tmp_path / "systemd"
    folder.mkdir()
    script(folder / "systemctl", _SYSTEMCTL.format(folder=folder))
    for name, content in {"state": "inactive", "pid": "0", "load": "loaded", "calls": ""}.items():
        (folder / name).write_text(content)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    yield {"unit": "agent.service", "path": str(tmp_path / "key")}
    if (pid := int((folder / "pid").read_text())) > 0:
        os.kill(pid, signal.SIGKILL)


def _systemd(unit: dict[str, str]) -> Path:
    return Path(unit["path"]).parent / "systemd"


def _calls(unit: dict[str, str]) -> list[str]:
    return [line for line in (_systemd(unit) / "calls").read_text().splitlines() if "show" not in line]


def _attest(delivered: Delivered, unit: dict[str, str]) -> tuple[Holding, str]:
    seen = AGENT.attest(delivered.to(unit))
    return seen.holding, seen.method


def test_a_unit_that_is_stopped_stays_so(unit: dict[str, str]) -> None:
    """Its next start loads the new key."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(unit))
    AGENT.activate(delivered.to(unit))
    assert _attest(delivered, unit) == (Holding.NOT_RUNNING, "not-running")
    assert _calls(unit) == []


def test_a_running_unit_is_restarted_once(unit: dict[str, str]) -> None:
    """Its main process counts when it was started after the key was there."""
    (_systemd(unit) / "state").write_text("failed")
    delivered, later = Delivered(), Delivered()
    AGENT.deliver(delivered.to(unit))
    assert _attest(delivered, unit) == (Holding.OTHER, "failed")
    AGENT.activate(delivered.to(unit))
    eventually(lambda: _attest(delivered, unit) == (Holding.NEW, "started-after"), "the unit", seconds=5)
    AGENT.activate(delivered.to(unit))
    AGENT.deliver(later.to(unit))
    wait_out(Path(unit["path"]))
    assert _attest(later, unit) == (Holding.OTHER, "started-before")
    assert _attest(delivered, unit) == (Holding.OTHER, "file-differs")
    AGENT.activate(later.to(unit))
    eventually(lambda: _attest(later, unit) == (Holding.NEW, "started-after"), "the unit again", seconds=5)
    assert _calls(unit) == ["--no-block restart agent.service"] * 2


def test_the_users_own_manager_is_asked_if_stated(unit: dict[str, str]) -> None:
    """As a person's agents run there."""
    own = {**unit, "manager": "user", "format": "env"}
    (_systemd(unit) / "state").write_text("active")
    delivered = Delivered()
    AGENT.deliver(delivered.to(own))
    AGENT.activate(delivered.to(own))
    assert _calls(unit) == ["--user --no-block restart agent.service"]
    assert Path(unit["path"]).read_text() == f"SEARCH_KEY={delivered.value}\n"


def test_a_unit_that_systemd_does_not_know_is_an_error(unit: dict[str, str]) -> None:
    """A misspelt name does not count as one that is stopped."""
    (_systemd(unit) / "load").write_text("not-found")
    delivered = Delivered()
    AGENT.deliver(delivered.to(unit))
    with pytest.raises(AgentError):
        AGENT.attest(delivered.to(unit))


@pytest.mark.parametrize(
    "stated", [{"unit": "--all"}, {"path": "key"}, {"manager": "mine"}, {"format": "json"}, {"ready": "line:x"}]
)
def test_settings_that_cannot_work_are_refused(stated: dict[str, str]) -> None:
    """A name that begins like an option among them."""
    pairs = {"unit": "agent.service", "path": "/etc/agent/key", **stated}
    with pytest.raises(UsageError):
        agent_catalog.settings("systemd", [f"{name}={value}" for name, value in pairs.items()])
