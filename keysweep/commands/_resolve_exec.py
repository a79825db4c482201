"""Version 1 of OpenClaw's protocol for programs that resolve secrets: one request on standard input, one answer on standard output."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from keysweep.foundation.errors import UsageError

VERSION = 1
LARGEST = 1 << 20
"""Bytes of a request, and of an answer."""
SECONDS = 5
"""In which an answer must be there."""
_MOST_IDS = 256
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/#-]{0,255}")
_NOT_FOUND = "NOT_FOUND"
"""Said alike of what does not exist and of what the agent may not have."""


class MalformedRequestError(UsageError):
    """What came on standard input is no request of this protocol."""


def read_request(raw: bytes) -> tuple[str, ...]:
    """Return the ids that are asked for, each once.

    Raises:
        MalformedRequestError: the request is too long, no JSON, of another version, or asks for what is no id.
    """
    if len(raw) > LARGEST:
        msg = f"the request has more than {LARGEST} bytes"
        raise MalformedRequestError(msg)
    try:
        request: object = json.loads(raw)
    except (ValueError, RecursionError):
        msg = "the request is not JSON"
        raise MalformedRequestError(msg) from None
    match request:
        case {"protocolVersion": version} if type(version) is not int or version != VERSION:
            msg = f"only version {VERSION} of the protocol is spoken"
            raise MalformedRequestError(msg)
        case {"protocolVersion": _, "provider": str(), "ids": [*ids]} if 0 < len(ids) <= _MOST_IDS and all(
            map(_is_id, ids)
        ):
            return tuple(dict.fromkeys(str(one) for one in ids))
        case _:
            msg = "the request lacks protocolVersion, provider or ids, or one of its ids is none"
            raise MalformedRequestError(msg)


def write_answer(values: Mapping[str, str], refused: Sequence[str]) -> bytes:
    """Return the answer as it is written.

    Raises:
        UsageError: it would be longer than the protocol allows.
    """
    answer: dict[str, object] = {"protocolVersion": VERSION, "values": dict(values)}
    if refused:
        answer["errors"] = {name: {"code": _NOT_FOUND} for name in refused}
    raw = json.dumps(answer, ensure_ascii=False).encode()
    if len(raw) > LARGEST:
        msg = f"the values are longer than {LARGEST} bytes together"
        raise UsageError(msg)
    return raw


def _is_id(candidate: object) -> bool:
    return isinstance(candidate, str) and _ID.fullmatch(candidate) is not None
