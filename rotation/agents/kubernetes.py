"""Kubernetes, by kubectl: the Secret is patched through standard input, the workload rolled out, and every old pod waited for to be gone.

Who runs kubectl needs get and patch for the Secret and the workload, and list for pods.  Attested are the value in the Secret and the
pods themselves: as many as are wanted, each made after it and ready, and no other: one that was told to end runs on with the old key until
its grace is over, while `kubectl rollout status` calls the rollout finished.  Proven with the real kubectl (1.20 and 1.32) on a simulator
of a cluster's API.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping

from keysweep.foundation.clock import system_clock
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import programs
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.programs import Word
from keysweep.rotation.sinks import place

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_KINDS = ("deployment", "statefulset")
_MARK = "keysweep/version"
_TIMEOUT_S = 20.0
_PASSING = ("Conflict", "TooManyRequests", "ServiceUnavailable", "InternalError", "ServerTimeout", "Timeout")
_REASONS = (*_PASSING, "Forbidden", "Unauthorized", "NotFound", "Invalid")


def _deliver(delivery: Delivery) -> None:
    value = delivery.open("deliver")
    data = {
        **{name: base64.b64encode(half.encode()).decode() for name, half in delivery.halves().items()},
        **{name: base64.b64encode(value.reveal()).decode() for name in _names(delivery)},
    }
    value.wipe()
    patch = Secret(json.dumps({"data": data}))
    argv = ("patch", "secret", delivery.settings["secret"], "--type=merge", "--patch-file=/dev/stdin")
    try:
        programs.run(_kubectl(delivery, *argv), timeout_s=_TIMEOUT_S, given=patch, complaint=_complaint)
    finally:
        patch.wipe()


def _activate(delivery: Delivery) -> None:
    """Change the pods' template, as `kubectl rollout restart` does; the same mark again changes nothing."""
    annotations = {_MARK: _mark(delivery)}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    workload = delivery.settings["workload"]
    argv = ("patch", workload, "--type=merge", f"--patch={json.dumps(patch)}")  # public
    programs.run(_kubectl(delivery, *argv), timeout_s=_TIMEOUT_S, complaint=_complaint)


def _attest(delivery: Delivery) -> Attestation:
    """See the value in the Secret, and every pod made of the template with this version's mark and available."""
    secret = _read(delivery, f"secret/{delivery.settings['secret']}")
    halves = {name: half.encode() for name, half in delivery.halves().items()}
    stored = all(delivery.is_value(_stored(secret, name)) for name in _names(delivery))
    if not stored or any(_stored(secret, name) != half for name, half in halves.items()):
        return Attestation(holding=Holding.OTHER, method="secret-differs")
    workload = _read(delivery, delivery.settings["workload"])
    match workload:
        case {"spec": {"replicas": int(wanted), "selector": {**selector}}}:
            pods = _pods(delivery, selector)
        case _:
            msg = "the workload is not what Kubernetes documents"
            raise AgentError(msg)
    if wanted == 0 and not pods:
        return Attestation(holding=Holding.NOT_RUNNING, method="no-replicas")
    if not _observed(delivery, workload):
        return Attestation(holding=Holding.OTHER, method="rolling-out")
    if any(_annotations(pod).get(_MARK) != _mark(delivery) for pod in pods):
        return Attestation(holding=Holding.OTHER, method="old-pods")
    if len(pods) != wanted or not all(map(_ready, pods)):
        return Attestation(holding=Holding.OTHER, method="not-ready")
    return Attestation(holding=Holding.NEW, method="rolled-out", at=system_clock())


def _observed(delivery: Delivery, workload: object) -> bool:
    """Whether the controller has seen the template with this version's mark."""
    match workload:
        case {
            "metadata": {"generation": int(generation)},
            "spec": {"template": template},
            "status": {"observedGeneration": int(observed)},
        }:
            return _annotations(template).get(_MARK) == _mark(delivery) and observed >= generation
        case _:
            return False


def _pods(delivery: Delivery, selector: Mapping[object, object]) -> list[object]:
    """Return the workload's pods that run: those too that were told to end and have not, which no count of the workload's has."""
    match _read(delivery, "pods", f"--selector={_labels(selector)}"):
        case {"items": [*pods]}:
            return [pod for pod in pods if not _finished(pod)]
        case _:
            msg = "the list of pods is not what Kubernetes documents"
            raise AgentError(msg)


