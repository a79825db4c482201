"""OpenRouter keys: made, switched off and deleted with a management key.  The id of a key is the hash of its value.

A new key gets the limits of the one that goes (amount, reset, whether own provider keys count) and its workspace.  Switching off is
reversible.  A provider's key that is stored *at* OpenRouter is another credential: it is replaced there as well, by hand.
Source: the vendor's API reference and SDK (keys, workspaces).  Settings: `base_url`, `workspace_id` (for a first key).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, bearer, call, end, known, pages, parsed, read, unreadable, verdict

_BASE = "https://openrouter.ai"
_KEYS = "/api/v1/keys"
_PAGE = 100
_COPIED = ("limit", "limit_reset", "include_byok_in_limit", "workspace_id")


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask the key about itself: 200 is alive, 401 with the vendor's error is dead."""
    return verdict(lambda: _call(account, "GET", "/api/v1/key", secret), alive=frozenset({200}), dead=_dead)


def identify(account: Account, secret: Secret) -> str | None:
    """Return the hash of the value if the vendor has a key by it: that ids are such hashes is seen, not documented."""
    identifier = hashlib.sha256(secret.reveal()).hexdigest()
    answer = _call(account, "GET", f"{_KEYS}/{identifier}", admin(account))
    return (
        identifier if expect(answer, what="looking for the key", accepted=frozenset({200, 404})).status == 200 else None
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List the keys of every workspace, those that are switched off too."""
    found: list[ProviderKey] = []
    for workspace in _rows(account, "/api/v1/workspaces", ""):
        match workspace:
            case {"id": str(identifier)}:
                query = f"&include_disabled=true&workspace_id={quote(identifier, safe='')}"
                found += [_listed(key) for key in _rows(account, _KEYS, query)]
            case _:
                raise unreadable(what="a listed workspace")
    return tuple(found)


def mint(account: Account, tag: str) -> Secret:
    """Create a key with the limits of the one that goes; the answer holds the value once."""
    body = {"name": tag, **_limits(account)}
    return Secret(expect(_call(account, "POST", _KEYS, admin(account), body), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"key": str(value), "data": {"hash": str(key_id), **rest}} if value and key_id:
            return Minted(secret=Secret(value), key_id=key_id, expires_at=end(rest.get("expires_at")))
        case _:
            raise unreadable(what="the answer to minting")


def activate(account: Account, key_id: str) -> None:
    """Switch a key on."""
    _switch(account, key_id, disabled=False)


def deactivate(account: Account, key_id: str) -> None:
    """Switch a key off; it can be switched on again."""
    _switch(account, key_id, disabled=True)


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_KEYS}/{known(key_id)}", admin(account))
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _limits(account: Account) -> dict[str, object]:
    """Return what bounds the key that goes: a new one without its limits could spend without end."""
    given = account.settings.get("workspace_id")
    where: dict[str, object] = {"workspace_id": given} if given else {}
    if account.key_id is None:
        return where
    answer = _call(account, "GET", f"{_KEYS}/{known(account.key_id)}", admin(account))
    match parsed(expect(answer, what="reading the key that goes", accepted=frozenset({200, 404}))):
        case {"data": {**old}}:
            return {**where, **{name: old[name] for name in _COPIED if old.get(name) is not None}}
        case _ if answer.status == 404:
            return where
        case _:
            raise unreadable(what="the key that goes")


def _switch(account: Account, key_id: str, *, disabled: bool) -> None:
    answer = _call(account, "PATCH", f"{_KEYS}/{known(key_id)}", admin(account), {"disabled": disabled})
    expect(answer, what="switching a key")


def _rows(account: Account, path: str, query: str) -> Iterator[object]:
    def page(offset: str) -> tuple[list[object], str]:
        answer = _call(account, "GET", f"{path}?limit={_PAGE}&offset={offset or 0}{query}", admin(account))
        match expect(answer, what="listing keys").json():
            case {"data": [*rows]}:
                return rows, str(int(offset or 0) + _PAGE) if len(rows) >= _PAGE else ""
            case _:
                raise unreadable(what="the list of keys")

    return pages(page)


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    return call(account, method, path, base=_BASE, headers=bearer(key), body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"hash": str(key_id), **rest}:
            return ProviderKey(
                key_id=key_id,
                name=str(rest.get("name") or ""),
                active=not rest.get("disabled"),
                hint=str(rest.get("label") or ""),
            )
        case _:
            raise unreadable(what="a listed key")


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"code": 401}}:
            return "401 unauthorized"
        case _:
            return None


PROVIDER = Provider(
    title="OpenRouter",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=True,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
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
