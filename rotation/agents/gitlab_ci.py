"""Variables of GitLab CI: the value is replaced, and what protects it stays; the next pipeline gets it.

Whether it is masked, protected, raw or a file is said again with each value; a value that cannot be masked is refused, never stored
unmasked.  A new variable is masked and protected.  A hidden variable cannot be read back: that it is there must do.  Jobs that go on keep
the old key.  Proven on a simulator.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from keysweep.foundation.errors import UsageError
from keysweep.rotation.agent_hosts import ADMIN, call, check_url, parsed, segment
from keysweep.rotation.agents import Agent, AgentError, Attestation, Delivery, Holding
from keysweep.rotation.http import Response

_BASE = "https://gitlab.com"
_KEY = re.compile(r"[A-Za-z0-9_]{1,255}")
_FOUND = frozenset({200, 404})
_KEPT = ("masked", "protected", "raw", "variable_type", "environment_scope", "description")
"""What is said again when the value is replaced, so that no default takes its place."""


def _deliver(delivery: Delivery) -> None:
    for name in _names(delivery):
        before = _variable(delivery, name, purpose="deliver")
        value = delivery.open("deliver")
        if before is None:
            fresh = {"key": name, "masked": True, "protected": True, "raw": True, "environment_scope": _scope(delivery)}
            _call(delivery, "POST", "", purpose="deliver", body={**fresh, "value": value.reveal_text()})
        else:
            kept = {field: before[field] for field in _KEPT if before.get(field) is not None}
            path = f"/{name}{_filter(delivery)}"
            _call(delivery, "PUT", path, purpose="deliver", body={**kept, "value": value.reveal_text()})
        value.wipe()


def _activate(delivery: Delivery) -> None:
    """Nothing: the next pipeline takes it."""


def _attest(delivery: Delivery) -> Attestation:
    """Read the variable back; jobs that go on keep what they began with."""
    for name in _names(delivery):
        found = _variable(delivery, name, purpose="attest")
        if found is None:
            return Attestation(holding=Holding.OTHER, method="no-variable")
        value = found.get("value")
        if isinstance(value, str) and not delivery.is_value(value.encode()):
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
    return (delivery.settings["key"],) if "key" in delivery.settings else delivery.variables


def _check(settings: Mapping[str, str]) -> None:
    check_url(settings)
    if "key" in settings and not _KEY.fullmatch(settings["key"]):
        msg = "key is a name of letters, digits and underscores"
        raise UsageError(msg)


AGENT = Agent(
    title="Variables of GitLab CI",
    settings={
        "project": "number of the project, or its path",
        "admin": ADMIN + ": a token with the scope api",
        "key*": "name of the variable, where it is not the bound one",
        "environment_scope*": "scope of the variable (*)",
        "base_url*": f"address of GitLab ({_BASE})",
    },
    deliver=_deliver,
    activate=_activate,
    attest=_attest,
    poll_s=2.0,
    check=_check,
)
