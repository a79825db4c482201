"""LiteLLM virtual keys: made with the bounds of the one that goes by whoever administers the proxy, blocked and unblocked, deleted.

The id of a key is the hash of its value.  A key that is made without models may use every one, so the old one's bounds are read first.
The proxy may run as several workers that keep keys in memory for a minute.  Regenerating is not used: a lost answer would leave an
agent on nothing.
Source: the project's source and API reference (key management).  Settings: `base_url` (where the proxy is; it has no other home).
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import (
    admin,
    bearer,
    call,
    end,
    known,
    lifetime,
    pages,
    parsed,
    read,
    setting,
    unreadable,
    verdict,
)

_PAGE = 100
_COPIED = (
    *("models", "max_budget", "budget_duration", "soft_budget", "budget_id", "tpm_limit", "rpm_limit"),
    *("max_parallel_requests", "model_max_budget", "user_id", "team_id", "organization_id", "project_id"),
    *("aliases", "config", "permissions", "metadata", "tags", "allowed_routes", "allowed_cache_controls"),
    *("object_permission", "access_group_ids"),
)
_REFUSED = frozenset({"token_not_found_in_db", "expired_key"})


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask the key about itself: 200 is alive; 401 of a key that the proxy does not find, or that is expired or blocked, is dead."""
    return verdict(
        lambda: _call(account, "GET", "/key/info", secret),
        alive=frozenset({200}),
        dead=_dead,
        sure=lambda a: bool(_info(a)),
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the proxy."""

    def page(number: str) -> tuple[list[object], str]:
        path = f"/key/list?return_full_object=true&size={_PAGE}&page={number or 1}"
        match expect(_call(account, "GET", path, admin(account)), what="listing keys").json():
            case {"keys": [*keys], "total_pages": int(last)}:
                return keys, str(int(number or 1) + 1) if int(number or 1) < last else ""
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def identify(account: Account, secret: Secret) -> str | None:
    """Return the hash of the value if the proxy has a key by it."""
    identifier = _hash(secret)
    answer = _call(account, "GET", f"/key/info?key={identifier}", admin(account))
    found = expect(answer, what="looking for the key", accepted=frozenset({200, 404}))
    return identifier if found.status == 200 else None


def mint(account: Account, tag: str) -> Secret:
    """Create a key with the bounds of the one that goes; the answer holds the value once."""
    body = {"key_alias": tag, **_bounds(account)}
    return Secret(expect(_call(account, "POST", "/key/generate", admin(account), body), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`; what it calls the key's token is its value."""
    match read(raw):
        case {"key": str(value), **rest} if value:
            return Minted(secret=Secret(value), key_id=_hash(Secret(value)), expires_at=end(rest.get("expires")))
        case _:
            raise unreadable(what="the answer to minting")


def activate(account: Account, key_id: str) -> None:
    """Unblock a key."""
    expect(_call(account, "POST", "/key/unblock", admin(account), {"key": _plain(key_id)}), what="unblocking a key")


def deactivate(account: Account, key_id: str) -> None:
    """Block a key; it can be unblocked again."""
    expect(_call(account, "POST", "/key/block", admin(account), {"key": _plain(key_id)}), what="blocking a key")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "POST", "/key/delete", admin(account), {"keys": [_plain(key_id)]})
    expect(answer, what="deleting the key", accepted=frozenset({200, 404}))


def _bounds(account: Account) -> dict[str, object]:
    """Return what bounds the key that goes.

    Raises:
        ProviderError: they are not known: a key that may do more than the old one is not made on a guess.
    """
    path = f"/key/info?key={quote(_plain(account.key_id), safe='')}"
    old = _info(expect(_call(account, "GET", path, admin(account)), what="reading the key that goes"))
    if not old:
        raise unreadable(what="the key that goes")
    bounds = {name: old[name] for name in _COPIED if old.get(name) is not None}
    match old:
        case {"created_at": str(made), "expires": str(ends)}:
            return {**bounds, "duration": f"{max(round(lifetime(made, ends).total_seconds()), 1)}s"}
        case _:
            return bounds


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    setting(account, "base_url")
    return call(account, method, path, base="", headers=bearer(key), body=body)


def _info(answer: Response) -> dict[str, object]:
    match parsed(answer):
        case {"info": {**info}}:
            return {str(name): value for name, value in info.items()}
        case _:
            return {}


def _listed(key: object) -> ProviderKey:
    match key:
        case {"token": str(key_id), **rest}:
            name, hint = str(rest.get("key_alias") or ""), str(rest.get("key_name") or "")
            return ProviderKey(key_id=key_id, name=name, active=not rest.get("blocked"), hint=hint)
        case _:
            raise unreadable(what="a listed key")


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"type": str(kind)}} if kind in _REFUSED:
            return f"401 {kind}"
        case 401, {"error": {"message": str(said)}} if "Key is blocked" in said:
            return "401 blocked"
        case _:
            return None


def _plain(key_id: str | None) -> str:
    known(key_id)
    return key_id or ""


def _hash(secret: Secret) -> str:
    return hashlib.sha256(secret.reveal()).hexdigest()


PROVIDER = Provider(
    title="LiteLLM (virtual keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=60),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator after the project's source",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    activate=activate,
    deactivate=deactivate,
    revoke=revoke,
)
