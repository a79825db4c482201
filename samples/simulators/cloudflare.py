"""Cloudflare: API tokens of a user or an account, rolled by their id, switched, and verified by themselves.  Shapes after the API reference."""

from __future__ import annotations

import random
import re
import secrets
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_TOKENS = re.compile(r"/client/v4/(?:user|accounts/[^/]+)/tokens(?:/([^/]+)(/value)?)?")
_STATUSES = {"active": "active", "inactive": "disabled", "expired": "expired"}


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    found = _TOKENS.fullmatch(call.path)
    if found is None:
        return _error(404, 7003, "Could not route to the path, perhaps your object identifier is invalid?")
    if found[1] == "verify":
        return _verify(state, call, key)
    if not accepted(state, key, call.now) or key is None:
        return _error(401, 1000, "Invalid API Token")
    if not key.admin:
        return _error(403, 9109, "Unauthorized to access requested resource")
    if found[1] is None:
        return _list(state, call) if call.method == "GET" else _error(405, 10405, "Method not allowed")
    one = state.keys.get(found[1])
    if one is None or one.status == "deleted":
        return _error(404, 1003, "Invalid or missing token identifier")
    return _one(state, call, one, value=bool(found[2]))


def _verify(state: State, call: Call, key: Key | None) -> Answer:
    """Tell a token what it is; one that is switched off is told so, and is accepted nowhere else."""
    if key is None or (key.status not in _STATUSES and not accepted(state, key, call.now)):
        return _error(401, 1000, "Invalid API Token")
    status = "active" if accepted(state, key, call.now) else _STATUSES[key.status]
    return _ok({"id": key.id, "status": status, "not_before": None, "expires_on": None})


def _one(state: State, call: Call, key: Key, *, value: bool) -> Answer:
    match call.method:
        case "PUT" if value:
            return _roll(state, key)
        case "PUT":
            if not isinstance(call.body.get("name"), str) or not isinstance(call.body.get("policies"), list):
                return _error(400, 1001, "name and policies are required")
            key.name = str(call.body["name"])
            wanted = call.body.get("status", "active")
            key.status, key.ended_at = ("active", None) if wanted == "active" else ("inactive", call.now)
            state.extra[key.id] = {n: v for n, v in call.body.items() if n not in {"name", "status"}}
            return _ok(_shown(state, key))
        case "GET" if not value:
            return _ok(_shown(state, key))
        case "DELETE":
            key.status, key.ended_at = "deleted", call.now
            return _ok({"id": key.id})
        case _:
            return _error(405, 10405, "Method not allowed")


def _roll(state: State, key: Key) -> Answer:
    """Give a token another value.  The old one stays behind as a key of its own, so that it may live on for the propagation delay."""
    old = Key(**{**vars(key), "id": f"old-{secrets.token_hex(4)}", "status": "deleted", "ended_at": _now()})
    fresh = _new_value(admin=False)
    state.keys[old.id] = old
    key.digest, key.last_used_at = digest(fresh), None
    return _ok(fresh)


def _list(state: State, call: Call) -> Answer:
    keys = sorted((key for key in state.keys.values() if key.status != "deleted"), key=lambda key: key.id)
    size, page = max(5, min(int(call.query.get("per_page", "20")), 50)), int(call.query.get("page", "1"))
    shown = [_shown(state, key) for key in keys[(page - 1) * size : page * size]]
    info = {"page": page, "per_page": size, "count": len(shown), "total_count": len(keys)}
    return _ok(shown, {"result_info": info | {"total_pages": -(-len(keys) // size)}})


def _shown(state: State, key: Key) -> dict[str, object]:
    group = {"id": "f7f0eda5697f475c90846e879bab8666", "name": "Zone Read"}
    policy = {"id": "p1", "effect": "allow", "permission_groups": [group], "resources": {"com.cloudflare.api.*": "*"}}
    made = datetime.fromtimestamp(key.created_at, UTC).isoformat()
    return {
        "id": key.id,
        "name": key.name,
        "status": _STATUSES[key.status],
        "issued_on": made,
        "modified_on": made,
        "last_used_on": None,
        "policies": [policy],
        **state.extra.get(key.id, {}),
    }


def _ok(result: object, more: dict[str, object] | None = None) -> Answer:
    return Answer(200, {"success": True, "errors": [], "messages": [], "result": result, **(more or {})})


def _error(status: int, code: int, message: str) -> Answer:
    problem = {"code": code, "message": message}
    return Answer(status, {"success": False, "errors": [problem], "messages": [], "result": None})


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  an administering token looks like any other
    return expand("{A-Za-z0-9_-:40}", random.SystemRandom())


VENDOR = Vendor(name="cloudflare", answer=_answer, new_value=_new_value, new_id=lambda: secrets.token_hex(16))