def _labels(selector: Mapping[object, object]) -> str:
    """Write a workload's selector as kubectl takes it."""
    match selector:
        case {"matchLabels": {**labels}} if labels and not selector.get("matchExpressions"):
            return ",".join(f"{name}={value}" for name, value in labels.items())
        case _:
            msg = "the workload's selector is more than labels"
            raise AgentError(msg, hint="deliver by --kind exec_hook, with a challenge")


def _annotations(described: object) -> Mapping[object, object]:
    match described:
        case {"metadata": {"annotations": {**annotations}}}:
            return annotations
        case _:
            return {}


def _finished(pod: object) -> bool:
    match pod:
        case {"status": {"phase": "Succeeded" | "Failed"}}:
            return True
        case _:
            return False


def _ready(pod: object) -> bool:
    match pod:
        case {"metadata": {"deletionTimestamp": str()}}:
            return False
        case {"status": {"conditions": [*conditions]}}:
            return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
        case _:
            return False


def _stored(secret: object, name: str) -> bytes:
    """Return what the Secret holds under a name; nothing where it holds none."""
    match secret:
        case {"data": {**data}}:
            try:
                return base64.b64decode(str(data.get(name, "")), validate=True)
            except binascii.Error:
                return b""
        case _:
            return b""


def _read(delivery: Delivery, what: str, *more: str) -> object:
    argv = _kubectl(delivery, "get", what, *more, "--output=json")
    raw = programs.ask(argv, timeout_s=_TIMEOUT_S, complaint=_complaint)
    try:
        parsed: object = json.loads(raw)
    except ValueError:
        msg = "kubectl printed what is no JSON"
        raise AgentError(msg) from None
    return parsed


def _complaint(said: bytes) -> Word | None:
    """Read the reason that the cluster gave, as kubectl puts it in brackets."""
    for reason in _REASONS:
        if f"({reason})".encode() in said:
            may = "get and patch for the Secret and the workload, and list for pods"
            hint = f"let who runs kubectl have {may}" if reason == "Forbidden" else None
            return Word(text=reason, passes=reason in _PASSING, hint=hint)
    if any(sign in said for sign in (b"connection to the server", b"Unable to connect to the server")):
        return Word(text="no connection", passes=True)
    return None


def _kubectl(delivery: Delivery, *argv: str) -> tuple[str, ...]:
    settings = delivery.settings
    where = [f"--namespace={settings['namespace']}"]
    if "context" in settings:
        where.append(f"--context={settings['context']}")
    if "kubeconfig" in settings:
        where.append(f"--kubeconfig={settings['kubeconfig']}")
    return (programs.found("kubectl"), *where, *argv)


def _names(delivery: Delivery) -> tuple[str, ...]:
    return place.names_of(delivery, "key")


def _mark(delivery: Delivery) -> str:
    return f"{delivery.version.number}-{delivery.fingerprint.short}"


def _check(settings: Mapping[str, str]) -> None:
    kind, _, name = settings["workload"].partition("/")
    names = [settings["namespace"], settings["secret"], name]
    if kind not in _KINDS or not all(map(_NAME.fullmatch, names)):
        msg = "namespace and secret are names, and workload is deployment/NAME or statefulset/NAME"
        raise UsageError(msg)
    if not all(_KEY.fullmatch(settings[name]) for name in {"key", "id_name"} & settings.keys()):
        msg = "key and id_name are keys of a Secret"
        raise UsageError(msg)
    if not settings.get("kubeconfig", "/").startswith("/"):
        msg = "kubeconfig is an absolute path"
        raise UsageError(msg)
    if settings.get("context", "c").startswith("-"):
        msg = "context is a name"
        raise UsageError(msg)


AGENT = Agent(
    title="A workload on Kubernetes",
    settings={
        "namespace": "namespace of the Secret and the workload",
        "secret": "name of the Secret",
        "workload": "what runs with it: deployment/NAME or statefulset/NAME",
        "key*": "key in the Secret, where it is not the variable",
        **place.ID_NAME,
        "context*": "context of kubectl's configuration",
        "kubeconfig*": "absolute path of kubectl's configuration",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=1.0,
    check=_check,
    named=lambda settings, variable: settings.get("key", variable),
)
