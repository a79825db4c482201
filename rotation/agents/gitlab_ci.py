"""Variables of GitLab CI: the value is replaced, and what protects it stays; the next pipeline gets it.

Whether it is masked, protected, raw or a file is said again with each value; a value that cannot be masked is refused, never stored
unmasked.  A new variable is masked and protected.  A hidden variable cannot be read back: that it is there must do.  Jobs that go on keep
the old key.  The halves of a key of two are two variables, replaced one after the other: a pipeline that begins in between fails.
Proven on a simulator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.agent_hosts import ADMIN, call, check_url, parsed, segment
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.http import Response
from keysweep.rotation.sinks import place

_BASE = "https://gitlab.com"
_KEY = re.compile(r"[A-Za-z0-9_]{1,255}")
_FOUND = frozenset({200, 404})
_KEPT = ("masked", "protected", "raw", "variable_type", "environment_scope", "description")
"""What is said again when the value is replaced, so that no default takes its place."""


def _deliver(delivery: Delivery) -> None:
    for name, half in delivery.halves().items():
        _store(delivery, name, Secret(half), masked=False)
    for name in _names(delivery):
        value = delivery.open("deliver")
        _store(delivery, name, value, masked=True)
        value.wipe()


def _store(delivery: Delivery, name: str, value: Secret, *, masked: bool) -> None:
    """Replace what a variable holds; a new one is protected, and one with a value is masked."""
    before = _variable(delivery, name, purpose="deliver")
    if before is None:
        fresh = {"key": name, "masked": masked, "protected": True, "raw": True, "environment_scope": _scope(delivery)}
        _call(delivery, "POST", "", purpose="deliver", body={**fresh, "value": value.reveal_text()})
        return
    kept = {field: before[field] for field in _KEPT if before.get(field) is not None}
    path = f"/{name}{_filter(delivery)}"
    _call(delivery, "PUT", path, purpose="deliver", body={**kept, "value": value.reveal_text()})


def _activate(delivery: Delivery) -> None:
    """Nothing: the next pipeline takes it."""


def _attest(delivery: Delivery) -> Attestation:
    """Read the variable back; jobs that go on keep what they began with."""
    halves = delivery.halves()
    for name in (*halves, *_names(delivery)):
        found = _variable(delivery, name, purpose="attest")
        if found is None:
            return Attestation(holding=Holding.OTHER, method="no-variable")
        value = found.get("value")
        if isinstance(value, str) and not (
            value == halves[name] if name in halves else delivery.is_value(value.encode())
        ):
            return Attestation(holding=Holding.OTHER, method="variable-differs")
        if not isinstance(value, str) and found.get("hidden") is not True:
            return Attestation(holding=Holding.OTHER, method="unseen")
    return Attestation(holding=Holding.NOT_RUNNING, method="next-pipeline")


def _variable(delivery: Delivery, name: str, *, purpose: str) -> Mapping[str, object] | None:
    answer = _call(delivery, "GET", f"/{name}{_filter(delivery)}", purpose=purpose, accepted=_FOUND)
    if answer.status == 404:
        return None
    match parsed(answer):
        case {"key": str(), **more}:
            return {str(field): value for field, value in more.items()}
        case _:
            msg = "the variable is not what the vendor documents"
            raise AgentError(msg)


def _call(
    delivery: Delivery,
    method: str,
    path: str,
    *,
    purpose: str,
    body: object = None,
    accepted: frozenset[int] = frozenset({200, 201}),
) -> Response:
    project = segment(delivery.settings["project"])
    url = f"{delivery.settings.get('base_url', _BASE)}/api/v4/projects/{project}/variables{path}"
    return call(delivery, method, url, purpose=purpose, body=body, header="PRIVATE-TOKEN", scheme="", accepted=accepted)


def _scope(delivery: Delivery) -> str:
    return delivery.settings.get("environment_scope", "*")


def _filter(delivery: Delivery) -> str:
    return f"?filter[environment_scope]={segment(_scope(delivery))}"


def _names(delivery: Delivery) -> tuple[str, ...]:
    return place.names_of(delivery, "key")


def _check(settings: Mapping[str, str]) -> None:
    check_url(settings)
    if not all(_KEY.fullmatch(settings[name]) for name in {"key", "id_name"} & settings.keys()):
        msg = "key and id_name are names of letters, digits and underscores"
        raise UsageError(msg)


AGENT = Agent(
    title="Variables of GitLab CI",
    settings={
        "project": "number of the project, or its path",
        "admin": ADMIN + ": a token with the scope api",
        "key*": "name of the variable, where it is not the bound one",
        **place.ID_NAME,
        "environment_scope*": "scope of the variable (*)",
        "base_url*": f"address of GitLab ({_BASE})",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=2.0,
    check=_check,
    named=lambda settings, variable: settings.get("key", variable),
)
