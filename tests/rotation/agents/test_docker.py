"""A service of Docker Compose, with a program `docker` that stands in for the real one: containers keep the environment they were made with."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Half, Holding
from keysweep.rotation.agents.docker import AGENT
from tests.fakes.deliveries import VARIABLE, Delivered, script

_DOCKER = """
import json, sys
from pathlib import Path
folder, arguments = Path(sys.argv[1]), sys.argv[2:]
with (folder / "calls").open("a") as calls:
    calls.write(" ".join(arguments) + "\\n")
made = folder / "container.json"
if arguments[0] == "inspect":
    sys.stdout.write(f"[{made.read_text()}]")
elif "ps" in arguments:
    print("0123456789abcdef" if made.exists() else "")
elif "up" in arguments or "create" in arguments:
    env = (folder.parent / "agent.env").read_text().splitlines()
    made.write_text(json.dumps({"State": {"Running": "up" in arguments}, "Config": {"Env": ["PATH=/bin", *env]}}))
"""


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A service that was never started."""
    folder = tmp_path / "docker"
    folder.mkdir()
    (folder / "docker.py").write_text(_DOCKER)
    script(folder / "docker", f'exec {sys.executable} -S -E {folder}/docker.py {folder} "$@"')
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    (tmp_path / "agent.env").write_text(f"MODE=1\n{VARIABLE}=an-old-key\n")
    return {"compose_file": str(tmp_path / "compose.yaml"), "service": "agent", "path": str(tmp_path / "agent.env")}


def _made(service: dict[str, str], *, running: bool, value: str, health: str | None = None) -> None:
    """Let there be a container that was made with that value."""
    state = {"Running": running, **({"Health": {"Status": health}} if health else {})}
    container = {"State": state, "Config": {"Env": [f"{VARIABLE}={value}"]}}
    (Path(service["path"]).parent / "docker" / "container.json").write_text(json.dumps(container))


def _calls(service: dict[str, str]) -> list[str]:
    calls = (Path(service["path"]).parent / "docker" / "calls").read_text().splitlines()
    return [call.partition(".yaml ")[2] for call in calls if " up " in call or " create " in call]


def _attest(delivered: Delivered, service: dict[str, str]) -> tuple[Holding, str]:
    seen = AGENT.attest(delivered.to(service))
    return seen.holding, seen.method


def test_a_running_service_is_made_anew(service: dict[str, str]) -> None:
    """A restart would keep the old environment; what counts is the environment that Docker states."""
    delivered = Delivered()
    _made(service, running=True, value="an-old-key")
    AGENT.deliver(delivered.to(service))
    assert _attest(delivered, service) == (Holding.OTHER, "environment-differs")
    AGENT.activate(delivered.to(service))
    assert _attest(delivered, service) == (Holding.NEW, "docker")
    AGENT.activate(delivered.to(service))
    assert _calls(service) == ["up --detach --force-recreate --no-deps agent"]
    assert Path(service["path"]).read_text() == f"MODE=1\n{VARIABLE}={delivered.value}\n"
    assert delivered.opened == ["deliver"]


def test_a_stopped_service_stays_so_but_would_start_on_the_new_key(service: dict[str, str]) -> None:
    """A stopped container keeps its environment, too: it is made anew and not started."""
    delivered = Delivered()
    _made(service, running=False, value="an-old-key")
    AGENT.deliver(delivered.to(service))
    assert _attest(delivered, service) == (Holding.OTHER, "environment-differs")
    AGENT.activate(delivered.to(service))
    assert _attest(delivered, service) == (Holding.NOT_RUNNING, "not-running")
    assert _calls(service) == ["create --force-recreate agent"]


def test_a_service_that_was_never_started_is_not_running(service: dict[str, str]) -> None:
    """Nothing is made of it."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(service))
    AGENT.activate(delivered.to(service))
    assert _attest(delivered, service) == (Holding.NOT_RUNNING, "not-running")
    assert _calls(service) == []


def test_a_container_that_is_not_healthy_is_not_there_yet(service: dict[str, str]) -> None:
    """Where it has a health check of its own."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(service))
    for health, expected in (("starting", Holding.OTHER), ("unhealthy", Holding.OTHER), ("healthy", Holding.NEW)):
        _made(service, running=True, value=delivered.value, health=health)
        assert _attest(delivered, service)[0] is expected


def test_a_container_needs_both_halves_of_a_key(service: dict[str, str]) -> None:
    """One that was made with the public half of another key is made anew."""
    delivered = Delivered()
    delivery = delivered.to(service, beside=lambda: {VARIABLE: Half(name="SEARCH_ID", text="id-2")})
    AGENT.deliver(delivery)
    assert f"SEARCH_ID=id-2\n{VARIABLE}" in "\n".join(sorted(Path(service["path"]).read_text().split()))
    _made(service, running=True, value=delivered.value)
    assert AGENT.attest(delivery).method == "environment-differs"
    AGENT.activate(delivery)
    assert AGENT.attest(delivery).method == "docker"


def test_no_docker_is_an_error(service: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """And not an agent that does not run."""
    delivered = Delivered()
    AGENT.deliver(delivered.to(service))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AgentError):
        AGENT.attest(delivered.to(service))


@pytest.mark.parametrize("stated", [{"service": "--all"}, {"path": "agent.env"}, {"compose_file": "compose.yaml"}])
def test_settings_that_cannot_work_are_refused(stated: dict[str, str]) -> None:
    """A name that begins like an option among them."""
    pairs = {"compose_file": "/srv/compose.yaml", "service": "agent", "path": "/srv/agent.env", **stated}
    with pytest.raises(UsageError):
        agent_catalog.settings("docker", [f"{name}={value}" for name, value in pairs.items()])
