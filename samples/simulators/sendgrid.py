"""SendGrid: API keys with scopes, at most 100 of them.  Shapes after the vendor's API reference."""

from __future__ import annotations

import random
import re

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_KEYS = re.compile(r"/v3/api_keys(?:/([^/]+))?")
_MOST = 100
ADMIN_SCOPES = ["api_keys.create", "api_keys.delete", "api_keys.read", "mail.send", "stats.read"]


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, "The provided authorization grant is invalid, expired, or revoked")
    if (call.method, call.path) == ("GET", "/v3/scopes"):
        return Answer(200, {"scopes": _scopes(state, key)})
    if found := _KEYS.fullmatch(call.path):
        return _keys(state, call, found[1]) if key.admin else _error(403, "access forbidden")
    return _error(404, "not found")


def _keys(state: State, call: Call, identifier: str | None) -> Answer:
    live = [key for key in state.keys.values() if key.status == "active" and not key.admin]
    if identifier is None and call.method == "GET":
        return Answer(200, {"result": [{"name": key.name, "api_key_id": key.id} for key in live]})
    if identifier is None:
        return _create(state, call, len(live))
    key = next((key for key in live if key.id == identifier), None)
    if key is None:
        return _error(404, "unable to find API Key")
    if call.method == "DELETE":
        key.status, key.ended_at = "deleted", call.now
        return Answer(204, None)
    return Answer(200, {"name": key.name, "api_key_id": key.id, "scopes": _scopes(state, key)})


def _create(state: State, call: Call, live: int) -> Answer:
    if not isinstance(call.body.get("name"), str):
        return _error(400, "missing required argument")
    if live >= (state.limit or _MOST):
        return _error(403, "Cannot create more than 100 API Keys")
    value = _new_value(admin=False)
    key = Key(
        id=_id_from(value),
        name=str(call.body["name"]),
        digest=digest(value),
        hint="",
        owner="account",
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    state.extra[key.id] = call.body.get("scopes") or ADMIN_SCOPES  # without scopes a key may do everything
    shown = {"api_key": value, "api_key_id": key.id, "name": key.name, "scopes": state.extra[key.id]}
    return Answer(201, shown)


def _scopes(state: State, key: Key) -> object:
    return state.extra.get(key.id, ADMIN_SCOPES if key.admin else ["mail.send"])


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"errors": [{"field": None, "message": message}]})


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  an administering key looks like any other
    return expand("SG.{A-Za-z0-9_-:22}.{A-Za-z0-9_-:43}", random.SystemRandom())


def _id_from(value: str) -> str:
    return value.split(".")[1]


VENDOR = Vendor(name="sendgrid", answer=_answer, new_value=_new_value, id_from=_id_from)
