"""GitHub's API for Actions secrets: the public key of a repository, sealed values that only it opens, runs that go on."""

from __future__ import annotations

import base64
import re
import secrets
import time

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from samples.simulators import Answer, Call, State, Vendor, accepted, digest

_SECRETS = re.compile(r"/repos/[^/]+/[^/]+/(?:actions|environments/[^/]+)/secrets/([A-Za-z0-9_-]+)")
_RUNS = re.compile(r"/repos/[^/]+/[^/]+/actions/runs")


def new_value(*, admin: bool) -> str:
    """Return a token in no vendor's shape: this simulator is about secrets of CI, not about tokens."""
    return f"actions-{'admin' if admin else 'user'}-{secrets.token_hex(12)}"


def answer(state: State, call: Call) -> Answer:
    """Answer as the vendor documents; what was sealed is opened, and only its hash is kept."""
    key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
    if key is None or not accepted(state, key, call.now):
        return Answer(
            401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}
        )
    if not key.admin:
        return Answer(403, {"message": "Resource not accessible by personal access token", "status": "403"})
    if _RUNS.fullmatch(call.path):
        runs = state.extra.get("runs", []) if call.query.get("status") == "in_progress" else []
        return Answer(200, {"total_count": len(runs), "workflow_runs": runs})
    found = _SECRETS.fullmatch(call.path)
    if found is None:
        return Answer(404, {"message": "Not Found", "status": "404"})
    private = PrivateKey(bytes.fromhex(state.extra.setdefault("private", PrivateKey.generate().encode().hex())))
    kept = state.extra.setdefault("secrets", {})
    match call.method, found[1]:
        case "GET", "public-key":
            return Answer(
                200, {"key_id": "568250167242549743", "key": base64.b64encode(bytes(private.public_key)).decode()}
            )
        case "PUT", name if call.body.get("key_id") == "568250167242549743":
            try:
                value = SealedBox(private).decrypt(base64.b64decode(str(call.body.get("encrypted_value"))))
            except (CryptoError, ValueError):
                return Answer(422, {"message": "Bad Request - The value is not sealed for this key", "status": "422"})
            was_there = name in kept
            at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(call.now))
            kept[name] = {"digest": digest(value.decode()), "updated_at": at}
            return Answer(204 if was_there else 201, None if was_there else {})
        case "GET", name if name in kept:
            return Answer(
                200, {"name": name, "created_at": kept[name]["updated_at"], "updated_at": kept[name]["updated_at"]}
            )
        case "PUT", _:
            return Answer(422, {"message": "Validation Failed", "status": "422"})
        case _:
            return Answer(404, {"message": "Not Found", "status": "404"})


VENDOR = Vendor(name="github_actions", answer=answer, new_value=new_value)
