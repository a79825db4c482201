"""Anthropic: keys can be listed and switched, not made (no create, no delete), and a tiny message.  Shapes after the API reference."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted

_KEY = re.compile(r"/v1/organizations/api_keys(?:/([^/]+))?")
_STATUSES = {"active", "inactive", "archived"}


def _serves(call: Call) -> bool:
    return call.path.startswith("/v1/") and ("x-api-key" in call.headers or "anthropic-version" in call.headers)


def _answer(state: State, call: Call) -> Answer:
    if "anthropic-version" not in call.headers:
        return _error(400, "invalid_request_error", "anthropic-version: header is required")
    key = state.by_value(_value(call))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, "authentication_error", "invalid x-api-key")
    if found := _KEY.fullmatch(call.path):
        if not key.admin:
            return _error(403, "permission_error", "an admin key is needed")
        return _keys(state, call, found[1])
    if (call.method, call.path) == ("GET", "/v1/models"):
        model = {"type": "model", "id": "sim-1", "display_name": "Simulated", "created_at": "2026-01-01T00:00:00Z"}
        return Answer(200, {"data": [model], "has_more": False, "first_id": "sim-1", "last_id": "sim-1"})
    if (call.method, call.path) == ("POST", "/v1/messages"):
        return Answer(
            200,
            {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": "sim-1",
                "content": [{"type": "text", "text": "ok"}],
                "stop_reason": "end_turn",
                "stop_sequence": None,
                "usage": {"input_tokens": 1, "output_tokens": 1},
            },
        )
    return _error(404, "not_found_error", "unknown path")


def _value(call: Call) -> str:
    """Return the key of a request: the API reference shows it in a header of its own, the newer SDK sends it as a bearer."""
    return call.headers.get("x-api-key") or call.headers.get("authorization", "").removeprefix("Bearer ")


def _keys(state: State, call: Call, key_id: str | None) -> Answer:
    if key_id is None:
        return (
            _list(state, call)
            if call.method == "GET"
            else _error(405, "invalid_request_error", "keys are made in the console")
        )
    key = state.keys.get(key_id)
    if key is None or key.admin:
        return _error(404, "not_found_error", "no such key")
    if call.method == "GET":
        return Answer(200, _shown(key))
    if call.method != "POST":
        return _error(405, "invalid_request_error", "keys cannot be deleted")
    status = call.body.get("status", key.status)
    if status not in _STATUSES or (key.status == "archived" and status != "archived"):
        return _error(400, "invalid_request_error", "an archived key stays archived")
    if status != key.status:
        key.ended_at = None if status == "active" else call.now
    key.status = str(status)
    key.name = str(call.body.get("name", key.name))
    return Answer(200, _shown(key))


def _list(state: State, call: Call) -> Answer:
    wanted = call.query.get("status")
    keys = sorted((k for k in state.keys.values() if not k.admin and wanted in (None, k.status)), key=lambda k: k.id)
    rest = [key for key in keys if key.id > call.query.get("after_id", "")]
    page = rest[: max(1, min(int(call.query.get("limit", "20")), 1000))]
    return Answer(
        200,
        {
            "data": [_shown(key) for key in page],
            "has_more": len(page) < len(rest),
            "first_id": page[0].id if page else None,
            "last_id": page[-1].id if page else None,
        },
    )


def _shown(key: Key) -> dict[str, object]:
    return {
        "type": "api_key",
        "id": key.id,
        "name": key.name,
        "workspace_id": None,
        "created_at": datetime.fromtimestamp(key.created_at, UTC).isoformat(),
        "created_by": {"id": "user_1", "type": "user"},
        "partial_key_hint": key.hint,
        "status": key.status,
        "expires_at": None,
    }


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer(status, {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"})


def _new_value(*, admin: bool) -> str:
    prefix = "sk-ant-admin01-" if admin else "sk-ant-api03-"
    return expand(f"{prefix}{{A-Za-z0-9_-:93}}AA", random.SystemRandom())


VENDOR = Vendor(name="anthropic", serves=_serves, answer=_answer, new_value=_new_value)
