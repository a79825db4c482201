"""GitLab: personal, project and group access tokens, with families and reuse detection.  Shapes after the REST API documentation.

To rotate a revoked token, or with one, revokes every token of its family; the documentation does not say for whom it does not, so here
it does for everybody.
"""

from __future__ import annotations

import random
import re
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

ADMINISTRATOR, USER = 1, 7
"""Ids of the two users."""
_TOKENS = re.compile(
    r"/api/v4/(?:personal_access_tokens|(?:projects|groups)/[^/]+/access_tokens)(?:/([^/]+)(/rotate)?)?"
)
_DEFAULT_DAYS = 7
_MOST_DAYS = 365


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(_value(call))
    found = _TOKENS.fullmatch(call.path)
    if not accepted(state, key, call.now) or key is None:
        if key is not None and found and found[2]:
            _end_family(state, key.id, call.now)
        return _unauthorised(key)
    if (call.method, call.path) == ("GET", "/api/v4/user"):
        return Answer(200, {"id": _user(key), "username": key.owner, "name": key.owner, "state": "active"})
    if found is None:
        return _error(404, "404 Not Found")
    if found[1] is None:
        return _list(state, call, key) if call.method == "GET" else _create(state, call, key)
    return _one(state, call, key, found)


def _one(state: State, call: Call, key: Key, found: re.Match[str]) -> Answer:
    one = key if found[1] == "self" else state.keys.get(found[1])
    if one is None or not (key.admin or one is key):
        return _error(404, "404 Not Found")
    match call.method, found[2]:
        case "GET", None:
            return Answer(200, _shown(state, one))
        case "DELETE", None:
            if one.status != "active":
                return _error(404, "404 Not Found")
            one.status, one.ended_at = "revoked", call.now
            return Answer(204, None)
        case "POST", "/rotate":
            return _rotate(state, call, one)
        case _:
            return _error(405, "405 Method Not Allowed")


def _rotate(state: State, call: Call, old: Key) -> Answer:
    """Replace a token; a second time for the same one is taken for theft."""
    if old.status != "active":
        _end_family(state, old.id, call.now)
        return _error(400, "400 Bad request - token already revoked")
    expires = _expires(call)
    if expires is None:
        return _error(400, "400 Bad request - Expiration date must be within a year")
    old.status, old.ended_at = "revoked", call.now
    kept = _kept(state, old.id)
    return _made(state, call, old.name, old.owner, {**kept, "expires_at": expires, "family": kept["family"] or old.id})


def _create(state: State, call: Call, key: Key) -> Answer:
    scopes, name, expires = call.body.get("scopes"), call.body.get("name"), _expires(call)
    if not key.admin:
        return _error(403, "403 Forbidden")
    if not isinstance(name, str) or not isinstance(scopes, list) or not scopes or expires is None:
        return _error(400, "400 Bad request - name, scopes and a date within a year are needed")
    rights = {"scopes": scopes, "access_level": call.body.get("access_level", 40)}
    return _made(state, call, name, "bot", {**rights, "expires_at": expires, "family": ""})


def _made(state: State, call: Call, name: str, owner: str, kept: dict[str, Any]) -> Answer:
    value = _new_value(admin=False)
    key = Key(id=_new_id(), name=name, digest=digest(value), hint="", owner=owner, created_at=int(call.now))
    state.keys[key.id] = key
    state.extra[key.id] = kept
    return Answer(201 if owner == "bot" else 200, _shown(state, key) | {"token": value})


def _list(state: State, call: Call, key: Key) -> Answer:
    """List an administrator everybody's tokens, anybody else the own ones."""
    keys = [one for one in state.keys.values() if key.admin or one.owner == key.owner]
    if (user := call.query.get("user_id")) is not None:
        keys = [one for one in keys if str(_user(one)) == user]
    if (wanted := call.query.get("state")) is not None:
        keys = [one for one in keys if (one.status == "active") is (wanted == "active")]
    size, page = max(1, min(int(call.query.get("per_page", "20")), 100)), int(call.query.get("page", "1"))
    keys.sort(key=lambda one: -int(one.id))
    return Answer(200, [_shown(state, one) for one in keys[(page - 1) * size : page * size]])


def _end_family(state: State, key_id: str, now: float) -> None:
    family = _kept(state, key_id)["family"] or key_id
    for one in state.keys.values():
        if one.status == "active" and (one.id == family or _kept(state, one.id)["family"] == family):
            one.status, one.ended_at = "revoked", now
    state.extra["reused"] = state.extra.get("reused", 0) + 1


def _expires(call: Call) -> str | None:
    """Return the day on which a new token ends, None for one that is too far away."""
    today = datetime.fromtimestamp(call.now, UTC).date()
    given = call.body.get("expires_at")
    until = date.fromisoformat(given) if isinstance(given, str) else today + timedelta(days=_DEFAULT_DAYS)
    return until.isoformat() if today < until <= today + timedelta(days=_MOST_DAYS) else None


def _kept(state: State, key_id: str) -> dict[str, Any]:
    unset = {"scopes": ["api"], "access_level": 40, "expires_at": None, "family": ""}
    return unset | state.extra.get(key_id, {})


def _shown(state: State, key: Key) -> dict[str, object]:
    kept = _kept(state, key.id)
    used = datetime.fromtimestamp(key.last_used_at, UTC).isoformat() if key.last_used_at else None
    return {
        "id": int(key.id),
        "name": key.name,
        "description": None,
        "revoked": key.status == "revoked",
        "created_at": datetime.fromtimestamp(key.created_at, UTC).isoformat(),
        "scopes": kept["scopes"],
        "user_id": _user(key),
        "last_used_at": used,
        "active": key.status == "active",
        "expires_at": kept["expires_at"],
        "access_level": kept["access_level"],
    }


def _user(key: Key) -> int:
    return ADMINISTRATOR if key.admin else USER


def _value(call: Call) -> str:
    """Return the token of a request, from either header that the vendor takes."""
    return call.headers.get("private-token") or call.headers.get("authorization", "").removeprefix("Bearer ")


def _unauthorised(key: Key | None) -> Answer:
    if key is None:
        return _error(401, "401 Unauthorized")
    why = "Token was revoked." if key.status == "revoked" else "Token is expired."
    return Answer(401, {"error": "invalid_token", "error_description": why})


def _error(status: int, message: str) -> Answer:
    return Answer(status, {"message": message})


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  an administrator's token looks like any other
    return expand("glpat-{A-Za-z0-9:20}", random.SystemRandom())


def _new_id() -> str:
    """Return a number above those that were given before."""
    return str(time.time_ns() // 100)


VENDOR = Vendor(name="gitlab", answer=_answer, new_value=_new_value, new_id=_new_id)
