"""OpenRouter: keys are made, listed, switched off and deleted with a management key; a key's id is the hash of its value.

Shapes after the vendor's API reference.
"""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_KEYS = re.compile(r"/api/v1/keys(?:/([^/]+))?")
_PAGE = 100
_LIMITS = ("limit", "limit_reset", "include_byok_in_limit")
DEFAULT, SECOND = "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000002"
"""The workspaces of the account."""


def _serves(call: Call) -> bool:
    return call.path.startswith("/api/v1/")


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, "User not found.")
    if (call.method, call.path) == ("GET", "/api/v1/key"):
        return Answer(200, {"data": _itself(key)})
    if (call.method, call.path) == ("GET", "/api/v1/workspaces"):
        if not key.admin:
            return _error(403, "A management key is needed.")
        start = int(call.query.get("offset", "0"))
        shown = [_workspace(identifier) for identifier in (DEFAULT, SECOND)]
        return Answer(200, {"data": shown[start:], "total_count": len(shown)})
    if found := _KEYS.fullmatch(call.path):
        return _keys(state, call, found[1]) if key.admin else _error(403, "A management key is needed.")
    return _error(404, "Unknown path.")


def _keys(state: State, call: Call, identifier: str | None) -> Answer:
    if identifier is None:
        return _list(state, call) if call.method == "GET" else _create(state, call)
    key = next((k for k in state.keys.values() if k.digest == identifier and not k.admin), None)
    if key is None or key.status == "deleted":
        return _error(404, "No such key.")
    if call.method == "DELETE":
        key.status, key.ended_at = "deleted", call.now
        return Answer(200, {"deleted": True})
    if call.method == "PATCH" and isinstance(disabled := call.body.get("disabled"), bool):
        key.status, key.ended_at = ("inactive", call.now) if disabled else ("active", None)
    return Answer(200, {"data": _shown(key) | _limits(state, key)})


def _list(state: State, call: Call) -> Answer:
    """List the keys of one workspace, newest first; switched-off ones and other workspaces only if they are asked for."""
    place = call.query.get("workspace_id", DEFAULT)
    wanted = {"active", "inactive"} if call.query.get("include_disabled") == "true" else {"active"}
    keys = [
        key
        for key in state.keys.values()
        if not key.admin and key.status in wanted and (key.workspace or DEFAULT) == place
    ]
    keys.sort(key=lambda key: (-key.created_at, key.digest))
    start = int(call.query.get("offset", "0"))
    return Answer(200, {"data": [_shown(key) for key in keys[start : start + _PAGE]]})


def _create(state: State, call: Call) -> Answer:
    if not isinstance(call.body.get("name"), str):
        return _error(400, "name is required.")
    value = _new_value(admin=False)
    key = Key(
        id=digest(value),
        name=str(call.body["name"]),
        digest=digest(value),
        hint=f"{value[:12]}...{value[-3:]}",
        owner="user_sim",
        created_at=int(call.now),
    )
    key.workspace = str(call.body.get("workspace_id") or "")
    state.keys[key.id] = key
    state.extra[key.id] = {name: call.body[name] for name in _LIMITS if name in call.body}
    return Answer(201, {"data": _shown(key) | _limits(state, key), "key": value})


def _limits(state: State, key: Key) -> dict[str, object]:
    """Return what bounds a key, where anything does."""
    kept: dict[str, object] = state.extra.get(key.id, {})
    return kept


def _shown(key: Key) -> dict[str, object]:
    usage = dict.fromkeys(("usage", "usage_daily", "usage_weekly", "usage_monthly"), 0)
    own = {f"byok_{name}": 0 for name in usage}
    return {
        "hash": key.digest,
        "name": key.name,
        "label": f"{key.hint[:12]}...{key.hint[-3:]}",
        "disabled": key.status != "active",
        "limit": None,
        "limit_remaining": None,
        "limit_reset": None,
        "include_byok_in_limit": False,
        "workspace_id": key.workspace or DEFAULT,
        "creator_user_id": key.owner,
        "created_at": datetime.fromtimestamp(key.created_at, UTC).isoformat(),
        "updated_at": None,
        "last_used_at": datetime.fromtimestamp(key.last_used_at, UTC).isoformat() if key.last_used_at else None,
        "external_user": None,
        "expires_at": None,
        **usage,
        **own,
    }


def _itself(key: Key) -> dict[str, object]:
    """Return what a key is told about itself: not its hash, and not its name."""
    shown = _shown(key)
    hidden = ("hash", "name", "disabled", "created_at", "updated_at", "last_used_at", "external_user")
    return {
        **{name: value for name, value in shown.items() if name not in hidden},
        "allowed_data_regions": ["global"],
        "budgets": [],
        "effective_budget": None,
        "free_model_daily_requests": {"limit": 50, "remaining": 50, "used": 0},
        "is_free_tier": False,
        "is_management_key": key.admin,
        "is_provisioning_key": key.admin,
        "organization_id": None,
        "rate_limit": {"interval": "10s", "requests": -1, "note": "no longer used"},
    }


def _workspace(identifier: str) -> dict[str, object]:
    unset = ("created_by", "default_image_model", "default_provider_sort", "default_text_model", "description")
    return {
        "id": identifier,
        "name": f"Workspace {identifier[-1]}",
        "slug": f"workspace-{identifier[-1]}",
        "default_guardrail_id": identifier,
        "created_at": "2026-01-01T00:00:00+00:00",
        "updated_at": None,
        "io_logging_api_key_ids": None,
        "io_logging_sampling_rate": 1,
        "is_data_discount_logging_enabled": False,
        "is_observability_broadcast_enabled": False,
        "is_observability_io_logging_enabled": False,
        **dict.fromkeys(unset),
    }


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"error": {"code": status, "message": message}})


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  a management key looks like any other
    return expand("sk-or-v1-{0-9a-f:64}", random.SystemRandom())


VENDOR = Vendor(name="openrouter", serves=_serves, answer=_answer, new_value=_new_value, id_from=digest)
