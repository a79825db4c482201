"""Kubernetes, by the real kubectl on a simulator of a cluster's API: the Secret is patched unseen, and only pods that were made after it count."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Attestation, Delivery, Half, Holding
from samples.simulators import Call
from samples.simulators.kubernetes import cluster
from tests.fakes.deliveries import VARIABLE, Delivered, script
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
AGENT = agent_catalog.get("kubernetes")
KUBECTL = shutil.which("kubectl")
_PLACE = "agents/deployments/search"


class Cluster:
    """A namespace with a Secret and a deployment of two pods, and the settings that lead there."""

    def __init__(
        self, vendors: Vendors, folder: Path, *, workload: str = "deployments/search", replicas: int = 2
    ) -> None:
        self.vendors, self.extra = vendors, vendors.extra("kubernetes")
        kept = {"OTHER": "a2VwdA==", VARIABLE: "b2xk"}
        cluster(self.extra, namespace="agents", secret="keys", workload=workload, data=kept, replicas=replicas)
        config = folder / "kubeconfig"
        server = {"name": "c", "cluster": {"server": f"{vendors.url}/kubernetes"}}
        context = {"name": "prod", "context": {"cluster": "c", "namespace": "elsewhere"}}
        config.write_text(
            json.dumps({"apiVersion": "v1", "kind": "Config", "clusters": [server], "contexts": [context]})
        )
        named = workload.replace("s/", "/", 1)
        self.settings = {
            "namespace": "agents",
            "secret": "keys",
            "workload": named,
            "context": "prod",
            "kubeconfig": str(config),
        }
        self.calls: list[Call] = []
        vendors.watch(self.calls.append)

    @property
    def data(self) -> dict[str, str]:
        """What the Secret holds."""
        held = self.extra["objects"]["agents/secrets/keys"]["data"]
        return {name: base64.b64decode(value).decode() for name, value in held.items()}

    def pods(self) -> list[dict[str, Any]]:
        """The pods that run."""
        found: list[dict[str, Any]] = next(iter(self.extra["pods"].values()))
        return found


@pytest.fixture
def running(vendors: Vendors, tmp_path: Path) -> Cluster:
    """A cluster that the real kubectl is led to."""
    if KUBECTL is None:
        pytest.skip("kubectl is not installed: scripts/setup.sh")
    return Cluster(vendors, tmp_path)


def _until_seen(delivery: Delivery, most: int = 12) -> list[str]:
    seen = [AGENT.attest(delivery)]
    while seen[-1].holding is Holding.OTHER and len(seen) < most:
        seen.append(AGENT.attest(delivery))
    return [one.method for one in seen]


def test_only_pods_that_were_made_after_it_count(running: Cluster) -> None:
    """Stored, told, observed, half replaced, and replaced with an old pod that still ends: not yet held.  Told twice is rolled out once."""
    delivered = Delivered()
    delivery = delivered.to(running.settings)
    assert AGENT.attest(delivery).method == "secret-differs"
    for _ in range(2):
        AGENT.deliver(delivery)
    assert running.data == {"OTHER": "kept", VARIABLE: delivered.value}
    assert AGENT.attest(delivery).method == "rolling-out"  # nobody told the pods
    for _ in range(2):
        AGENT.activate(delivery)
    assert running.extra["objects"][_PLACE]["metadata"]["generation"] == 2
    seen = _until_seen(delivery)
    assert seen[-1] == "rolled-out"
    assert "old-pods" in seen
    assert len({json.dumps(pod["annotations"]) for pod in running.pods()}) == 1


def test_a_pod_that_ends_still_runs_with_the_old_key(running: Cluster) -> None:
    """kubectl calls the rollout finished meanwhile, and the workload counts only what is not told to end."""
    running.extra["lingers"] = 6
    delivery = Delivered().to(running.settings)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    told = [str(KUBECTL), f"--kubeconfig={running.settings['kubeconfig']}", "--context=prod", "--namespace=agents"]
    ended = subprocess.run(
        [*told, "rollout", "status", "deployment/search", "--timeout=20s"],
        capture_output=True,
        check=True,
        env=dict(os.environ),
    )
    assert b"successfully rolled out" in ended.stdout
    assert AGENT.attest(delivery).method == "old-pods"
    assert _until_seen(delivery)[-1] == "rolled-out"


def test_a_rollout_that_is_stuck_is_not_taken_for_one_that_ended(running: Cluster) -> None:
    """A new pod that does not get ready keeps the old ones, and the rotation waits."""
    running.extra["stuck"] = True
    delivery = Delivered().to(running.settings)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    assert set(_until_seen(delivery, 4)) <= {"rolling-out", "old-pods"}


def test_a_pod_that_is_not_ready_serves_nobody(running: Cluster) -> None:
    """Also where it is the only one, and one that is missing is waited for."""
    delivery = Delivered().to(running.settings)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    assert _until_seen(delivery)[-1] == "rolled-out"
    first, second = running.pods()
    running.extra["stuck"], first["ready"] = True, False
    assert AGENT.attest(delivery).method == "not-ready"
    first["ready"] = True
    second["ends"] = 9
    assert AGENT.attest(delivery).method == "not-ready"


def test_a_statefulset_is_rolled_out_alike(vendors: Vendors, tmp_path: Path, running: Cluster) -> None:
    """One pod, and no counts but the pods themselves."""
    running.extra.clear()
    other = Cluster(vendors, tmp_path, workload="statefulsets/search", replicas=1)
    delivery = Delivered().to(other.settings)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    assert _until_seen(delivery)[-1] == "rolled-out"


def test_both_halves_of_a_key_arrive_in_one_patch(running: Cluster) -> None:
    """A pod that starts at any moment reads a pair."""
    delivered = Delivered()
    delivery = delivered.to({**running.settings}, beside=lambda: {VARIABLE: Half(name="SEARCH_ID", text="id-2")})
    AGENT.deliver(delivery)
    assert running.data == {"OTHER": "kept", VARIABLE: delivered.value, "SEARCH_ID": "id-2"}
    patches = [call for call in running.calls if call.method == "PATCH"]
    assert len(patches) == 1
    running.extra["objects"]["agents/secrets/keys"]["data"]["SEARCH_ID"] = "b3RoZXI="
    assert AGENT.attest(delivery).method == "secret-differs"


def test_a_workload_without_pods_does_not_run(running: Cluster, vendors: Vendors, tmp_path: Path) -> None:
    """Its next pod gets the new value."""
    running.extra.clear()
    empty = Cluster(vendors, tmp_path, replicas=0)
    delivery = Delivered().to(empty.settings)
    AGENT.deliver(delivery)
    AGENT.activate(delivery)
    assert AGENT.attest(delivery) == Attestation(holding=Holding.NOT_RUNNING, method="no-replicas")


@pytest.mark.parametrize(
    ("status", "reason", "passes"),
    [(403, "Forbidden", False), (404, "NotFound", False), (409, "Conflict", True), (503, "ServiceUnavailable", True)],
)
def test_a_refusal_says_its_reason_and_whether_it_passes(
    status: int, reason: str, passes: bool, running: Cluster, vendors: Vendors
) -> None:
    """And nothing of what kubectl said about it, which shows what was sent."""
    delivered = Delivered()
    said = f"the object has {delivered.value} in it"
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": said,
        "reason": reason,
        "code": status,
    }
    vendors.fault("kubernetes", "status", method="PATCH", status=status, body=body, count=9)
    with pytest.raises(AgentError) as failed:
        AGENT.deliver(delivered.to(running.settings))
    assert (failed.value.passes, reason in failed.value.message) == (passes, True)
    assert delivered.value not in f"{failed.value.message} {failed.value.hint} {failed.value.__cause__}"
    assert running.data[VARIABLE] == "old"


def test_an_immutable_secret_is_an_error(running: Cluster) -> None:
    """It would have to be another Secret, which the workload does not name."""
    running.extra["objects"]["agents/secrets/keys"]["immutable"] = True
    with pytest.raises(AgentError):
        AGENT.deliver(Delivered().to(running.settings))


def test_a_cluster_that_does_not_answer_is_asked_again(running: Cluster, tmp_path: Path) -> None:
    """Nobody listens: that passes."""
    config = json.loads(Path(running.settings["kubeconfig"]).read_text())
    config["clusters"][0]["cluster"]["server"] = "http://127.0.0.1:9/kubernetes"
    (tmp_path / "other").write_text(json.dumps(config))
    with pytest.raises(AgentError, match="no connection") as failed:
        AGENT.attest(Delivered().to({**running.settings, "kubeconfig": str(tmp_path / "other")}))
    assert failed.value.passes


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that only writes down how it was called."""
    program = tmp_path / "bin" / "kubectl"
    program.parent.mkdir(mode=0o700)
    script(
        program,
        f"{sys.executable} -c 'import json,sys; print(json.dumps(sys.argv[1:]))' \"$@\" >> {tmp_path}/calls; echo '{{}}'",
    )
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path / "calls"


