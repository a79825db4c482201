"""A stand-in for kubectl and the cluster behind it: one file keeps a Secret and a workload, whose pods are replaced one a question."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any


def fresh(secret: dict[str, str], *, replicas: int = 2) -> dict[str, Any]:
    """Return a cluster with one Secret (base64) and one workload."""
    counts = {
        "replicas": replicas,
        "updatedReplicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
    }
    return {
        "secret": {"data": secret},
        "workload": {
            "metadata": {"generation": 1},
            "spec": {"replicas": replicas, "template": {"metadata": {}}},
            "status": {"observedGeneration": 1, **(counts if replicas else {})},
        },
        "arguments": [],
    }


def _merged(into: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch (RFC 7386)."""
    return {
        **into,
        **{key: _merged(into.get(key) or {}, one) if isinstance(one, dict) else one for key, one in patch.items()},
    }


def main() -> int:
    """Act on the file that the first argument names."""
    path, *argv = sys.argv[1:]
    state = json.loads(Path(path).read_text())
    state["arguments"].append(argv)
    verb, *rest = [one for one in argv if not one.startswith("--")]
    name = "secret" if rest[0].startswith("secret") else "workload"
    if verb == "patch":
        stated = next((one.partition("=")[2] for one in argv if one.startswith("--patch=")), None)
        patch = json.loads(stated if stated is not None else sys.stdin.read())
        after = _merged(state[name], patch)
        if name == "workload" and after["spec"] != state[name]["spec"]:
            after["metadata"]["generation"] += 1
        state[name] = after
    else:
        print(json.dumps(state[name]))
        if name == "workload":
            _go_on(state[name])
    Path(path).write_text(json.dumps(state))
    return 0


def _go_on(workload: dict[str, Any]) -> None:
    """Let the controller see the new template, then replace one pod; until it has seen it, the counts are those of the old one."""
    status = workload["status"]
    if status["observedGeneration"] < workload["metadata"]["generation"]:
        status["observedGeneration"], status["updatedReplicas"] = workload["metadata"]["generation"], 0
    elif status.get("updatedReplicas", 0) < workload["spec"]["replicas"]:
        status["updatedReplicas"] += 1


if __name__ == "__main__":
    sys.exit(main())
