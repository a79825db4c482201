"""Pinecone: keys of one project, made by a service account with an access token.  Shapes after the vendor's SDK and API reference.

A token lives as long as the state; only its hash is kept.
"""

from __future__ import annotations

import random
import re
import secrets
import uuid

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

PROJECT = "11111111-2222-4333-8444-555555555555"
_PROJECT_KEYS = re.compile(r"/admin/projects/([^/]+)/api-keys")
_KEY = re.compile(r"/admin/api-keys/([^/]+)")


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", "/oauth/token"):
        return _token(state, call)
    if (call.method, call.path) == ("GET", "/indexes"):
        key = state.by_value(call.headers.get("api-key", ""))
        if not accepted(state, key, call.now) or key is None:
            return _error(401, "UNAUTHENTICATED", "Invalid API key")
        return Answer(200, {"indexes": []})
    token = call.headers.get("authorization", "").removeprefix("Bearer ")
    if digest(token) not in state.extra.get("tokens", []):
        return _error(401, "UNAUTHENTICATED", "Invalid access token")
    if found := _PROJECT_KEYS.fullmatch(call.path):
        return _project(state, call) if found[1] == PROJECT else _error(404, "NOT_FOUND", "Project not found")
    if found := _KEY.fullmatch(call.path):
        return _one(state, call, found[1])
    return _error(404, "NOT_FOUND", "Unknown path")


def _token(state: State, call: Call) -> Answer:
    stored = f"{call.body.get('client_id')}:{call.body.get('client_secret')}"
    account = state.by_value(stored)
    known = call.body.get("grant_type") == "client_credentials" and accepted(state, account, call.now)
    if not known or account is None or not account.admin or call.body.get("audience") != "https://api.pinecone.io/":
        return Answer(401, {"error": "access_denied", "error_description": "Unauthorized"})
    token = secrets.token_urlsafe(32)
    state.extra.setdefault("tokens", []).append(digest(token))
    return Answer(200, {"access_token": token, "token_type": "Bearer", "expires_in": 1800})


def _live(state: State) -> dict[str, Key]:
    return {key.id: key for key in state.keys.values() if not key.admin and key.status == "active"}


def _project(state: State, call: Call) -> Answer:
    if call.method == "GET":
        return Answer(200, {"data": [_shown(state, key) for key in _live(state).values()]})
    name = call.body.get("name")
    if not isinstance(name, str) or not 1 <= len(name) <= 80:
        return _error(400, "INVALID_ARGUMENT", "name must have 1 to 80 characters")
    if state.limit is not None and len(_live(state)) >= state.limit:
        return _error(403, "FORBIDDEN", "API key quota reached")
    value = _new_value(admin=False)
    key = Key(id=_new_id(), name=name, digest=digest(value), hint="", owner=PROJECT, created_at=int(call.now))
    state.keys[key.id] = key
    state.extra[key.id] = call.body.get("roles") or ["ProjectEditor"]
    return Answer(201, {"key": _shown(state, key), "value": value})


def _one(state: State, call: Call, identifier: str) -> Answer:
    key = _live(state).get(identifier)
    if key is None:
        return _error(404, "NOT_FOUND", "API key not found")
    if call.method == "DELETE":
        key.status, key.ended_at = "deleted", call.now
        return Answer(202, None)
    return Answer(200, _shown(state, key))


def _shown(state: State, key: Key) -> dict[str, object]:
    roles = state.extra.get(key.id, ["ProjectEditor"])
    return {"id": key.id, "name": key.name, "project_id": PROJECT, "roles": roles}


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}, "status": status})


def _new_id() -> str:
    return str(uuid.uuid4())


def _new_value(*, admin: bool) -> str:
    shape = "{A-Za-z0-9:32}:{A-Za-z0-9:64}" if admin else "pcsk_{A-Za-z0-9:6}_{A-Za-z0-9:63}"
    return expand(shape, random.SystemRandom())


VENDOR = Vendor(name="pinecone", answer=_answer, new_value=_new_value, new_id=_new_id)
