"""Twilio: API keys (mint, list, read, delete) of one account, and its applications.  Shapes after the vendor's SDK.

An administering credential is the account's SID with its auth token; others are `SID:SECRET` of a key.
"""

from __future__ import annotations

import base64
import binascii
import json
import random
import re
import secrets
from datetime import UTC, datetime
from email.utils import format_datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

ACCOUNT_SID = f"AC{'0' * 31}a"
_KEYS = re.compile(r"/v1/Keys(?:/([^/]+))?")
_RESOURCE = f"/2010-04-01/Accounts/{ACCOUNT_SID}/"
_MORE = "https://www.twilio.com/docs/errors/"


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(_pair(call))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, 20003, "Authenticate")
    if call.path.startswith(_RESOURCE):
        return _read(state, call, key)
    if not key.admin:
        return _error(403, 70051, "Authorization failed")
    found = _KEYS.fullmatch(call.path)
    if found is None:
        return _error(404, 20404, "The requested resource was not found")
    if found[1] is None:
        return _list(state, call) if call.method == "GET" else _create(state, call)
    shown = state.keys.get(found[1])
    if shown is None or shown.admin or shown.status != "active":
        return _error(404, 20404, "The requested resource was not found")
    if call.method == "DELETE":
        shown.status, shown.ended_at = "deleted", call.now
        return Answer(204, None)
    return Answer(200, _shown(state, shown))


def _read(state: State, call: Call, key: Key) -> Answer:
    """Answer a resource of the account; a restricted key has only what its policy allows."""
    resource = call.path.removeprefix(_RESOURCE)
    policy = state.extra.get("policies", {}).get(key.id)
    if policy and resource not in policy.get("allow", []):
        return _error(401, 20003, "Permission Denied")
    if resource != "Applications.json" and not policy:
        return _error(404, 20404, "The requested resource was not found")
    uri = f"{_RESOURCE}{resource}?PageSize=1"
    page: dict[str, object] = {"first_page_uri": uri, "next_page_uri": None, "previous_page_uri": None, "uri": uri}
    return Answer(200, {"applications": [], "page": 0, "page_size": 1, "start": 0, "end": 0, **page})


def _list(state: State, call: Call) -> Answer:
    if call.query.get("AccountSid") != ACCOUNT_SID:
        return _error(400, 20001, "AccountSid is required")
    keys = [key for key in state.keys.values() if not key.admin and key.status == "active"]
    size = min(int(call.query.get("PageSize", "50")), 1000)
    start = int(call.query.get("Page", "0")) * size
    if start and call.query.get("PageToken") != f"PASK{start}":
        return _error(400, 20001, "Page token is invalid")
    url = f"https://iam.twilio.com/v1/Keys?AccountSid={ACCOUNT_SID}&PageSize={size}"
    following = f"{url}&Page={start // size + 1}&PageToken=PASK{start + size}" if start + size < len(keys) else None
    meta: dict[str, object] = {
        "page": start // size,
        "page_size": size,
        "key": "keys",
        "url": url,
        "first_page_url": url,
        "previous_page_url": None,
        "next_page_url": following,
    }
    return Answer(
        200,
        {
            "keys": [_shown(state, key) for key in keys[start : start + size]],
            "meta": meta,
        },
    )


def _create(state: State, call: Call) -> Answer:
    if call.body.get("AccountSid") != ACCOUNT_SID:
        return _error(400, 20001, "AccountSid is required")
    value = _new_value(admin=False)
    sid, _, secret = value.partition(":")
    key = Key(
        id=sid,
        name=str(call.body.get("FriendlyName") or ""),
        digest=digest(value),
        hint="",
        owner=ACCOUNT_SID,
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    if call.body.get("KeyType") == "restricted":
        state.extra.setdefault("policies", {})[key.id] = json.loads(str(call.body["Policy"]))
    return Answer(201, {**_shown(state, key), "secret": secret})


def _shown(state: State, key: Key) -> dict[str, object]:
    made = format_datetime(datetime.fromtimestamp(key.created_at, UTC))
    policy = state.extra.get("policies", {}).get(key.id)
    return {"sid": key.id, "friendly_name": key.name, "date_created": made, "date_updated": made, "policy": policy}


def _pair(call: Call) -> str:
    try:
        return base64.b64decode(call.headers.get("authorization", "").removeprefix("Basic ")).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _error(status: int, code: int, message: str) -> Answer:
    return Answer(status, {"code": code, "message": message, "more_info": f"{_MORE}{code}", "status": status})


def _new_value(*, admin: bool) -> str:
    if admin:
        return expand(f"{ACCOUNT_SID}:{{0-9a-f:32}}", random.SystemRandom())
    return expand("SK{0-9a-f:32}:{A-Za-z0-9:32}", random.SystemRandom())


def _id_from(value: str) -> str:
    sid = value.partition(":")[0]
    return sid if sid.startswith("SK") else f"admin-{secrets.token_hex(4)}"


VENDOR = Vendor(name="twilio", answer=_answer, new_value=_new_value, id_from=_id_from)
