"""OpenAI's admin keys, as the keys that are rotated: each of them lists, makes and deletes admin keys.  Shapes after the API reference.

Next to `openai` and not within it: there an admin key is a person's tool, here it is the credential.
"""

from __future__ import annotations

import random
import re
import secrets

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_KEYS = re.compile(r"/v1/organization/admin_api_keys(?:/([^/]+))?")


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        return _error(401, "Incorrect API key provided.", "invalid_api_key")
    found = _KEYS.fullmatch(call.path)
    if found is None:
        return _error(404, "Unknown path.", "unknown_url")
    match call.method, found[1]:
        case "GET", None:
            return _list(state, call)
        case "POST", None:
            return _create(state, call)
        case "GET" | "DELETE", _:
            return _one(state, call, found[1])
        case _:
            return _error(404, "Unknown path.", "unknown_url")


def _create(state: State, call: Call) -> Answer:
    if not isinstance(call.body.get("name"), str):
        return _error(400, "name is required.", None, "name")
    life = call.body.get("expires_in_seconds")
    if (refused := lifetime_refused(state, life)) is not None:
        return refused
    value = _new_value(admin=True)
    key = Key(
        id=f"key_{secrets.token_hex(8)}",
        name=str(call.body["name"]),
        digest=digest(value),
        hint=f"{value[:12]}...{value[-4:]}",
        owner="user_sim",
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    expires = int(call.now) + life if isinstance(life, int) else None
    return Answer(200, _shown(key) | {"value": value, "expires_at": expires})


def _list(state: State, call: Call) -> Answer:
    after = call.query.get("after", "")
    keys = [key for key in state.keys.values() if key.status == "active" and key.id > after]
    keys.sort(key=lambda key: key.id)
    page = keys[: max(1, min(int(call.query.get("limit", "20")), 100))]
    ends = {"first_id": page[0].id if page else None, "last_id": page[-1].id if page else None}
    return Answer(
        200, {"object": "list", "data": [_shown(key) for key in page], **ends, "has_more": len(page) < len(keys)}
    )


def _one(state: State, call: Call, key_id: str) -> Answer:
    key = state.keys.get(key_id)
    if key is None or key.status != "active":
        return _error(404, "No such key.", None)
    if call.method == "GET":
        return Answer(200, _shown(key))
    key.status, key.ended_at = "deleted", call.now
    return Answer(200, {"object": "organization.admin_api_key.deleted", "id": key.id, "deleted": True})


def _shown(key: Key) -> dict[str, object]:
    owner = {"type": "user", "object": "organization.user", "id": key.owner, "name": key.owner, "role": "owner"}
    return {
        "object": "organization.admin_api_key",
        "id": key.id,
        "name": key.name,
        "redacted_value": key.hint,
        "created_at": key.created_at,
        "last_used_at": int(key.last_used_at) if key.last_used_at else None,
        "expires_at": None,
        "owner": {**owner, "created_at": key.created_at},
    }


def lifetime_refused(state: State, life: object) -> Answer | None:
    """Return the refusal of a key that lives longer than the organisation allows (`State.extra`), None if it does not."""
    most = state.extra.get("longest_life_s")
    if most is None or (isinstance(life, int) and life <= most):
        return None
    return _error(400, "The organization limits how long a key may live.", "invalid_value", "expires_in_seconds")


def _error(status: int, message: str, code: str | None, param: str | None = None) -> Answer:
    return Answer(
        status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    )


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  they all administer
    shape = "A-Za-z0-9_-:74"
    return expand(f"sk-admin-{{{shape}}}T3BlbkFJ{{{shape}}}", random.SystemRandom())


VENDOR = Vendor(name="openai_admin", answer=_answer, new_value=_new_value)