def test_no_argument_holds_the_value(recorded: Path) -> None:
    """It goes by standard input; every call names the namespace."""
    delivered = Delivered()
    stated = {
        "namespace": "agents",
        "secret": "keys",
        "workload": "deployment/search",
        "context": "prod",
        "key": "api.key",
    }
    AGENT.deliver(delivered.to(stated))
    AGENT.activate(delivered.to(stated))
    calls = [json.loads(line) for line in recorded.read_text().splitlines()]
    assert len(calls) == 2
    assert all(argv[:2] == ["--namespace=agents", "--context=prod"] for argv in calls)
    encoded = base64.b64encode(delivered.value.encode()).decode()
    assert not any(value in argument for argv in calls for argument in argv for value in (delivered.value, encoded))


@pytest.mark.parametrize("text", ["exit 1", "echo no", "echo '{}'"], ids=["refused", "no JSON", "no workload"])
def test_a_kubectl_that_fails_is_an_error(text: str, tmp_path: Path, recorded: Path) -> None:
    """Without what it printed, which may be anything."""
    script(tmp_path / "bin" / "kubectl", text)
    stated = {"namespace": "agents", "secret": "keys", "workload": "deployment/search"}
    if text == "echo '{}'":
        assert AGENT.attest(Delivered().to(stated)).method == "secret-differs"
        return
    with pytest.raises(AgentError):
        AGENT.attest(Delivered().to(stated))


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
        {"id_name": "a/b"},
    ],
    ids=str,
)
def test_settings_that_cannot_work(stated: dict[str, str]) -> None:
    """Refused when the agent is added: nothing that is stated becomes an option of kubectl."""
    usual = {"namespace": "agents", "secret": "search-keys", "workload": "deployment/search"}
    with pytest.raises(UsageError):
        agent_catalog.settings("kubernetes", [f"{name}={value}" for name, value in {**usual, **stated}.items()])
