"""OpenAI service-account keys: minted on one service account, so that quotas and audit identity survive a rotation.

There is no disable; DELETE is the kill.  Without `owner_project_access=any` the list may leave out enabled keys.
Source: the vendor's API reference and SDK (organization/projects/service_accounts).  Settings: `base_url`, `project_id`,
`service_account_id`.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, bearer, call, known, parsed, read, setting, unreadable, verdict

_BASE = "https://api.openai.com"
_PAGE = 100


def probe(account: Account, secret: Secret) -> Verdict:
    """List models: 200 and 403 (scope missing) are alive, 401 `invalid_api_key` is dead."""
    return verdict(lambda: _call(account, "GET", "/v1/models", secret), alive=frozenset({200, 403}), dead=_dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the project."""
    found: list[ProviderKey] = []
    after = ""
    while True:
        path = f"{_project(account)}/api_keys?limit={_PAGE}&owner_project_access=any{after}"
        match expect(_call(account, "GET", path, admin(account)), what="listing keys").json():
            case {"data": [*keys], **rest}:
                found += [_listed(key) for key in keys]
            case _:
                raise unreadable(what="the list of keys")
        if not rest.get("has_more") or not keys:
            return tuple(found)
        after = f"&after={quote(found[-1].key_id, safe='')}"


def mint(account: Account, tag: str) -> Secret:
    """Create a key on the service account; the answer holds the value once."""
    service_account = setting(account, "service_account_id")
    path = f"{_project(account)}/service_accounts/{service_account}/api_keys"
    return Secret(expect(_call(account, "POST", path, admin(account), {"name": tag}), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"id": str(key_id), "value": str(value)} if value:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_project(account)}/api_keys/{known(key_id)}", admin(account))
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    return call(account, method, path, base=_BASE, headers=bearer(key), body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            return ProviderKey(
                key_id=key_id, name=str(rest.get("name") or ""), active=True, hint=str(rest.get("redacted_value") or "")
            )
        case _:
            raise unreadable(what="a listed key")


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"error": {"code": "invalid_api_key"}}:
            return "401 invalid_api_key"
        case _:
            return None


def _project(account: Account) -> str:
    return f"/v1/organization/projects/{setting(account, 'project_id')}"


PROVIDER = Provider(
    title="OpenAI (service-account keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
