"""OpenAI: the keys of every project of the organisation, and its admin keys.

Without `owner_project_access=any` the vendor leaves out keys of people who left a project, and the list would have gaps of its own.
Source: the vendor's API reference and SDK (organization/projects, api_keys, admin_api_keys).  Settings: `base_url`; `project_id`
does not narrow the list: an unknown key in another project is a gap, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from keysweep.rotation.http import Response, request
from keysweep.rotation.listers import ListedKey, Lister, admin_value, cursor, from_epoch, pages, unreadable
from keysweep.rotation.providers import Account

_BASE = "https://api.openai.com"
_ORGANIZATION = "/v1/organization"
_PAGE = "?limit=100"


def keys(account: Account) -> tuple[ListedKey, ...]:
    """List the keys of all projects, archived ones too, and the admin keys."""
    found = [_listed(row, admin=True) for row in _rows(account, "/admin_api_keys", "")]
    for project in _rows(account, "/projects", "&include_archived=true"):
        match project:
            case {"id": str(identifier)}:
                path = f"/projects/{quote(identifier, safe='')}/api_keys"
                found += [_listed(row, admin=False) for row in _rows(account, path, "&owner_project_access=any")]
            case _:
                raise unreadable(what="a listed project")
    return tuple(found)


def _rows(account: Account, path: str, more: str) -> list[object]:
    def following(answer: Mapping[Any, object], _: int) -> str:
        return f"{_PAGE}{more}{cursor('after', answer.get('last_id'))}" if answer.get("has_more") else ""

    return list(pages(partial(_call, account, path), f"{_PAGE}{more}", next_page=following))


def _call(account: Account, path: str, query: str) -> Response:
    base = account.settings.get("base_url", _BASE).rstrip("/")
    headers = {"Authorization": f"Bearer {admin_value(account)}"}
    return request("GET", f"{base}{_ORGANIZATION}{path}{query}", headers=headers, timeout_s=account.timeout_s)


def _listed(row: object, *, admin: bool) -> ListedKey:
    match row:
        case {"id": str(identifier), **rest}:
            return ListedKey(
                key_id=identifier,
                name=str(rest.get("name") or ""),
                active=True,
                hint=str(rest.get("redacted_value") or ""),
                owner=_owner(rest.get("owner")),
                is_admin=admin,
                created_at=from_epoch(rest.get("created_at")),
                last_used_at=from_epoch(rest.get("last_used_at")),
                expires_at=from_epoch(rest.get("expires_at")),
            )
        case _:
            raise unreadable(what="a listed key")


def _owner(owner: object) -> str:
    match owner:
        case {"service_account": {"id": str(identifier), **rest}} | {"user": {"id": str(identifier), **rest}}:
            return str(rest.get("name") or rest.get("email") or identifier)
        case {"name": str(name)} | {"id": str(name)}:
            return name
        case _:
            return ""


LISTER = Lister(
    title="OpenAI",
    method="GET /v1/organization/projects, /projects/ID/api_keys?owner_project_access=any, /admin_api_keys",
    lists_admins=True,
    tells_use=True,
    proven_on="a stateful simulator that the vendor's own SDK accepts",
    keys=keys,
)
