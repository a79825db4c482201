"""Vendors without an API for their keys: each answers the one harmless call by which a key is asked about, as the vendor does.

The answers were written down from the vendors' references and from what their users reported.  A person makes and ends the keys:
`POST /_control/seed`, `POST /_control/end`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from keysweep.rules.samples import expand
from samples.simulators import Answer, Call, State, Vendor, accepted


@dataclass(frozen=True)
class Console:
    """One vendor."""

    path: str
    shape: str
    """Of a value."""
    yes: Mapping[str, object]
    """What a key that works is answered, with status 200."""
    no: Mapping[str, object]
    """What any other is answered."""
    status: int = 401


_OPENAI_LIKE = {"object": "list", "data": [{"id": "sim-1", "object": "model", "created": 1, "owned_by": "sim"}]}
CONSOLES: Mapping[str, Console] = {
    "apify": Console(
        path="/v2/users/me",
        shape="apify_api_{A-Za-z0-9:34}",
        yes={"data": {"id": "u1", "username": "sim"}},
        no={"error": {"type": "user-or-token-not-found", "message": "User was not found or the token is not valid"}},
    ),
    "digitalocean": Console(
        path="/v2/account",
        shape="dop_v1_{a-f0-9:64}",
        yes={"account": {"uuid": "u1", "status": "active"}},
        no={"id": "Unauthorized", "message": "Unable to authenticate you"},
    ),
    "groq": Console(
        path="/openai/v1/models",
        shape="gsk_{A-Za-z0-9:52}",
        yes=_OPENAI_LIKE,
        no={"error": {"message": "Invalid API Key", "type": "invalid_request_error", "code": "invalid_api_key"}},
    ),
    "huggingface": Console(
        path="/api/whoami-v2",
        shape="hf_{A-Za-z:34}",
        yes={"type": "user", "id": "u1", "name": "sim"},
        no={"error": "Invalid username or password."},
    ),
    "mistral": Console(
        path="/v1/models",
        shape="{A-Za-z0-9:32}",
        yes=_OPENAI_LIKE,
        no={"detail": "Unauthorized"},
    ),
    "notion": Console(
        path="/v1/users/me",
        shape="ntn_{0-9:11}{A-Za-z0-9:35}",
        yes={"object": "user", "id": "u1", "type": "bot"},
        no={"object": "error", "status": 401, "code": "unauthorized", "message": "API token is invalid."},
    ),
    "perplexity": Console(
        path="/async/chat/completions",
        shape="pplx-{A-Za-z0-9:48}",
        yes={"requests": []},
        no={"error": {"message": "Invalid API key provided.", "type": "invalid_api_key", "code": 401}},
    ),
    "replicate": Console(
        path="/v1/account",
        shape="r8_{A-Za-z0-9:37}",
        yes={"type": "user", "username": "sim", "name": "Sim"},
        no={"title": "Unauthenticated", "detail": "You did not pass a valid authentication token", "status": 401},
    ),
    "stripe": Console(
        path="/v1/balance",
        shape="sk_live_51{A-Za-z0-9:97}",
        yes={"object": "balance", "available": [], "livemode": True},
        no={
            "error": {"code": "api_key_expired", "message": "Expired API Key provided", "type": "invalid_request_error"}
        },
    ),
    "xai": Console(
        path="/v1/api-key",
        shape="xai-{A-Za-z0-9:80}",
        yes={"api_key_id": "k1", "name": "sim", "api_key_blocked": False, "api_key_disabled": False},
        no={"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***yz."},
        status=400,
    ),
}
"""Names are those of the adapters."""


def _answering(console: Console) -> Callable[[State, Call], Answer]:
    def answer(state: State, call: Call) -> Answer:
        if (call.method, call.path) != ("GET", console.path):
            return Answer(404, {"error": "unknown path"})
        key = state.by_value(call.headers.get("authorization", "").removeprefix("Bearer "))
        return Answer(200, console.yes) if accepted(state, key, call.now) else Answer(console.status, console.no)

    return answer


def _vendor(name: str, console: Console) -> Vendor:
    def new_value(*, admin: bool) -> str:  # noqa: ARG001  no key administers others
        return expand(console.shape, random.SystemRandom())

    return Vendor(name=name, answer=_answering(console), new_value=new_value)


VENDORS = tuple(_vendor(name, console) for name, console in CONSOLES.items())
