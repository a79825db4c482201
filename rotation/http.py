"""One HTTP call to a provider or to an agent's host: a fresh connection, no redirect, no proxy of the environment, and no key in any error."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from keysweep.rotation.trouble import ProviderError, Trouble

if TYPE_CHECKING:
    import ssl

_LARGEST = 4 << 20
_GRACE_S = 0.05
"""So that a connection that is not made is told from an answer that does not come."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts that may be called without TLS."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Response:
    """What came back.  Not printable: a body may hold a new key."""

    status: int
    body: bytes
    retry_after_s: float | None

    def json(self) -> object:
        """Return the parsed body.

        Raises:
            ProviderError: it is no JSON.
        """
        try:
            parsed: object = json.loads(self.body)
        except (ValueError, RecursionError):
            msg = f"the answer (status {self.status}) is not JSON"
            raise ProviderError(msg, trouble=Trouble.UNREADABLE) from None
        return parsed


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout_s: float,
    body: object = None,
    form: Mapping[str, str] | None = None,
    largest: int = _LARGEST,
    authority: str | None = None,
) -> Response:
    """Send one request and return whatever status came back.

    Args:
        method: GET, POST, DELETE ...
        url: https, or http to this machine.
        headers: may hold a key; they appear in no error.
        timeout_s: for the whole call, however slowly the answer trickles in.
        body: sent as JSON, or as it is where it is bytes; None for no body.
        form: sent as a URL-encoded form instead.
        largest: bytes of an answer that are read.
        authority: file of certificates to check the server's against, instead of the public ones.

    Raises:
        ProviderError: BUSY where the request was certainly not sent, UNCERTAIN where it may have taken effect.
    """
    import asyncio
    import ssl

    import httpx2

    logging.getLogger("httpx2").addFilter(_without_query)
    host, secure = urlsplit(url).hostname or "", urlsplit(url).scheme == "https"
    if not secure and host not in LOOPBACK:
        msg = f"{host} is not called without TLS"
        raise ProviderError(msg, trouble=Trouble.REJECTED)

    try:
        verify = (ssl.create_default_context(cafile=authority) if authority else _public()) if secure else _nobody()
    except (OSError, ssl.SSLError):
        msg = f"{authority} holds no certificates"
        raise ProviderError(msg, trouble=Trouble.REJECTED) from None
    sent: dict[str, Any] = {"content": body} if isinstance(body, bytes) else {"json": body, "data": form}

    async def send() -> Response:
        async with (
            asyncio.timeout(timeout_s + _GRACE_S),
            httpx2.AsyncClient(trust_env=False, follow_redirects=False, timeout=timeout_s, verify=verify) as client,
            client.stream(method, url, headers={"accept-encoding": "identity", **headers}, **sent) as answer,
        ):
            content = bytearray()
            async for block in answer.aiter_raw():
                content += block
                if len(content) > largest:
                    msg = f"{host} sent more than {largest} bytes"
                    raise ProviderError(msg, trouble=Trouble.UNREADABLE)
            return Response(
                status=answer.status_code,
                body=bytes(content),
                retry_after_s=_seconds(answer.headers.get("retry-after")),
            )

    try:
        return asyncio.run(send())
    except (httpx2.ConnectError, httpx2.ConnectTimeout):
        msg = f"no connection to {host}"
        raise ProviderError(msg, trouble=Trouble.BUSY) from None
    except (httpx2.HTTPError, TimeoutError) as error:
        msg = f"{method} to {host} got no answer ({type(error).__name__})"
        raise ProviderError(msg, trouble=Trouble.UNCERTAIN) from None
    except (ValueError, TypeError, httpx2.InvalidURL):
        msg = f"the request to {host} could not be made"
        raise ProviderError(msg, trouble=Trouble.REJECTED) from None


@cache
def _public() -> ssl.SSLContext:
    """Return the public authorities; read once, since that takes longer than a call.  Every connection is new all the same."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=False)


@cache
def _nobody() -> ssl.SSLContext:
    """Return no authority at all, for a call without TLS: a new one for each call would take as long as the call."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def expect(response: Response, *, what: str, accepted: frozenset[int] = frozenset({200, 201, 202, 204})) -> Response:
    """Return the response if its status is accepted.

    Raises:
        ProviderError: with the trouble that the status stands for.
    """
    if response.status in accepted:
        return response
    trouble = {
        401: Trouble.REFUSED,
        403: Trouble.REFUSED,
        404: Trouble.NOT_FOUND,
        409: Trouble.LIMIT,
        429: Trouble.BUSY,
    }.get(response.status, Trouble.UNCERTAIN if response.status >= 500 else Trouble.REJECTED)
    msg = f"{what}: the provider answered {response.status}"
    raise ProviderError(msg, trouble=trouble, retry_after_s=response.retry_after_s)


def _without_query(record: logging.LogRecord) -> bool:
    """Take the query off addresses in the library's own log lines: one vendor wants a key there."""
    if isinstance(record.args, tuple):
        record.args = tuple(str(one).partition("?")[0] if "?" in str(one) else one for one in record.args)
    return True


def _seconds(text: str | None) -> float | None:
    return float(text) if text and text.isdecimal() and len(text) < 6 else None
