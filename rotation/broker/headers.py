"""The headers of a request on its way out: the placeholder is found, the key put in its place, and what belongs to one connection left off."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import NamedTuple

from keysweep.foundation.secret import Secret
from keysweep.rotation.broker.refusal import RefusedRequestError
from keysweep.rotation.broker.routes import Route

Headers = list[tuple[bytes, bytes]]
_AUTHORIZATION = b"authorization"
_SHOWING = frozenset({_AUTHORIZATION, b"x-api-key", b"api-key", b"x-goog-api-key"})
"""Headers in which a key may stand."""
_OF_A_CONNECTION = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    }
)
_MADE_HERE = frozenset({b"host", b"accept-encoding", b"content-length"}) | _SHOWING
IsPlaceholder = Callable[[bytes], bool]


class Shown(NamedTuple):
    """Where a request showed its placeholder."""

    header: bytes
    form: str
    """One of `routes.FORMS`."""
    user: bytes | None
    """With basic authentication: what stands before the colon, None if that is the placeholder."""
    password: bytes | None
    """What stands behind it, likewise."""


def length(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    """Return how long the body of a request is, None if it comes in chunks; 0 for none.

    Raises:
        RefusedRequestError: that can be read in two ways.
    """
    lengths = [value for name, value in headers if name == b"content-length"]
    chunked = [value for name, value in headers if name == b"transfer-encoding"]
    if len(lengths) + len(chunked) > 1 or any(value.lower() != b"chunked" for value in chunked):
        raise RefusedRequestError(400, "framing", "the length of the body is stated in two ways")
    if any(not value.isdigit() for value in lengths):
        raise RefusedRequestError(400, "framing", "the length of the body is no number")
    return None if chunked else int(lengths[0]) if lengths else 0


def shown(headers: Headers, route: Route, is_placeholder: IsPlaceholder) -> Shown:
    """Find the placeholder of a request.

    Raises:
        RefusedRequestError: it is not there, or something else stands beside it.
    """
    found = [(name, value) for name, value in headers if name in _SHOWING]
    if len(found) != 1:
        raise RefusedRequestError(401, "placeholder", f"the placeholder of {route.variable} stands in one header, once")
    name, value = found[0]
    scheme, _, behind = value.partition(b" ")
    for form in route.forms:
        match form:
            case "bearer" if name == _AUTHORIZATION:
                good = scheme.lower() == b"bearer" and is_placeholder(behind)
            case "basic" if name == _AUTHORIZATION and scheme.lower() == b"basic":
                return _in_basic(behind, route, is_placeholder)
            case _:
                good = name == form.encode() and is_placeholder(value)
        if good:
            return Shown(name, form, None, None)
    raise _unknown(route)


def outgoing(headers: Headers, route: Route, where: Shown, key: Secret, size: int | None) -> Headers:
    """Return the headers as they leave, with the key."""
    named = {part.strip().lower() for name, value in headers if name == b"connection" for part in value.split(b",")}
    dropped = _OF_A_CONNECTION | _MADE_HERE | named
    kept = [(name, value) for name, value in headers if name not in dropped]
    return [
        (b"host", route.upstream.authority.encode()),
        *kept,
        (b"accept-encoding", b"identity"),
        *_framing(headers, size),
        (where.header, _with(key, where)),
    ]


def incoming(headers: Iterable[tuple[bytes, bytes]], cover: Callable[[bytes], bytes]) -> Headers:
    """Return the headers of an answer as they come back, without the key.

    Raises:
        RefusedRequestError: the body is packed, so that nobody can say what it holds.
    """
    found = [(name, value) for name, value in headers if name.lower() not in _OF_A_CONNECTION]
    if any(name.lower() == b"content-encoding" and value.lower() != b"identity" for name, value in found):
        raise RefusedRequestError(502, "packed", "the upstream packed its answer though it was asked not to")
    return [(cover(name), cover(value)) for name, value in found]


def _framing(headers: Headers, size: int | None) -> Headers:
    if size is None:
        return [(b"transfer-encoding", b"chunked")]
    return [(name, value) for name, value in headers if name == b"content-length"]


def _with(key: Secret, where: Shown) -> bytes:
    value = key.reveal()
    match where.form:
        case "bearer":
            return b"Bearer " + value
        case "basic" if b":" in value:
            return b"Basic " + base64.b64encode(value)
        case "basic":
            user, password = (value if part is None else part for part in (where.user, where.password))
            return b"Basic " + base64.b64encode(user + b":" + password)
        case _:
            return value


def _in_basic(packed: bytes, route: Route, is_placeholder: IsPlaceholder) -> Shown:
    try:
        user, _, password = base64.b64decode(packed, validate=True).partition(b":")
    except binascii.Error:
        raise _unknown(route) from None
    in_user, in_password = is_placeholder(user), is_placeholder(password)
    if not (in_user or in_password):
        raise _unknown(route)
    return Shown(_AUTHORIZATION, "basic", None if in_user else user, None if in_password else password)


def _unknown(route: Route) -> RefusedRequestError:
    return RefusedRequestError(401, "placeholder", f"this is not the placeholder of {route.variable}")
