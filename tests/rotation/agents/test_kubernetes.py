"""Kubernetes, with a stand-in for kubectl and the cluster: the Secret is patched unseen, and only a finished rollout counts."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Holding
from samples.agents.kubectl import fresh
from tests.fakes.deliveries import ROOT, Delivered, script

AGENT = agent_catalog.get("kubernetes")
_SETTINGS = {"namespace": "agents", "secret": "search-keys", "workload": "deployment/search"}


class Cluster:
    """A cluster behind a kubectl on the path."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, replicas: int = 2) -> None:
        self.file = folder / "cluster.json"
        self.file.write_text(json.dumps(fresh({"OTHER": "a2VwdA==", "SEARCH_KEY": "b2xk"}, replicas=replicas)))
        program = folder / "bin" / "kubectl"
        program.parent.mkdir(mode=0o700)
        script(program, f'exec {sys.executable} {ROOT}/samples/agents/kubectl.py {self.file} "$@"')
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")

    @property
    def state(self) -> dict[str, Any]:
        """What is there now."""
        found: dict[str, Any] = json.loads(self.file.read_text())
        return found


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Two pods that run with one Secret."""
    return Cluster(tmp_path, monkeypatch)


def _until_seen(delivery: Delivery) -> list[Holding]:
    seen = [AGENT.attest(delivery).holding]
    while seen[-1] is Holding.OTHER and len(seen) < 8:
        seen.append(AGENT.attest(delivery).holding)
    return seen


def test_only_a_finished_rollout_counts(cluster: Cluster) -> None:
    """Stored, told, observed and half replaced is not yet held; delivered twice is rolled out once."""
    delivered = Delivered()
    delivery = delivered.to(_SETTINGS)
    assert AGENT.attest(delivery).method == "secret-differs"
    for _ in range(2):
        AGENT.deliver(delivery)
    assert AGENT.attest(delivery).method == "rolling-out"  # nobody told the pods
    for _ in range(2):
        AGENT.activate(delivery)
    assert cluster.state["workload"]["metadata"]["generation"] == 2
    assert _until_seen(delivery) == [Holding.OTHER] * 3 + [Holding.NEW]
    assert cluster.state["secret"]["data"] == {
        "OTHER": "a2VwdA==",
        "SEARCH_KEY": base64.b64encode(delivered.value.encode()).decode(),
    }


def test_no_argument_holds_the_value(cluster: Cluster) -> None:
    """It goes by standard input; every call names the namespace."""
    delivered = Delivered()
    delivery = delivered.to({**_SETTINGS, "context": "prod", "key": "api.key"})
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    AGENT.attest(delivery)
    arguments = cluster.state["arguments"]
    assert all(argv[:2] == ["--namespace=agents", "--context=prod"] for argv in arguments)
    encoded = base64.b64encode(delivered.value.encode()).decode()
    assert not any(value in argument for argv in arguments for argument in argv for value in (delivered.value, encoded))


def test_a_workload_without_pods_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its next pod gets the new value."""
    Cluster(tmp_path, monkeypatch, replicas=0)
    delivery = Delivered().to(_SETTINGS)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    assert AGENT.attest(delivery).holding is Holding.NOT_RUNNING


@pytest.mark.parametrize("text", ["exit 1", "echo no"], ids=["refused", "no JSON"])
def test_a_kubectl_that_fails_is_an_error(text: str, cluster: Cluster, tmp_path: Path) -> None:
    """Without what it printed, which may be anything."""
    script(tmp_path / "bin" / "kubectl", text)
    with pytest.raises(AgentError):
        AGENT.attest(Delivered().to(_SETTINGS))


@pytest.mark.parametrize(
    "stated",
    [
        {"workload": "job/search"},
        {"workload": "deployment/--all"},
        {"secret": "--all"},
        {"namespace": "a b"},
        {"context": "--server=elsewhere"},
        {"kubeconfig": "relative"},
        {"key": "a/b"},
    ],
    ids=str,
)
def test_settings_that_cannot_work(stated: dict[str, str]) -> None:
    """Refused when the agent is added: nothing that is stated becomes an option of kubectl."""
    with pytest.raises(UsageError):
        agent_catalog.settings("kubernetes", [f"{name}={value}" for name, value in {**_SETTINGS, **stated}.items()])
