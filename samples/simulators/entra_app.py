"""Entra: access tokens by client credentials, and an application's secrets over Graph.  Shapes after the vendor's Graph reference."""

from __future__ import annotations

import random
import secrets
import uuid
from datetime import UTC, datetime, timedelta

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

TENANT = "00000000-0000-4000-8000-00000000000a"
CLIENT = "00000000-0000-4000-8000-00000000000b"
_ADMIN = "00000000-0000-4000-8000-00000000000c"
_TOKEN = f"/{TENANT}/oauth2/v2.0/token"
_APPLICATION = f"/v1.0/applications(appId='{CLIENT}')"
_LIFE = timedelta(days=730)


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", _TOKEN):
        return token(state, call)
    if not is_admin(state, call):
        return _error(401, "InvalidAuthenticationToken", "Access token validation failure.")
    match call.method, call.path.removeprefix(_APPLICATION):
        case "GET", "":
            keys = [_shown(key) for key in state.keys.values() if not key.admin and key.status == "active"]
            return Answer(200, {"passwordCredentials": keys})
        case "POST", "/addPassword":
            return _add(state, call)
        case "POST", "/removePassword":
            key = state.keys.get(str(call.body.get("keyId")))
            if key is None or key.admin or key.status != "active":
                return _error(400, "Request_BadRequest", "No password credential found with keyId.")
            key.status, key.ended_at = "deleted", call.now
            return Answer(204, None)
        case _:
            return _error(404, "Request_ResourceNotFound", "Resource does not exist.")


def token(state: State, call: Call) -> Answer:
    """Answer a request for an access token by client credentials."""
    client, secret = str(call.body.get("client_id")), str(call.body.get("client_secret"))
    if client not in {CLIENT, _ADMIN}:
        return _refused(400, "unauthorized_client", 700016, "Application was not found in the directory.")
    key = state.by_value(f"{_ADMIN}:{secret}" if client == _ADMIN else secret)
    if not accepted(state, key, call.now) or key is None:
        return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")
    value = f"eyJ0eXAiOiJKV1QifQ.{secrets.token_urlsafe(60)}"
    state.extra.setdefault("tokens", {})[digest(value)] = key.id
    return Answer(200, {"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": value})


def is_admin(state: State, call: Call) -> bool:
    """Whether a request carries an access token of the administering application; a token outlives its secret."""
    value = call.headers.get("authorization", "").removeprefix("Bearer ")
    key = state.keys.get(state.extra.get("tokens", {}).get(digest(value), ""))
    return key is not None and key.admin


def new_value(*, admin: bool) -> str:
    """Return a secret; for the administering application with its id, as it is stored."""
    secret = expand("{A-Za-z0-9_~.-:3}8Q~{A-Za-z0-9_~.-:33}a", random.SystemRandom())
    return f"{_ADMIN}:{secret}" if admin else secret


def _add(state: State, call: Call) -> Answer:
    wanted = call.body.get("passwordCredential")
    value = new_value(admin=False)
    key = Key(
        id=str(uuid.uuid4()),
        name=str(wanted.get("displayName") or "") if isinstance(wanted, dict) else "",
        digest=digest(value),
        hint=value[:3],
        owner=CLIENT,
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    return Answer(200, {**_shown(key), "secretText": value})


def _keep_three(_state: State, key: Key, value: str) -> None:
    key.hint = value[:3]


def _shown(key: Key) -> dict[str, object]:
    begins = datetime.fromtimestamp(key.created_at, UTC)
    return {
        "customKeyIdentifier": None,
        "displayName": key.name,
        "endDateTime": (begins + _LIFE).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "hint": key.hint,
        "keyId": key.id,
        "secretText": None,
        "startDateTime": begins.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def _refused(status: int, code: str, number: int, message: str) -> Answer:
    said = f"AADSTS{number}: {message} Trace ID: {uuid.uuid4()} Correlation ID: {uuid.uuid4()}"
    return Answer(
        status,
        {
            "error": code,
            "error_description": said,
            "error_codes": [number],
            "timestamp": "2026-01-01 00:00:00Z",
            "trace_id": str(uuid.uuid4()),
            "correlation_id": str(uuid.uuid4()),
            "error_uri": f"https://login.microsoftonline.com/error?code={number}",
        },
    )


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message, "innerError": {}}})


VENDOR = Vendor(
    name="entra_app",
    answer=_answer,
    new_value=new_value,
    new_id=lambda: str(uuid.uuid4()),
    seeded=_keep_three,
)
