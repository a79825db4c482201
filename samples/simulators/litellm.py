"""LiteLLM's proxy: virtual keys that are made, blocked and deleted by an administering key.  Shapes after the project's source."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, Key, State, Vendor, accepted, digest

_LARGEST_PAGE = 100
_BOUNDS = (
    "models",
    "max_budget",
    "budget_duration",
    "tpm_limit",
    "rpm_limit",
    "team_id",
    "user_id",
    "metadata",
    "expires",
)


def _answer(state: State, call: Call) -> Answer:
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if not accepted(state, key, call.now) or key is None:
        if key is not None and key.status == "inactive":
            return _error(401, "auth_error", "Authentication Error, Key is blocked. Update via `/key/unblock`.")
        return _error(401, "token_not_found_in_db", "Authentication Error, Invalid proxy server token passed.")
    asked = call.query.get("key")
    if (call.method, call.path) == ("GET", "/key/info") and asked in {None, key.id}:
        return Answer(200, {"key": key.id, "info": _shown(state, key)})
    if not key.admin:
        return _error(403, "auth_error", "Only proxy admin can be used to do this.")
    known = {one.id: one for one in state.keys.values() if one.status != "deleted" and not one.admin}
    match call.method, call.path:
        case "GET", "/key/info":
            found = known.get(str(asked))
            return Answer(200, {"key": found.id, "info": _shown(state, found)}) if found else _missing()
        case "GET", "/key/list":
            return _list(state, call, list(known.values()))
        case "POST", "/key/generate":
            return _generate(state, call, known)
        case "POST", "/key/delete":
            return _delete(call, known)
        case "POST", "/key/block" | "/key/unblock":
            return _block(state, call, known)
        case _:
            return Answer(404, {"detail": "Not Found"})


def _list(state: State, call: Call, keys: list[Key]) -> Answer:
    size, page = min(int(call.query.get("size", "10")), _LARGEST_PAGE), int(call.query.get("page", "1"))
    shown = [
        _shown(state, key) if call.query.get("return_full_object") == "true" else key.id
        for key in keys[(page - 1) * size : page * size]
    ]
    pages = -(-len(keys) // size)
    return Answer(200, {"keys": shown, "total_count": len(keys), "current_page": page, "total_pages": pages})


def _generate(state: State, call: Call, known: dict[str, Key]) -> Answer:
    alias = call.body.get("key_alias")
    if any(key.name == alias for key in known.values()):
        return _error(400, "bad_request_error", f"Key with alias '{alias}' already exists.")
    value = _new_value(admin=False)
    key = Key(
        id=digest(value),
        name=str(alias or ""),
        digest=digest(value),
        hint=f"sk-...{value[-4:]}",
        owner="proxy",
        created_at=int(call.now),
    )
    state.keys[key.id] = key
    state.extra[key.id] = {name: call.body[name] for name in _BOUNDS if name in call.body}
    if isinstance(life := call.body.get("duration"), str):
        state.extra[key.id]["expires"] = _text(call.now + int(life.removesuffix("s")))
    return Answer(200, {**_shown(state, key), "key": value, "token": value, "token_id": key.id})


def _delete(call: Call, known: dict[str, Key]) -> Answer:
    wanted = call.body.get("keys")
    found = [known[one] for one in wanted if one in known] if isinstance(wanted, list) else []
    if not found:
        return _missing()
    for key in found:
        key.status, key.ended_at = "deleted", call.now
    return Answer(200, {"deleted_keys": [key.id for key in found]})


def _block(state: State, call: Call, known: dict[str, Key]) -> Answer:
    key = known.get(str(call.body.get("key")))
    if key is None:
        return _missing()
    key.status, key.ended_at = ("active", None) if call.path.endswith("unblock") else ("inactive", call.now)
    return Answer(200, _shown(state, key))


def _shown(state: State, key: Key) -> dict[str, object]:
    return {
        "token": key.id,
        "key_name": key.hint if key.hint.startswith("sk-...") else f"sk-...{key.hint[-4:]}",
        "key_alias": key.name,
        "blocked": True if key.status == "inactive" else None,
        "created_at": _text(key.created_at),
        "models": [],
        **dict.fromkeys(_BOUNDS[1:]),
        **state.extra.get(key.id, {}),
    }


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def _missing() -> Answer:
    return Answer(404, {"error": {"message": "Key not found", "type": "not_found_error", "param": None, "code": "404"}})


def _error(status: int, kind: str, message: str) -> Answer:
    return Answer(status, {"error": {"message": message, "type": kind, "param": "key", "code": str(status)}})


def _new_value(*, admin: bool) -> str:  # noqa: ARG001  a master key looks like any other
    return expand("sk-{A-Za-z0-9:22}", random.SystemRandom())


VENDOR = Vendor(name="litellm", answer=_answer, new_value=_new_value, id_from=digest)
