"""GitLab's API for the CI variables of a project: read, made and replaced; hidden ones are not shown again, and masked ones must be maskable."""

from __future__ import annotations

import re
import secrets
from typing import Any
from urllib.parse import unquote

from samples.simulators import Answer, Call, State, Vendor, accepted

_VARIABLES = re.compile(r"/api/v4/projects/([^/]+)/variables(?:/([A-Za-z0-9_]+))?")
_MASKABLE = re.compile(r"[A-Za-z0-9_:@.~+/=-]{8,}")
_FRESH = {
    "variable_type": "env_var", "protected": False, "masked": False, "hidden": False, "raw": False,
    "environment_scope": "*", "description": None,
}  # fmt: skip


def new_value(*, admin: bool) -> str:
    """Return a token in no vendor's shape: this simulator is about variables, not about tokens."""
    return f"variables-{'admin' if admin else 'user'}-{secrets.token_hex(12)}"


def answer(state: State, call: Call) -> Answer:
    """Answer as the vendor documents.  Values are kept in the clear, as GitLab shows them to maintainers."""
    key = state.by_value(call.headers.get("private-token", ""))
    if key is None or not accepted(state, key, call.now):
        return Answer(401, {"message": "401 Unauthorized"})
    if not key.admin:
        return Answer(403, {"message": "403 Forbidden"})
    found = _VARIABLES.fullmatch(call.path)
    if found is None:
        return Answer(404, {"message": "404 Not Found"})
    project: list[dict[str, Any]] = state.extra.setdefault("projects", {}).setdefault(unquote(found[1]), [])
    if call.method == "POST":
        return _stored(project, {**_FRESH, **call.body}, 201)
    scope = call.query.get("filter[environment_scope]", "*")
    variable = next((v for v in project if v["key"] == found[2] and v["environment_scope"] == scope), None)
    if variable is None:
        return Answer(404, {"message": "404 Variable Not Found"})
    if call.method == "PUT":
        # stricter than the vendor need be: what is not said again falls back to its default
        project.remove(variable)
        return _stored(project, {**variable, "masked": False, "protected": False, "raw": False, **call.body}, 200)
    return Answer(200, _shown(variable))


def _stored(project: list[dict[str, Any]], variable: dict[str, Any], status: int) -> Answer:
    if variable["masked"] and not _MASKABLE.fullmatch(str(variable["value"])):
        return Answer(400, {"message": {"value": ["is invalid"]}})
    project.append(variable)
    return Answer(status, _shown(variable))


def _shown(variable: dict[str, Any]) -> dict[str, Any]:
    return {**variable, "value": None} if variable["hidden"] else variable


VENDOR = Vendor(name="gitlab_ci", answer=answer, new_value=new_value)
