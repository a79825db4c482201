"""OpenAI: service-account keys (mint, list, delete) and a tiny completion.  Shapes after the vendor's API reference."""

from __future__ import annotations

import random
import re
import secrets
from collections.abc import Callable

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest
from samples.simulators.openai_admin import lifetime_refused

_KEYS = re.compile(r"/v1/organization/projects/([^/]+)/api_keys(?:/([^/]+))?")
_ADMINS = "/v1/organization/admin_api_keys"
_PROJECTS = "/v1/organization/projects"
_MINT = re.compile(r"/v1/organization/projects/([^/]+)/service_accounts/([^/]+)/api_keys")


def _serves(call: Call) -> bool:
    return call.path.startswith("/v1/") and not {"x-api-key", "anthropic-version"} & set(call.headers)


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, "Incorrect API key provided.", "invalid_request_error", "invalid_api_key")
    if call.path.startswith("/v1/organization/"):
        if not key.admin:
            return _error(403, "You have insufficient permissions.", "invalid_request_error", "missing_scope")
        return _organization(state, call)
    if (call.method, call.path) == ("GET", "/v1/models"):
        model = {"id": "sim-1", "object": "model", "created": 1700000000, "owned_by": "simulator"}
        return Answer(200, {"object": "list", "data": [model]})
    if (call.method, call.path) == ("POST", "/v1/chat/completions"):
        message = {"role": "assistant", "content": "ok", "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return Answer(
            200,
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1700000000,
                "model": "sim-1",
                "choices": [choice],
            },
        )
    return _error(404, "Unknown path.", "invalid_request_error", "unknown_url")


def _organization(state: State, call: Call) -> Answer:
    if (found := _MINT.fullmatch(call.path)) and call.method == "POST":
        return _mint(state, call, found[2])
    if (call.method, call.path) == ("GET", _PROJECTS):
        return _projects(call)
    if (call.method, call.path) == ("GET", _ADMINS):
        admins = [key for key in state.keys.values() if key.admin and key.status == "active"]
        return _page(call, admins, _shown_admin)
    if found := _KEYS.fullmatch(call.path):
        if call.method == "GET" and found[2] is None:
            return _list(state, call)
        key = state.keys.get(found[2] or "")
        if key is None or key.status != "active" or key.admin:
            return _error(404, "No such key.", "invalid_request_error", None)
        if call.method == "GET":
            return Answer(200, _shown(key) | {"scopes": state.extra.get("scopes", {}).get(key.id, [])})
        if call.method == "DELETE":
            key.status, key.ended_at = "deleted", call.now
            return Answer(200, {"object": "organization.project.api_key.deleted", "id": key.id, "deleted": True})
    return _error(404, "Unknown path.", "invalid_request_error", "unknown_url")


def _mint(state: State, call: Call, owner: str) -> Answer:
    if not isinstance(call.body.get("name"), str):
        return _error(400, "name is required.", "invalid_request_error", None)
    life, scopes = call.body.get("expires_in_seconds"), call.body.get("scopes")
    if (refused := lifetime_refused(state, life)) is not None:
        return refused
    value = _new_value(admin=False)
    key = Key(
        id=f"key_{secrets.token_hex(8)}",
        name=str(call.body["name"]),
        digest=digest(value),
        hint=f"{value[:10]}{'*' * 12}{value[-4:]}",
        owner=owner,
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    if isinstance(scopes, list) and scopes:  # an empty list is no restriction at all
        state.extra.setdefault("scopes", {})[key.id] = scopes
    expires = key.created_at + life if isinstance(life, int) else None
    return Answer(
        200, {"id": key.id, "name": key.name, "value": value, "created_at": key.created_at, "expires_at": expires}
    )


def _list(state: State, call: Call) -> Answer:
    """List active keys by id; without `owner_project_access=any` one that was never used is left out, as the vendor does."""
    everything = call.query.get("owner_project_access") == "any"
    return _page(
        call,
        [k for k in state.keys.values() if not k.admin and k.status == "active" and (everything or k.uses)],
        _shown,
    )


def _projects(call: Call) -> Answer:
    """List the one project there is: whatever project a path names, its keys are the same."""
    project = {"object": "organization.project", "id": "proj_sim", "name": "simulated", "created_at": 1700000000}
    data = [{**project, "status": "active", "archived_at": None}] if not call.query.get("after") else []
    first = "proj_sim" if data else None
    return Answer(200, {"object": "list", "data": data, "first_id": first, "last_id": first, "has_more": False})


def _page(call: Call, keys: list[Key], show: Callable[[Key], dict[str, object]]) -> Answer:
    """Answer the page of a list that the query asks for, by id."""
    after = call.query.get("after", "")
    rest = [key for key in sorted(keys, key=lambda key: key.id) if key.id > after]
    page = rest[: max(1, min(int(call.query.get("limit", "20")), 100))]
    return Answer(
        200,
        {
            "object": "list",
            "data": [show(key) for key in page],
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
            "has_more": len(page) < len(rest),
        },
    )


def _shown_admin(key: Key) -> dict[str, object]:
    owner = {"type": "user", "object": "organization.user", "id": key.owner, "name": key.owner, "role": "owner"}
    return {
        "object": "organization.admin_api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": key.hint,
        "created_at": key.created_at,
        "last_used_at": int(key.last_used_at) if key.last_used_at else None,
        "expires_at": None,
        "owner": {**owner, "created_at": key.created_at},
    }


def _shown(key: Key) -> dict[str, object]:
    owner = {
        "type": "service_account",
        "service_account": {"id": key.owner, "name": key.owner, "role": "member", "created_at": 0},
    }
    return {
        "object": "organization.project.api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": key.hint,
        "created_at": key.created_at,
        "last_used_at": int(key.last_used_at or 0),
        "owner_project_access": "active",
        "expires_at": None,
        "owner": owner,
    }


def _error(status: int, message: str, kind: str, code: str | None) -> Answer:
    return Answer(status, {"error": {"message": message, "type": kind, "param": None, "code": code}})


def _new_value(*, admin: bool) -> str:
    shape = "A-Za-z0-9_-:74"
    prefix = "sk-admin-" if admin else "sk-svcacct-"
    return expand(f"{prefix}{{{shape}}}T3BlbkFJ{{{shape}}}", random.SystemRandom())


VENDOR = Vendor(name="openai", serves=_serves, answer=_answer, new_value=_new_value)
