"""Databricks: personal access tokens, over the token API and over token management; and who a token is of.  Shapes after the vendor's SDK."""

from __future__ import annotations

import random
import secrets
from collections.abc import Mapping

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

APPLICATION = "00000000-0000-4000-8000-00000000000e"
_MANAGED = "/api/2.0/token-management"
_LIMIT = 600
_TWO_YEARS_S = 63_072_000


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return Answer(403, {"error_code": 403, "message": "Invalid access token."})
    if call.path == "/api/2.0/preview/scim/v2/Me":
        names = {"userName": key.owner, "displayName": key.owner}
        schema = "urn:ietf:params:scim:schemas:core:2.0:User"
        return Answer(200, {"schemas": [schema], "id": "1", "active": True, **names})
    if not key.admin:
        return _error(403, "PERMISSION_DENIED", "Only admins may do this.")
    match call.method, call.path:
        case ("GET", "/api/2.0/token/list") | ("GET", "/api/2.0/token-management/tokens"):
            return _list(state)
        case "POST", "/api/2.0/token/create":
            return _create(state, call)
        case "POST", "/api/2.0/token-management/on-behalf-of/tokens":
            known = call.body.get("application_id") == APPLICATION
            return _create(state, call) if known else _error(404, "RESOURCE_DOES_NOT_EXIST", "No such principal.")
        case "POST", "/api/2.0/token/delete":
            return _delete(state, call, str(call.body.get("token_id")))
        case "DELETE", path if path.startswith(f"{_MANAGED}/tokens/"):
            return _delete(state, call, path.removeprefix(f"{_MANAGED}/tokens/"))
        case _:
            return _error(404, "ENDPOINT_NOT_FOUND", "No API found.")


def _list(state: State) -> Answer:
    tokens = [_shown(state, key) for key in state.keys.values() if not key.admin and key.status == "active"]
    return Answer(200, {"token_infos": tokens} if tokens else {})


def _create(state: State, call: Call) -> Answer:
    live = sum(not key.admin and key.status == "active" for key in state.keys.values())
    if live >= (state.limit or _LIMIT):
        return _error(400, "QUOTA_EXCEEDED", "The quota for the number of tokens has been reached.")
    value = _new_value(admin=False)
    key = Key(
        id=secrets.token_hex(32),
        name=str(call.body.get("comment") or ""),
        digest=digest(value),
        hint="",
        owner=str(call.body.get("application_id") or "admin@example.com"),
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    asked: Mapping[str, object] = {
        field: call.body[field] for field in ("scopes", "lifetime_seconds") if field in call.body
    }
    state.extra.setdefault("about", {})[key.id] = dict(asked)
    return Answer(200, {"token_value": value, "token_info": _shown(state, key)})


def _delete(state: State, call: Call, token_id: str) -> Answer:
    key = state.keys.get(token_id)
    if key is None or key.admin or key.status != "active":
        return _error(404, "RESOURCE_DOES_NOT_EXIST", f"Token {token_id} does not exist.")
    key.status, key.ended_at = "deleted", call.now
    return Answer(200, {})


def _shown(state: State, key: Key) -> dict[str, object]:
    about = state.extra.get("about", {}).get(key.id, {})
    life = int(about.get("lifetime_seconds", _TWO_YEARS_S))
    shown: dict[str, object] = {
        "token_id": key.id,
        "creation_time": key.created_at * 1000,
        "expiry_time": (key.created_at + life) * 1000,
        "comment": key.name,
    }
    return shown | ({"scopes": about["scopes"]} if "scopes" in about else {})


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error_code": code, "message": message})


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  an administrator's token looks like any other
    return expand("dapi{a-f0-9:32}", random.SystemRandom())


VENDOR = Vendor(name="databricks", answer=_answer, new_value=_new_value, new_id=lambda: secrets.token_hex(32))
