"""HTTP calls to the hosts that give agents their keys: a proxy, a CI service.  Only `AgentError` comes out, and no key in it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from keysweep.foundation.errors import UsageError
from keysweep.rotation.agents import AgentError, Delivery
from keysweep.rotation.http import LOOPBACK, Response, request
from keysweep.rotation.trouble import ProviderError, Trouble

ADMIN = "administering credential that the host is called with"
"""Meaning of the setting `admin`."""


def call(
    delivery: Delivery,
    method: str,
    url: str,
    *,
    purpose: str,
    scheme: str = "Bearer",
    header: str = "Authorization",
    body: object = None,
    more: Mapping[str, str] | None = None,
    accepted: frozenset[int] = frozenset({200, 201, 202, 204}),
) -> Response:
    """Call a host with the agent's administering credential.

    Raises:
        AgentError: no answer, or one with another status.
    """
    admin = delivery.admin(purpose)
    try:
        shown = f"{scheme} {admin.reveal_text()}".strip()
        headers = {header: shown, **(more or {})}
        answer = request(method, url, headers=headers, timeout_s=delivery.timeout_s, body=body)
    except ProviderError as error:
        passes = error.trouble in {Trouble.BUSY, Trouble.UNCERTAIN}
        raise AgentError(error.message, passes=passes) from None
    finally:
        admin.wipe()
    if answer.status not in accepted:
        msg = f"{purpose}: {urlsplit(url).hostname} answered {answer.status}"
        hint = f"keysweep keys set {delivery.settings.get('admin')}" if answer.status in {401, 403} else None
        raise AgentError(msg, hint=hint, passes=answer.status == 429 or answer.status >= 500)
    return answer


def parsed(answer: Response) -> object:
    """Return the body of an answer.

    Raises:
        AgentError: it is no JSON.
    """
    try:
        return answer.json()
    except ProviderError as error:
        raise AgentError(error.message) from None


def segment(text: str) -> str:
    """Return one segment of a path."""
    return quote(text, safe="")


def check_url(settings: Mapping[str, str], name: str = "base_url") -> None:
    """Refuse an address that a key would go to in the clear.

    Raises:
        UsageError: neither https nor this machine.
    """
    where = urlsplit(settings.get(name, "https://host"))
    if where.scheme != "https" and not (where.scheme == "http" and where.hostname in LOOPBACK):
        msg = f"{name} is an https address, or one of this machine"
        raise UsageError(msg)
