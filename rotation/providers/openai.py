"""OpenAI service-account keys: minted on one service account, so that quotas and audit identity survive a rotation.

There is no disable; DELETE is the kill.  Without `owner_project_access=any` the list may leave out enabled keys.
Source: the vendor's API reference and SDK (organization/projects/service_accounts).  Settings: `base_url`, `project_id`,
`service_account_id`.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect, request
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Liveness,
    Minted,
    Provider,
    ProviderError,
    ProviderKey,
    Trouble,
    Verdict,
)

_BASE = "https://api.openai.com"
_PAGE = 100


def probe(account: Account, secret: Secret) -> Verdict:
    """List models: 200 and 403 (scope missing) are alive, 401 `invalid_api_key` is dead."""
    try:
        answer = _call(account, "GET", "/v1/models", secret)
    except ProviderError as error:
        return Verdict(liveness=Liveness.UNKNOWN, code=error.trouble.value)
    if answer.status in {200, 403}:
        return Verdict(liveness=Liveness.ALIVE, code=str(answer.status))
    if answer.status == 401 and _code(answer) == "invalid_api_key":
        return Verdict(liveness=Liveness.DEAD, code="401 invalid_api_key")
    return Verdict(liveness=Liveness.UNKNOWN, code=str(answer.status))


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the project."""
    found: list[ProviderKey] = []
    after = ""
    while True:
        path = f"{_project(account)}/api_keys?limit={_PAGE}&owner_project_access=any{after}"
        match expect(_call(account, "GET", path, _admin(account)), what="listing keys").json():
            case {"data": [*keys], **rest}:
                found += [_listed(key) for key in keys]
            case _:
                raise _unreadable(what="the list of keys")
        if not rest.get("has_more") or not keys:
            return tuple(found)
        after = f"&after={quote(found[-1].key_id, safe='')}"


def mint(account: Account, tag: str) -> Secret:
    """Create a key on the service account; the answer holds the value once."""
    service_account = quote(_setting(account, "service_account_id"), safe="")
    path = f"{_project(account)}/service_accounts/{service_account}/api_keys"
    return Secret(expect(_call(account, "POST", path, _admin(account), {"name": tag}), what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match Response(status=200, body=raw.reveal(), retry_after_s=None).json():
        case {"id": str(key_id), "value": str(value)} if value:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise _unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    if key_id is None:
        msg = "the key's id at the provider is not known"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    answer = _call(account, "DELETE", f"{_project(account)}/api_keys/{quote(key_id, safe='')}", _admin(account))
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    base = account.settings.get("base_url", _BASE).rstrip("/")
    headers = {"Authorization": f"Bearer {key.reveal_text()}"}
    return request(method, base + path, headers=headers, timeout_s=account.timeout_s, body=body)


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            return ProviderKey(
                key_id=key_id, name=str(rest.get("name") or ""), active=True, hint=str(rest.get("redacted_value") or "")
            )
        case _:
            raise _unreadable(what="a listed key")


def _code(answer: Response) -> str:
    try:
        parsed = answer.json()
    except ProviderError:
        return ""
    match parsed:
        case {"error": {"code": str(code)}}:
            return code
        case _:
            return ""


def _project(account: Account) -> str:
    return f"/v1/organization/projects/{quote(_setting(account, 'project_id'), safe='')}"


def _setting(account: Account, name: str) -> str:
    if not account.settings.get(name):
        msg = f"the setting {name} is missing for {account.credential!r}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return account.settings[name]


def _admin(account: Account) -> Secret:
    if account.admin is None:
        msg = "no administering key"
        raise ProviderError(msg, trouble=Trouble.REFUSED)
    return account.admin


def _unreadable(*, what: str) -> ProviderError:
    return ProviderError(f"{what} is not what the vendor documents", trouble=Trouble.UNREADABLE)


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
