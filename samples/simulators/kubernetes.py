"""A cluster's API, as kubectl speaks it: Secrets, Deployments and StatefulSets with their pods, discovery, merge patches, lists and watches.

Each look at a workload lets its controller go one step: it observes the new template, makes a pod of it, and once that is ready lets an old
one go, which runs on for a while as it ends.  In `extra`: `stuck` (new pods do not get ready) and `lingers` (looks that an ending pod runs
on).  Whoever calls is not asked for a name: over plain HTTP kubectl shows none.  Values are kept as a cluster keeps them, in base64.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from samples.simulators import Answer, Call, State, Vendor

_KINDS = {"secrets": "Secret", "pods": "Pod", "deployments": "Deployment", "statefulsets": "StatefulSet"}
_GROUPS = {"v1": ("secrets", "pods"), "apps/v1": ("deployments", "statefulsets")}
_PLACE = re.compile(r"/(?:api/v1|apis/apps/v1)/namespaces/([a-z0-9-]+)/([a-z]+)(?:/([a-z0-9.-]+))?")
_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")


def cluster(
    extra: dict[str, Any], *, namespace: str, secret: str, workload: str, data: Mapping[str, str], replicas: int
) -> None:
    """Let there be a Secret (base64) and a workload, `deployments/NAME` or `statefulsets/NAME`, that runs with it."""
    kind, _, name = workload.partition("/")
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "agent", "image": "agent"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    objects = extra.setdefault("objects", {})
    objects[f"{namespace}/secrets/{secret}"] = _made(
        extra, "v1", "secrets", namespace, secret, {"type": "Opaque", "data": dict(data)}
    )
    objects[f"{namespace}/{kind}/{name}"] = _made(extra, "apps/v1", kind, namespace, name, {"spec": spec, "status": {}})
    objects[f"{namespace}/{kind}/{name}"]["metadata"]["generation"] = 1
    extra.setdefault("pods", {})[f"{namespace}/{kind}/{name}"] = [_pod(template, ready=True) for _ in range(replicas)]
    _counted(objects[f"{namespace}/{kind}/{name}"], extra["pods"][f"{namespace}/{kind}/{name}"], observed=1)


def answer(state: State, call: Call) -> Answer:
    """Answer as an API server does."""
    discovered = _discovered(call.path) if call.method == "GET" else None
    if discovered is not None:
        return discovered
    found = _PLACE.fullmatch(call.path)
    if found is None or found[2] not in _KINDS:
        return _failure(404, "NotFound", "the server could not find the requested resource")
    namespace, resource, name = found.groups()
    if name is None:
        return _listed(state, call, namespace, resource)
    one = state.extra.get("objects", {}).get(f"{namespace}/{resource}/{name}")
    if one is None:
        return _failure(404, "NotFound", f'{resource} "{name}" not found')
    match call.method:
        case "GET":
            _go_on(state, namespace, resource, name)
            return Answer(200, one)
        case "PATCH":
            return _patched(state, call, one)
        case _:
            return _failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")


def _discovered(path: str) -> Answer | None:
    """Say what there is to be asked for; None for a path that asks something else."""
    match path:
        case "/version":
            return Answer(200, {"major": "1", "minor": "32", "gitVersion": "v1.32.0"})
        case "/api":
            return Answer(200, {"kind": "APIVersions", "versions": ["v1"]})
        case "/apis":
            version = {"groupVersion": "apps/v1", "version": "v1"}
            groups = [{"name": "apps", "versions": [version], "preferredVersion": version}]
            return Answer(200, {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        case "/api/v1":
            return _resources("v1")
        case "/apis/apps/v1":
            return _resources("apps/v1")
        case _:
            return None


def _listed(state: State, call: Call, namespace: str, resource: str) -> Answer:
    """List the objects of a kind; a watch is answered with what there is now, and ends."""
    wanted = call.query.get("fieldSelector", "").partition("metadata.name=")[2]
    labels = dict(pair.split("=", 1) for pair in call.query.get("labelSelector", "").split(",") if pair)
    objects = state.extra.get("objects", {})
    if resource == "pods":
        items = [
            _shown(namespace, pod)
            for place, pods in state.extra.get("pods", {}).items()
            if place.startswith(f"{namespace}/")
            for pod in pods
            if labels.items() <= pod["labels"].items()
        ]
    else:
        names = [key.rpartition("/")[2] for key in objects if key.startswith(f"{namespace}/{resource}/")]
        items = [objects[f"{namespace}/{resource}/{name}"] for name in names if not wanted or name == wanted]
    if call.query.get("watch") in {"1", "true"}:
        for one in items:
            _go_on(state, namespace, resource, one["metadata"]["name"])
        return Answer(200, {"type": "MODIFIED", "object": items[0]} if items else None)
    group = "v1" if resource in _GROUPS["v1"] else "apps/v1"
    return Answer(
        200,
        {
            "kind": f"{_KINDS[resource]}List",
            "apiVersion": group,
            "metadata": {"resourceVersion": _number(state.extra)},
            "items": items,
        },
    )


def _patched(state: State, call: Call, one: dict[str, Any]) -> Answer:
    if call.headers.get("content-type", "").partition(";")[0] not in _PATCHES:
        return _failure(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
    stated = call.body.get("metadata")
    version = stated.get("resourceVersion") if isinstance(stated, dict) else None
    if version is not None and version != one["metadata"]["resourceVersion"]:
        return _failure(
            409,
            "Conflict",
            "the object has been modified; please apply your changes to the latest version and try again",
        )
    if one.get("immutable") and "data" in call.body:
        return _failure(422, "Invalid", "data: Forbidden: field is immutable when `immutable` is set")
    before = one.get("spec")
    after = _merged(one, call.body)
    if after == one:
        return Answer(200, one)
    one.update(after)
    one["metadata"]["resourceVersion"] = _number(state.extra)
    if before is not None and one["spec"] != before:
        one["metadata"]["generation"] += 1
    return Answer(200, one)


def _go_on(state: State, namespace: str, resource: str, name: str) -> None:
    """Let the controller of a workload take one step."""
    place = f"{namespace}/{resource}/{name}"
    pods, one = state.extra.get("pods", {}).get(place), state.extra["objects"].get(place)
    if pods is None or one is None:
        return
    template, wanted, generation = one["spec"]["template"], one["spec"]["replicas"], one["metadata"]["generation"]
    if one["status"]["observedGeneration"] < generation:
        _counted(one, pods, observed=generation)
        return
    pods[:] = [pod for pod in pods if pod["ends"] != 0]
    for pod in pods:
        pod["ends"] = pod["ends"] - 1 if pod["ends"] else pod["ends"]
    new = [pod for pod in pods if _is_of(pod, template)]
    old = [pod for pod in pods if not _is_of(pod, template) and pod["ends"] is None]
    unready = [pod for pod in new if not pod["ready"]]
    if unready:
        unready[0]["ready"] = not state.extra.get("stuck")
    elif old and len(new) > wanted - len(old):
        old[0]["ends"] = state.extra.get("lingers", 1)
    elif len(new) < wanted:
        pods.append(_pod(template, ready=False))
    _counted(one, pods, observed=generation)


def _counted(one: dict[str, Any], pods: list[dict[str, Any]], *, observed: int) -> None:
    """State what the controller counts: pods that end are none, though they run."""
    counted = [pod for pod in pods if pod["ends"] is None]
    updated = [pod for pod in counted if _is_of(pod, one["spec"]["template"])]
    ready = [pod for pod in counted if pod["ready"]]
    numbers = {
        "replicas": len(counted),
        "updatedReplicas": len(updated),
        "readyReplicas": len(ready),
        "availableReplicas": len(ready),
    }
    one["status"] = {"observedGeneration": observed, **{name: number for name, number in numbers.items() if number}}


def _pod(template: Mapping[str, Any], *, ready: bool) -> dict[str, Any]:
    metadata = template["metadata"]
    return {
        "name": f"pod-{secrets.token_hex(4)}",
        "labels": dict(metadata["labels"]),
        "annotations": dict(metadata.get("annotations") or {}),
        "ready": ready,
        "ends": None,
    }


def _is_of(pod: Mapping[str, Any], template: Mapping[str, Any]) -> bool:
    return bool(pod["annotations"] == (template["metadata"].get("annotations") or {}))


def _shown(namespace: str, pod: Mapping[str, Any]) -> dict[str, Any]:
    ending = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if pod["ends"] is not None else {}
    metadata = {
        "name": pod["name"],
        "namespace": namespace,
        "labels": pod["labels"],
        "annotations": pod["annotations"],
        **ending,
    }
    conditions = [{"type": "Ready", "status": "True" if pod["ready"] else "False"}]
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": {"phase": "Running", "conditions": conditions},
    }


def _made(
    extra: dict[str, Any], group: str, resource: str, namespace: str, name: str, rest: Mapping[str, Any]
) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": _number(extra), "uid": secrets.token_hex(8)}
    return {"apiVersion": group, "kind": _KINDS[resource], "metadata": metadata, **rest}


def _number(extra: dict[str, Any]) -> str:
    extra["version"] = extra.get("version", 0) + 1
    return str(extra["version"])


def _merged(into: Any, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a merge patch (RFC 7386)."""
    merged = dict(into) if isinstance(into, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = _merged(merged.get(name), value) if isinstance(value, dict) else value
    return merged


def _resources(group: str) -> Answer:
    named = [
        {
            "name": resource,
            "singularName": _KINDS[resource].lower(),
            "namespaced": True,
            "kind": _KINDS[resource],
            "verbs": ["get", "list", "patch", "watch"],
        }
        for resource in _GROUPS[group]
    ]
    return Answer(200, {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": named})


def _failure(status: int, reason: str, message: str) -> Answer:
    return Answer(
        status,
        {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "message": message,
            "reason": reason,
            "code": status,
        },
    )


VENDOR = Vendor(
    name="kubernetes",
    answer=answer,
    new_value=lambda *, admin: f"token-{'admin' if admin else 'user'}-{secrets.token_hex(8)}",
)
