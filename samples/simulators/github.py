"""GitHub: tokens that a person made, revoked by anybody who has them; and tokens of an application, which it checks and resets.

Shapes after the vendor's REST API reference.  An administering key here is the secret of the application `CLIENT`.
"""

from __future__ import annotations

import base64
import binascii
import random
import re
import secrets

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

CLIENT = "Iv1.simulated"
"""The client id of the application."""
_DOCS = "https://docs.github.com/rest"
_MOST = 1000
"""Tokens of one call to revoke."""
_HOURLY = 60
"""Calls without authentication."""
_APPLICATION = re.compile(r"/applications/([^/]+)/(token|grant)")
_REVOCABLE = ("ghp_", "github_pat_", "gho_", "ghu_", "ghr_")


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", "/credentials/revoke"):
        return _revoke(state, call)
    if found := _APPLICATION.fullmatch(call.path):
        return _application(state, call, found[1], found[2])
    kind, _, value = call.headers.get("authorization", "").partition(" ")
    key = state.by_value(value) if kind.lower() in {"bearer", "token"} else None
    if not accepted(state, key, call.now) or key is None:
        return _refused()
    if (call.method, call.path) == ("GET", "/rate_limit"):
        bucket = {"limit": 5000, "used": 1, "remaining": 4999, "reset": int(call.now) + 3600}
        return Answer(200, {"resources": {"core": bucket, "search": bucket}, "rate": bucket})
    if (call.method, call.path) == ("GET", "/user"):
        return Answer(200, {"login": key.owner or "sim", "id": 1, "type": "User", "site_admin": False})
    return _error(404, "Not Found", "")


def _revoke(state: State, call: Call) -> Answer:
    """End tokens by their value, whoever asks, as long as they do not say who they are; it takes a while (propagation)."""
    if "authorization" in call.headers:
        return _error(403, "This endpoint must be called without authentication.", "/credentials/revoke")
    state.extra["calls"] = state.extra.get("calls", 0) + 1
    if state.extra["calls"] > _HOURLY:
        return _error(403, "API rate limit exceeded for 127.0.0.1.", "/using-the-rest-api/rate-limits-for-the-rest-api")
    values = call.body.get("credentials")
    if not isinstance(values, list) or not 0 < len(values) <= _MOST or not all(isinstance(v, str) for v in values):
        return _error(422, "Validation Failed", "/credentials/revoke")
    for value in values:
        key = state.by_value(value)
        if key is not None and key.status == "active" and value.startswith(_REVOCABLE):
            key.status, key.ended_at = "revoked", call.now
    return Answer(202, {})


def _application(state: State, call: Call, client: str, what: str) -> Answer:
    """Check, reset or end a token of the application; what the application may not see does not exist."""
    if client != CLIENT or not _is_application(state, call):
        return _refused()
    value = call.body.get("access_token")
    if not isinstance(value, str):
        return _error(422, "Validation Failed", "/apps/oauth-applications")
    key = state.by_value(value)
    alive = accepted(state, key, call.now)
    if not alive or key is None:
        anchor = {"POST": "check-a-token", "PATCH": "reset-a-token", "DELETE": "delete-an-app-token"}[call.method]
        return _error(404, "Not Found", f"/apps/oauth-applications#{anchor}")
    match call.method, what:
        case "POST", "token":
            return Answer(200, _shown(key, value, client))
        case "PATCH", "token":
            fresh = user_token(admin=False)
            key.digest, key.hint = digest(fresh), f"{fresh[:4]}...{fresh[-4:]}"
            key.uses += 1
            return Answer(200, _shown(key, fresh, client))
        case "DELETE", _:
            key.status, key.ended_at = "revoked", call.now
            return Answer(204, None)
        case _:
            return _error(404, "Not Found", "")


def _is_application(state: State, call: Call) -> bool:
    kind, _, coded = call.headers.get("authorization", "").partition(" ")
    try:
        name, _, secret = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return False
    key = state.by_value(secret)
    return kind == "Basic" and name == CLIENT and key is not None and key.admin and key.status == "active"


def _shown(key: Key, value: str, client: str) -> dict[str, object]:
    app = {"name": "simulated", "url": "https://example.com", "client_id": client}
    user = {"login": key.owner or "sim", "id": 1, "type": "User", "site_admin": False}
    return {
        "id": int(key.id),
        "url": f"https://api.github.com/authorizations/{key.id}",
        "scopes": ["repo"],
        "token": value,
        "token_last_eight": value[-8:],
        "hashed_token": digest(value),
        "app": app,
        "note": None,
        "note_url": None,
        "updated_at": "2026-01-01T00:00:00Z",
        "created_at": "2026-01-01T00:00:00Z",
        "fingerprint": None,
        "expires_at": None,
        "user": user,
    }


def _refused() -> Answer:
    return _error(401, "Bad credentials", "")


def _error(status: int, message: str, page: str) -> Answer:
    return Answer(status, {"message": message, "documentation_url": f"{_DOCS}{page}", "status": str(status)})


def _new_value(*, admin: bool) -> str:
    return expand("{0-9a-f:40}" if admin else "ghp_{A-Za-z0-9:36}", random.SystemRandom())


def user_token(*, admin: bool) -> str:
    """Return a token that a user gave to the application, or the application's secret."""
    return _new_value(admin=True) if admin else expand("ghu_{A-Za-z0-9:36}", random.SystemRandom())


def _new_id() -> str:
    return str(10_000_000 + secrets.randbelow(90_000_000))


VENDOR = Vendor(name="github", answer=_answer, new_value=_new_value, new_id=_new_id)
