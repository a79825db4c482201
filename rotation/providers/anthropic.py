"""Anthropic keys: the vendor has no call that creates one, so a sealed standby takes the leaked key's place.

A person makes one or two spare keys in the vendor's console; they are sealed here and switched off there.  A rotation switches the
spare on, the leaked one off (reversible), and archives it at the end, which is taken for final.
Source: the vendor's Admin API reference and SDK (organizations/api_keys).  Settings: `base_url`.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, call, known, pages, parsed, unreadable, verdict

_BASE = "https://api.anthropic.com"
_VERSION = "2023-06-01"
_PAGE = 1000


def probe(account: Account, secret: Secret) -> Verdict:
    """List models: 200 and 403 are alive, 401 `authentication_error` is dead."""
    return verdict(lambda: _call(account, "GET", "/v1/models", secret), alive=frozenset({200, 403}), dead=_dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the organisation."""

    def page(after: str) -> tuple[list[object], str]:
        path = f"/v1/organizations/api_keys?limit={_PAGE}{after}"
        match expect(_call(account, "GET", path, admin(account)), what="listing keys").json():
            case {"data": [*keys], **rest}:
                last = rest.get("last_id") or (_listed(keys[-1]).key_id if keys else "")
                return keys, f"&after_id={quote(str(last), safe='')}" if rest.get("has_more") and keys else ""
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def activate(account: Account, key_id: str) -> None:
    """Switch a key on."""
    _set_status(account, key_id, "active")


def deactivate(account: Account, key_id: str) -> None:
    """Switch a key off; it can be switched on again."""
    _set_status(account, key_id, "inactive")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Archive the key; one that is gone is success."""
    _set_status(account, key_id, "archived", accepted=frozenset({200, 404}))


def _set_status(
    account: Account, key_id: str | None, status: str, *, accepted: frozenset[int] = frozenset({200})
) -> None:
    path = f"/v1/organizations/api_keys/{known(key_id)}"
    answer = _call(account, "POST", path, admin(account), {"status": status})
    expect(answer, what=f"setting a key to {status}", accepted=accepted)


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    headers = {"x-api-key": key.reveal_text(), "anthropic-version": _VERSION}
    return call(account, method, path, base=_BASE, headers=headers, body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            return ProviderKey(
                key_id=key_id,
                name=str(rest.get("name") or ""),
                active=rest.get("status") == "active",
                hint=str(rest.get("partial_key_hint") or ""),
            )
        case _:
            raise unreadable(what="a listed key")


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"type": "authentication_error"}}:
            return "401 authentication_error"
        case _:
            return None


PROVIDER = Provider(
    title="Anthropic (API keys, with a sealed standby)",
    facts=Facts(
        kind=Kind.DEACTIVATE_ONLY,
        max_live_keys=None,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    activate=activate,
    deactivate=deactivate,
    revoke=revoke,
)
