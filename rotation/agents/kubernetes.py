"""Kubernetes, by kubectl: the Secret is patched through standard input, the workload rolled out, and every old pod waited for to be gone.

Who runs kubectl needs get and patch for the Secret and the workload.  Attested are the value in the Secret and a finished rollout of pods
that were made after it: each of them counted as updated, ready and available, and none left over.  Proven on a stand-in for kubectl.
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
from keysweep.rotation.sinks import place

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_KEY = re.compile(r"[A-Za-z0-9._-]{1,253}")
_KINDS = ("deployment", "statefulset")
_MARK = "keysweep/version"
_TIMEOUT_S = 20.0


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
        programs.run(_kubectl(delivery, *argv), timeout_s=_TIMEOUT_S, given=patch)
    finally:
        patch.wipe()


def _activate(delivery: Delivery) -> None:
    """Change the pods' template, as `kubectl rollout restart` does; the same mark again changes nothing."""
    annotations = {_MARK: _mark(delivery)}
    patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    workload = delivery.settings["workload"]
    argv = ("patch", workload, "--type=merge", f"--patch={json.dumps(patch)}")  # public
    programs.run(_kubectl(delivery, *argv), timeout_s=_TIMEOUT_S)


def _attest(delivery: Delivery) -> Attestation:
    """See the value in the Secret, and every pod made of the template with this version's mark and available."""
    secret = _read(delivery, f"secret/{delivery.settings['secret']}")
    halves = {name: half.encode() for name, half in delivery.halves().items()}
    stored = all(delivery.is_value(_stored(secret, name)) for name in _names(delivery))
    if not stored or any(_stored(secret, name) != half for name, half in halves.items()):
        return Attestation(holding=Holding.OTHER, method="secret-differs")
    match _read(delivery, delivery.settings["workload"]):
        case {"spec": {"replicas": 0}, "status": {**status}} if not status.get("replicas"):
            return Attestation(holding=Holding.NOT_RUNNING, method="no-replicas")
        case {
            "metadata": {"generation": int(generation)},
            "spec": {"replicas": int(wanted), "template": {"metadata": {"annotations": {**annotations}}}},
            "status": {"observedGeneration": int(observed), **status},
        } if annotations.get(_MARK) == _mark(delivery) and observed >= generation:
            counts = [
                status.get(field, 0) for field in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
            ]
            if counts == [wanted] * 4:
                return Attestation(holding=Holding.NEW, method="rolled-out", at=system_clock())
    return Attestation(holding=Holding.OTHER, method="rolling-out")


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


def _read(delivery: Delivery, what: str) -> object:
    raw = programs.ask(_kubectl(delivery, "get", what, "--output=json"), timeout_s=_TIMEOUT_S)
    try:
        parsed: object = json.loads(raw)
    except ValueError:
        msg = "kubectl printed what is no JSON"
        raise AgentError(msg) from None
    return parsed


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
