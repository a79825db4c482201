"""OpenRouter: the keys of every workspace, those that are switched off too.  The id of a key is its hash.

Whether a management key lists itself is not documented: none is expected there.
Source: the vendor's API reference and SDK (workspaces, keys).  Settings: `base_url`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from keysweep.rotation.http import Response, request
from keysweep.rotation.listers import ListedKey, Lister, admin_value, cursor, from_stamp, pages, unreadable
from keysweep.rotation.providers import Account

_BASE = "https://openrouter.ai"
_FULL = 100
"""Rows of a full page: a shorter one is the last."""


def keys(account: Account) -> tuple[ListedKey, ...]:
    """List every key of every workspace: without being asked for one, the vendor answers for the default one only."""
    found: list[ListedKey] = []
    for workspace in _rows(account, "/workspaces", f"?limit={_FULL}"):
        match workspace:
            case {"id": str(identifier)}:
                query = f"?include_disabled=true{cursor('workspace_id', identifier)}"
                found += [_listed(row) for row in _rows(account, "/keys", query)]
            case _:
                raise unreadable(what="a listed workspace")
    return tuple(found)


def _rows(account: Account, path: str, first: str) -> list[object]:
    def following(_: Mapping[Any, object], seen: int) -> str:
        return f"{first}&offset={seen}" if seen % _FULL == 0 else ""

    return list(pages(partial(_call, account, path), first, next_page=following))


def _call(account: Account, path: str, query: str) -> Response:
    base = account.settings.get("base_url", _BASE).rstrip("/")
    headers = {"Authorization": f"Bearer {admin_value(account)}"}
    return request("GET", f"{base}/api/v1{path}{query}", headers=headers, timeout_s=account.timeout_s)


def _listed(row: object) -> ListedKey:
    match row:
        case {"hash": str(identifier), **rest}:
            return ListedKey(
                key_id=identifier,
                name=str(rest.get("name") or ""),
                active=not rest.get("disabled"),
                hint=str(rest.get("label") or ""),
                owner=str(rest.get("creator_user_id") or ""),
                created_at=from_stamp(rest.get("created_at")),
                last_used_at=from_stamp(rest.get("last_used_at")),
                expires_at=from_stamp(rest.get("expires_at")),
            )
        case _:
            raise unreadable(what="a listed key")


LISTER = Lister(
    title="OpenRouter",
    method="GET /api/v1/workspaces, /keys?include_disabled=true&workspace_id=ID",
    lists_admins=False,
    tells_use=True,
    proven_on="a stateful simulator that the vendor's own SDK accepts",
    keys=keys,
)
