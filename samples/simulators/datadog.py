"""Datadog: API keys (mint, list, delete) and their validation.  Shapes after the vendor's API reference."""

from __future__ import annotations

import random
import re
import uuid
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_KEYS = re.compile(r"/api/v2/api_keys(?:/([^/]+))?")
_LIMIT = 50


def _answer(state: State, call: Call) -> Answer:
    value = call.headers.get("dd-api-key", "")
    if call.path == "/api/v1/validate":
        key = state.by_value(value)
        known = accepted(state, key, call.now) and key is not None and not key.admin
        return Answer(200, {"valid": True}) if known else _forbidden()
    admin = state.by_value(f"{value}:{call.headers.get('dd-application-key', '')}")
    if not accepted(state, admin, call.now) or admin is None or not admin.admin:
        return _forbidden()
    found = _KEYS.fullmatch(call.path)
    if found is None:
        return Answer(404, {"errors": ["Not found"]})
    if found[1] is None:
        return _list(state, call) if call.method == "GET" else _create(state, call)
    key = state.keys.get(found[1])
    if key is None or key.admin or key.status != "active":
        return Answer(404, {"errors": ["API key not found"]})
    if call.method == "DELETE":
        key.status, key.ended_at = "deleted", call.now
        return Answer(204, None)
    return Answer(200, {"data": _shown(key)})


def _list(state: State, call: Call) -> Answer:
    keys = [key for key in state.keys.values() if not key.admin and key.status == "active"]
    size = min(int(call.query.get("page[size]", "10")), 100)
    start = int(call.query.get("page[number]", "0")) * size
    page = {"max_allowed": state.limit or _LIMIT, "page": {"total_filtered_count": len(keys)}}
    return Answer(200, {"data": [_shown(key) for key in keys[start : start + size]], "meta": page})


def _create(state: State, call: Call) -> Answer:
    match call.body:
        case {"data": {"type": "api_keys", "attributes": {"name": str(name)}}}:
            pass
        case _:
            return Answer(400, {"errors": ["Bad Request"]})
    live = sum(not key.admin and key.status == "active" for key in state.keys.values())
    if state.limit is not None and live >= state.limit:
        return Answer(400, {"errors": ["Maximum number of API keys reached"]})
    value = _new_value(admin=False)
    key = Key(
        id=str(uuid.uuid4()),
        name=name,
        digest=digest(value),
        hint=value[-4:],
        owner="user-sim",
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    shown = _shown(key)
    return Answer(201, {"data": {**shown, "attributes": {**shown["attributes"], "key": value}}})


def _shown(key: Key) -> dict[str, dict[str, object]]:
    made = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000+00:00")
    attributes: dict[str, object] = {
        "name": key.name,
        "created_at": made,
        "modified_at": made,
        "last4": key.hint[-4:],
        "category": "internal",
        "remote_config_read_enabled": True,
    }
    owner = {"data": {"type": "users", "id": key.owner}}
    return {"id": key.id, "type": "api_keys", "attributes": attributes, "relationships": {"created_by": owner}}  # type: ignore[dict-item]


def _forbidden() -> Answer:
    return Answer(403, {"errors": ["Forbidden"]})


def _new_value(*, admin: bool) -> str:
    shape = "{0-9a-f:32}:{0-9a-f:40}" if admin else "{0-9a-f:32}"
    return expand(shape, random.SystemRandom())


VENDOR = Vendor(name="datadog", answer=_answer, new_value=_new_value, new_id=lambda: str(uuid.uuid4()))
