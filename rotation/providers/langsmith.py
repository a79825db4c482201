"""LangSmith service keys of an organisation: made with the workspaces, roles and expiry of the one that goes.

A key that is made without workspaces reaches every one of the organisation, so the old one's are read first.  A key of the whole
organisation needs the setting `workspace_id` to be asked about.  Personal access tokens belong to a person and are not made here.
Source: the vendor's API description (orgs/current/service-keys).  Settings: `base_url`, `organization_id`, `workspace_id`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.clock import system_clock, to_text
from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Minted,
    Provider,
    ProviderError,
    ProviderKey,
    Trouble,
    Verdict,
)
from keysweep.rotation.vendor import admin, call, end, known, lifetime, parsed, read, unreadable, verdict

_BASE = "https://api.smith.langchain.com"
_KEYS = "/api/v1/orgs/current/service-keys"
_COPIED = ("read_only", "workspaces", "default_workspace_id", "role_id", "org_role_id")


def probe(account: Account, secret: Secret) -> Verdict:
    """List one project: 200 and the vendor's word that a key is the organisation's are alive, 401 `Invalid token` is dead."""
    return verdict(
        lambda: _call(account, "GET", "/api/v1/sessions?limit=1", secret),
        alive=frozenset({200, 403}),
        dead=_dead,
        sure=_own,
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every service key; the vendor gives them in one piece."""
    return tuple(_listed(key) for key in _rows(account))


def mint(account: Account, tag: str) -> Secret:
    """Create a key that reaches as far as the one that goes; the answer holds the value once."""
    body = {"description": tag, **_reach(account)}
    return Secret(expect(_call(account, "POST", _KEYS, admin(account), body), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"key": str(value), "id": str(key_id), **rest} if value and key_id:
            return Minted(secret=Secret(value), key_id=key_id, expires_at=end(rest.get("expires_at")))
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_KEYS}/{known(key_id)}", admin(account))
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _reach(account: Account) -> dict[str, object]:
    """Return what bounds the new key.

    Raises:
        ProviderError: that is not known: a key that reaches farther than the old one is not made on a guess.
    """
    old = next((key for key in _rows(account) if isinstance(key, dict) and key.get("id") == account.key_id), None)
    if old is None:
        msg = "the key that goes is not listed, so nobody knows how far the new one may reach"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    bounds = {name: old[name] for name in _COPIED if old.get(name) is not None}
    match old:
        case {"created_at": str(made), "expires_at": str(ends)}:
            return {**bounds, "expires_at": to_text(system_clock() + lifetime(made, ends))}
        case _:
            return bounds


def _rows(account: Account) -> list[object]:
    match expect(_call(account, "GET", _KEYS, admin(account)), what="listing keys").json():
        case [*rows]:
            return rows
        case _:
            raise unreadable(what="the list of keys")


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    headers = {"X-API-Key": key.reveal_text()}
    for header, name in (("X-Organization-Id", "organization_id"), ("X-Tenant-Id", "workspace_id")):
        if given := account.settings.get(name):
            headers[header] = given
    return call(account, method, path, base=_BASE, headers=headers, body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            name, hint = str(rest.get("description") or ""), str(rest.get("short_key") or "")
            return ProviderKey(key_id=key_id, name=name, active=True, hint=hint)
        case _:
            raise unreadable(what="a listed key")


def _own(answer: Response) -> bool:
    """Whether a yes is the vendor's; its bare 403 is also what a key of another region gets."""
    match answer.status, parsed(answer):
        case 200, [*_]:
            return True
        case 403, _:
            return b"org-scoped" in answer.body
        case _:
            return False


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"detail": "Invalid token"}:
            return "401 Invalid token"
        case _:
            return None


PROVIDER = Provider(
    title="LangSmith (service keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator after the vendor's API description; its own client manages no keys",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
