"""A LiteLLM proxy: stored credentials that are patched, and model calls that go upstream with the one that was read last."""

from __future__ import annotations

import re
import secrets

from samples.simulators import Answer, Call, State, Vendor, accepted, digest

_BY_NAME = re.compile(r"/credentials(?:/by_name)?/([^/]+)")


def new_value(*, admin: bool) -> str:
    """Return a master key, or a virtual one, in no rule's shape."""
    return f"proxy-{'master' if admin else 'virtual'}-{secrets.token_hex(12)}"


def answer(state: State, call: Call) -> Answer:
    """Answer as the proxy documents; of a value only its hash is kept, and a mask is shown.

    `extra["upstream"]` holds hashes of the keys that the model's vendor accepts.
    """
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if key is None or not accepted(state, key, call.now):
        return Answer(
            401, {"error": {"message": "Authentication Error", "type": "auth_error", "param": "None", "code": "401"}}
        )
    stored = state.extra.setdefault("credentials", {})
    if call.path == "/v1/chat/completions":
        alive = any(one["digest"] in state.extra.get("upstream", []) for one in stored.values())
        body = {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": "length"}]}
        refusal = {"error": {"message": "litellm.AuthenticationError", "type": None, "param": None, "code": "401"}}
        return Answer(200, body) if alive else Answer(401, refusal)
    found = _BY_NAME.fullmatch(call.path)
    if found is None or not key.admin:
        return Answer(404 if found is None else 403, {"error": {"message": "not allowed", "code": "403"}})
    if found[1] not in stored:
        return Answer(404, {"error": {"message": "Credential not found", "code": "404"}})
    kept = stored[found[1]]
    match call.method, call.body:
        case "PATCH", {"credential_values": {**values}, "credential_info": {**info}}:
            value = str(values.get("api_key", ""))
            kept["digest"], kept["mask"] = digest(value), f"{value[:4]}****{value[-4:]}"
            kept["info"] = {**kept["info"], **info}
            return Answer(200, {"success": True, "message": "Credential updated successfully"})
        case "GET", _:
            shown = {
                "credential_name": found[1],
                "credential_values": {"api_key": kept["mask"]},
                "credential_info": kept["info"],
            }
            return Answer(200, shown)
        case _:
            return Answer(422, {"detail": "unprocessable"})


VENDOR = Vendor(name="litellm_proxy", answer=answer, new_value=new_value)
