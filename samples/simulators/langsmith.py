"""LangSmith: service keys of an organisation.  Shapes after the vendor's API description."""

from __future__ import annotations

import random
import re
import uuid
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_KEYS = re.compile(r"/api/v1/orgs/current/service-keys(?:/([^/]+))?")
_BOUNDS = ("read_only", "workspaces", "default_workspace_id", "role_id", "org_role_id", "expires_at")


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("x-api-key", ""))
    if not accepted(state, key, call.now) or key is None:
        return Answer(401, {"detail": "Invalid token"})
    if (call.method, call.path) == ("GET", "/api/v1/sessions"):
        reaches_all = "workspaces" in state.extra.get(key.id, {}) and not state.extra[key.id]["workspaces"]
        if reaches_all and "x-tenant-id" not in call.headers:
            return Answer(403, {"detail": "This API key is org-scoped and requires workspace specification."})
        return Answer(200, [])
    if found := _KEYS.fullmatch(call.path):
        return _keys(state, call, found[1]) if key.admin else Answer(403, {"detail": "Forbidden"})
    return Answer(404, {"detail": "Not Found"})


def _keys(state: State, call: Call, identifier: str | None) -> Answer:
    live = {key.id: key for key in state.keys.values() if key.status == "active" and not key.admin}
    if identifier is None and call.method == "GET":
        return Answer(200, [_shown(state, key) for key in live.values()])
    if identifier is None:
        return _create(state, call)
    key = live.get(identifier)
    if key is None:
        return Answer(404, {"detail": "API key not found"})
    key.status, key.ended_at = "deleted", call.now
    return Answer(200, _shown(state, key))


def _create(state: State, call: Call) -> Answer:
    value = _new_value(admin=False)
    key = Key(
        id=_new_id(),
        name=str(call.body.get("description", "Default API key")),
        digest=digest(value),
        hint=f"{value[:14]}...{value[-4:]}",
        owner="organisation",
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    state.extra[key.id] = {name: call.body[name] for name in _BOUNDS if name in call.body}
    return Answer(200, {**_shown(state, key), "key": value})


def _shown(state: State, key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "description": key.name,
        "short_key": key.hint,
        "created_at": datetime.fromtimestamp(key.created_at, UTC).isoformat(),
        "last_used_at": None,
        "read_only": False,
        **dict.fromkeys(_BOUNDS[1:]),
        **state.extra.get(key.id, {}),
    }


def _new_id() -> str:
    return str(uuid.uuid4())


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  an administering key looks like any other
    return expand("lsv2_sk_{a-f0-9:32}_{a-f0-9:10}", random.SystemRandom())


VENDOR = Vendor(name="langsmith", answer=_answer, new_value=_new_value, new_id=_new_id)
