"""Google API keys: create, read back, look up, restrict and delete, as long-running operations; and Gemini's list of models.

Shapes after the vendor's API Keys reference (v2).  A creation is done when it is asked for, any other operation at once.  A restriction to
addresses keeps everybody out: nobody calls a simulator from the outside.
"""

from __future__ import annotations

import random
import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest, shelve, shown_again
from samples.simulators.google_service_account import (
    PROJECT,
    error,
    id_in,
    is_admin,
    new_file,
    note_public_half,
    token,
)

_KEYS = re.compile(rf"/v2/projects/{PROJECT}/locations/global/keys(?:/([^/:]+)(/keyString)?)?")
_OPERATION = re.compile(r"/v2/(operations/[^/]+)")
_TYPE = "type.googleapis.com/google.api.apikeys.v2.Key"
_PAGE = 50


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", "/token"):
        return token(state, call)
    if call.path == "/v1/models":
        return _models(state, call)
    if not is_admin(state, call):
        return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    if call.path == "/v2/keys:lookupKey":
        return _look_up(state, call)
    if found := _OPERATION.fullmatch(call.path):
        done = state.extra["operations"].get(found[1])
        return Answer(200, {"name": found[1], "done": True, "response": done}) if done else _not_found()
    if found := _KEYS.fullmatch(call.path):
        return _keys(state, call, found[1], value=bool(found[2]))
    return _not_found()


def _models(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("x-goog-api-key", ""))
    if not accepted(state, key, call.now) or key is None or key.admin:
        return _refused(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", "API_KEY_INVALID")
    if key.status == "active" and _about(state, key).get("restrictions", {}).get("serverKeyRestrictions"):
        message = "The provided API key has an IP address restriction."
        return _refused(403, "PERMISSION_DENIED", message, "API_KEY_IP_ADDRESS_BLOCKED")
    model = {"name": "models/sim-1", "version": "1", "displayName": "Simulated", "inputTokenLimit": 1}
    return Answer(200, {"models": [model]})


def _keys(state: State, call: Call, key_id: str | None, *, value: bool) -> Answer:
    if key_id is None:
        return _list(state, call) if call.method == "GET" else _create(state, call)
    key = state.keys.get(key_id)
    if key is None or key.admin or key.status != "active":
        return _not_found()
    match call.method:
        case "GET" if value:
            return Answer(200, {"keyString": shown_again(state, key.id)})
        case "GET":
            return Answer(200, _shown(state, key))
        case "PATCH":
            for field in str(call.query.get("updateMask", "")).split(","):
                _about(state, key)[field] = call.body.get(field, {})
        case "DELETE":
            key.status, key.ended_at = "deleted", call.now
        case _:
            return _not_found()
    return _operation(state, key, done=True)


def _list(state: State, call: Call) -> Answer:
    keys = [key for key in state.keys.values() if not key.admin and key.status == "active"]
    start, size = int(call.query.get("pageToken", "0")), min(int(call.query.get("pageSize", str(_PAGE))), 300)
    page: dict[str, object] = {"keys": [_shown(state, key) for key in keys[start : start + size]]}
    return Answer(200, page | ({"nextPageToken": str(start + size)} if start + size < len(keys) else {}))


def _create(state: State, call: Call) -> Answer:
    value = _new_value(admin=False)
    key = Key(
        id=str(uuid.uuid4()),
        name=str(call.body.get("displayName") or ""),
        digest=digest(value),
        hint="",
        owner=PROJECT,
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    shelve(state, key.id, value)
    if "restrictions" in call.body:
        _about(state, key)["restrictions"] = call.body["restrictions"]
    return _operation(state, key, done=False)


def _look_up(state: State, call: Call) -> Answer:
    key = state.by_value(call.query.get("keyString", ""))
    if key is None or key.admin:
        return error(403, "PERMISSION_DENIED", "Permission denied.")
    return Answer(200, {"parent": f"projects/{PROJECT}/locations/global", "name": _name(key)})


def _operation(state: State, key: Key, *, done: bool) -> Answer:
    name, response = f"operations/akmf.p7-1-{secrets.token_hex(8)}", {"@type": _TYPE, **_shown(state, key)}
    state.extra.setdefault("operations", {})[name] = response
    return Answer(200, {"name": name} | ({"done": True, "response": response} if done else {}))


def _shown(state: State, key: Key) -> dict[str, object]:
    made = datetime.fromtimestamp(key.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    shown = {"name": _name(key), "uid": key.id, "displayName": key.name, "createTime": made, "etag": 'W/"1"'}
    return {**shown, **{field: content for field, content in _about(state, key).items() if content}}


def _about(state: State, key: Key) -> dict[str, Any]:
    """Return the restrictions and annotations of a key."""
    about: dict[str, Any] = state.extra.setdefault("about", {}).setdefault(key.id, {})
    return about


def _name(key: Key) -> str:
    return f"projects/100000000000/locations/global/keys/{key.id}"


def _refused(status: int, code: str, message: str, reason: str) -> Answer:
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
    return Answer(status, {"error": {"code": status, "message": message, "status": code, "details": [info]}})


def _not_found() -> Answer:
    return error(404, "NOT_FOUND", "Requested entity was not found.")


def _new_value(*, admin: bool) -> str:
    return new_file(admin=True) if admin else expand("AIza{A-Za-z0-9_-:35}", random.SystemRandom())


def _id_from(value: str) -> str:
    return id_in(value) if value.startswith("{") else str(uuid.uuid4())


def _seeded(state: State, key: Key, value: str) -> None:
    (note_public_half if key.admin else _shelve)(state, key, value)


def _shelve(state: State, key: Key, value: str) -> None:
    shelve(state, key.id, value)


VENDOR = Vendor(name="google_api_key", answer=_answer, new_value=_new_value, id_from=_id_from, seeded=_seeded)
