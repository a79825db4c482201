"""Slack: tokens that test and revoke themselves, and with token rotation pairs of an access and a refresh token.

Shapes after the Web API reference: nearly every answer has status 200, and says in the body whether it is a yes.
"""

from __future__ import annotations

import base64
import random
import secrets

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

CLIENT = "1111.2222"
TEAM = "T0SIM"
_LIVES_S = 43_200
_ENDED = {
    "active": "token_revoked",
    "revoked": "token_revoked",
    "inactive": "account_inactive",
    "expired": "token_expired",
}


def _answer(state: State, call: Call) -> Answer:
    if call.path == "/api/oauth.v2.access":
        return _refresh(state, call)
    value = call.headers.get("authorization", "").removeprefix("Bearer ") or str(call.body.get("token", ""))
    key = state.by_value(value)
    if not value:
        return _error("not_authed")
    if key is None:
        return _error("invalid_auth")
    if not accepted(state, key, call.now):
        return _error(_ENDED[key.status])
    match call.path:
        case "/api/auth.test":
            return Answer(200, {"ok": True, "url": "https://sim.slack.com/", **_whose(key)})
        case "/api/auth.revoke":
            key.status, key.ended_at = "revoked", call.now
            return Answer(200, {"ok": True, "revoked": True})
        case _:
            return _error("unknown_method")


def _refresh(state: State, call: Call) -> Answer:
    """Exchange a refresh token for a new pair: once, and the access token that came with it ends."""
    client, given = _application(call)
    secret = state.by_value(given)
    if client != CLIENT:
        return _error("invalid_client_id")
    if secret is None or not secret.admin or secret.status != "active":
        return _error("bad_client_secret")
    if call.body.get("grant_type") != "refresh_token":
        return _error("invalid_grant_type")
    pairs: dict[str, str] = state.extra.setdefault("pairs", {})
    old = state.keys.get(pairs.pop(digest(str(call.body.get("refresh_token", ""))), ""))
    if old is None:
        return _error("invalid_refresh_token")
    access, refresh = rotating(admin=False), new_refresh_token()
    key = Key(
        id=f"B{secrets.token_hex(4).upper()}",
        name=old.name,
        digest=digest(access),
        hint="",
        owner=old.owner,
        created_at=int(call.now),
    )
    old.status, old.ended_at = "expired", call.now
    state.keys[key.id] = key
    pairs[digest(refresh)] = key.id
    return Answer(
        200,
        {
            "ok": True,
            "access_token": access,
            "expires_in": _LIVES_S,
            "refresh_token": refresh,
            "token_type": "bot",
            "scope": "chat:write",
            "bot_user_id": key.owner,
            "app_id": "A0SIM",
            "team": {"id": TEAM, "name": "simulated"},
            "enterprise": None,
            "is_enterprise_install": False,
        },
    )


def _application(call: Call) -> tuple[str, str]:
    """Return id and secret of the application: in the form, or as basic authentication, which the vendor takes as well."""
    kind, _, coded = call.headers.get("authorization", "").partition(" ")
    if kind != "Basic":
        return str(call.body.get("client_id", "")), str(call.body.get("client_secret", ""))
    client, _, secret = base64.b64decode(coded).decode().partition(":")
    return client, secret


def _whose(key: Key) -> dict[str, object]:
    return {"team": "simulated", "user": "agent", "team_id": TEAM, "user_id": key.owner, "bot_id": key.id}


def _error(code: str) -> Answer:
    return Answer(200, {"ok": False, "error": code})


def new_refresh_token() -> str:
    """Return a refresh token."""
    return expand("xoxe-1-{A-Za-z0-9:147}", random.SystemRandom())


def rotating(*, admin: bool) -> str:
    """Return an access token of an app with token rotation, or the app's secret."""
    return expand("{0-9a-f:32}" if admin else "xoxe.xoxb-1-{A-Za-z0-9:166}", random.SystemRandom())


def _new_value(*, admin: bool) -> str:
    shape = "{0-9a-f:32}" if admin else "xoxb-{0-9:12}-{0-9:12}-{A-Za-z0-9:24}"
    return expand(shape, random.SystemRandom())


VENDOR = Vendor(name="slack", answer=_answer, new_value=_new_value, new_id=lambda: f"B{secrets.token_hex(4).upper()}")
