"""Where a request wants to go: `/VARIABLE/PATH`, and nothing that another reader of it could take for something else.  Pure."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from keysweep.rotation.broker.refusal import RefusedRequestError

_PLAIN = re.compile(rb"/[A-Za-z_][A-Za-z0-9_]*(?:[/?][\x21-\x7e]*)?")
_DOTS = frozenset({b".", b".."})
_UNWRAPPED = 4
"""How often a path is decoded in search of what hides in it."""


class Target(NamedTuple):
    """A request target, taken apart."""

    variable: str
    rest: bytes
    """What the upstream is asked for, as it came: empty, or a path with its query."""


def read(target: bytes) -> Target:
    """Take a request target apart.

    Raises:
        RefusedRequestError: it names a host, has no variable, or its path is not plain.
    """
    if not target.startswith(b"/"):
        raise RefusedRequestError(400, "target", "the target is a path of this broker, never an address")
    path, mark, query = target.partition(b"?")
    if not _PLAIN.fullmatch(target) or b"#" in target or b"//" in path or not _is_plain(path):
        raise RefusedRequestError(400, "path", "the path is not plain")
    variable, slash, rest = path[1:].partition(b"/")
    return Target(variable.decode("ascii"), slash + rest + mark + query)


def _is_plain(path: bytes) -> bool:
    """Whether no reader of the path, however often it decodes, leaves the folder that it begins in."""
    for _ in range(_UNWRAPPED):
        if b"\\" in path or any(byte < 0x20 or byte == 0x7F for byte in path):
            return False
        if _DOTS & {segment.partition(b";")[0] for segment in path.split(b"/")}:
            return False
        decoded = unquote_to_bytes(path)
        if decoded == path:
            return True
        path = decoded
    return False
