"""Anthropic: the keys of the organisation, of every workspace and status.  Admin keys stand in no list, and none says when a key was used.

Source: the vendor's Admin API reference and SDK (organizations/api_keys).  Settings: `base_url`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from keysweep.rotation.http import Response, request
from keysweep.rotation.listers import ListedKey, Lister, admin_value, cursor, from_stamp, pages, unreadable
from keysweep.rotation.providers import Account

_BASE = "https://api.anthropic.com"
_PAGE = "?limit=1000"


def keys(account: Account) -> tuple[ListedKey, ...]:
    """List every key, those that are switched off, archived or expired too."""

    def following(answer: Mapping[Any, object], _: int) -> str:
        return f"{_PAGE}{cursor('after_id', answer.get('last_id'))}" if answer.get("has_more") else ""

    return tuple(_listed(row) for row in pages(partial(_call, account), _PAGE, next_page=following))


def _call(account: Account, query: str) -> Response:
    base = account.settings.get("base_url", _BASE).rstrip("/")
    headers = {"x-api-key": admin_value(account), "anthropic-version": "2023-06-01"}
    return request("GET", f"{base}/v1/organizations/api_keys{query}", headers=headers, timeout_s=account.timeout_s)


def _listed(row: object) -> ListedKey:
    match row:
        case {"id": str(identifier), "status": str(status), **rest}:
            return ListedKey(
                key_id=identifier,
                name=str(rest.get("name") or ""),
                active=status == "active",
                hint=str(rest.get("partial_key_hint") or ""),
                owner=_owner(rest.get("created_by")),
                created_at=from_stamp(rest.get("created_at")),
                expires_at=from_stamp(rest.get("expires_at")),
            )
        case _:
            raise unreadable(what="a listed key")


def _owner(owner: object) -> str:
    match owner:
        case {"id": str(identifier)}:
            return identifier
        case _:
            return ""


LISTER = Lister(
    title="Anthropic",
    method="GET /v1/organizations/api_keys",
    lists_admins=False,
    tells_use=False,
    proven_on="a stateful simulator that the vendor's own SDK accepts",
    keys=keys,
)
