"""Azure AI: one account with two slots, managed with access tokens of Entra; and its list of models.

Shapes after the vendor's management reference.  What a person makes in the portal goes into `Key1`, then `Key2`, then `Key1` again.
"""

from __future__ import annotations

import random
import secrets

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest, shelve, shown_again
from samples.simulators.entra_app import TENANT, is_admin, token
from samples.simulators.entra_app import new_value as new_application_secret

SUBSCRIPTION = "00000000-0000-4000-8000-00000000000d"
GROUP = "sim-group"
ACCOUNT = "sim-account"
_ACCOUNT = (
    f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.CognitiveServices/accounts/{ACCOUNT}"
)
_SLOTS = ("Key1", "Key2")
_REFUSAL = (
    "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an "
    "active subscription and use a correct regional API endpoint for your resource."
)


def _answer(state: State, call: Call) -> Answer:
    if (call.method, call.path) == ("POST", f"/{TENANT}/oauth2/v2.0/token"):
        return token(state, call)
    if (call.method, call.path) == ("GET", "/openai/models"):
        key = state.by_value(call.headers.get("api-key", ""))
        if not accepted(state, key, call.now) or key is None or key.admin:
            return Answer(401, {"error": {"code": "401", "message": _REFUSAL}})
        model = {"id": "sim-1", "object": "model", "created": 1700000000, "owned_by": "simulator"}
        return Answer(200, {"object": "list", "data": [model]})
    if not is_admin(state, call):
        return _error(401, "AuthenticationFailed", "Authentication failed.")
    for slot in _SLOTS:
        if slot not in state.keys:
            _fill(state, slot, call.now)
    match call.method, call.path.removeprefix(_ACCOUNT):
        case "POST", "/listKeys":
            return _shown(state)
        case "POST", "/regenerateKey" if call.body.get("keyName") in _SLOTS:
            _fill(state, str(call.body["keyName"]), call.now)
            return _shown(state)
        case "POST", "/regenerateKey":
            return _error(400, "InvalidKeyName", "The key name is invalid.")
        case _:
            return _error(404, "ResourceNotFound", "The resource was not found.")


def _shown(state: State) -> Answer:
    return Answer(200, {slot.lower(): shown_again(state, slot) for slot in _SLOTS})


def _fill(state: State, slot: str, now: float) -> None:
    value = _new_value(admin=False)
    _retire(state, slot, now)
    state.keys[slot] = Key(id=slot, name="", digest=digest(value), hint="", owner=ACCOUNT, created_at=int(now))
    shelve(state, slot, value)


def _retire(state: State, slot: str, now: float) -> None:
    """Take what a slot holds out of it: it is known by another id from now on."""
    old = state.keys.pop(slot, None)
    if old is not None:
        old.id, old.status, old.ended_at = f"{slot}-until-{secrets.token_hex(4)}", "deleted", now
        state.keys[old.id] = old


def _seeded(state: State, key: Key, value: str) -> None:
    if key.admin:
        return
    turn = state.extra.get("seeded", 0)
    state.extra["seeded"] = turn + 1
    key.id = _SLOTS[turn % 2]
    _retire(state, key.id, key.created_at)
    shelve(state, key.id, value)


def _error(status: int, code: str, message: str) -> Answer:
    return Answer(status, {"error": {"code": code, "message": message}})


def _new_value(*, admin: bool) -> str:
    if admin:
        return new_application_secret(admin=True)
    return expand("{A-Za-z0-9:52}JQQJ99{A-Za-z0-9:18}ACOG{A-Za-z0-9:4}", random.SystemRandom())


VENDOR = Vendor(name="azure_ai", answer=_answer, new_value=_new_value, seeded=_seeded)
