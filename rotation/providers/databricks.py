"""Databricks personal access tokens: of a service principal, minted on its behalf, or of the user whose token administers.

With the setting `application_id` the workspace's token management is called, and the administering token must be a workspace
administrator's; without it the token API, which knows the tokens of the administering token's own user.  The scopes of the old token,
where the list shows any, are given to the new one.  There is no switching off.  The probe reads who the token is of: dead is 401 or 403
with `Invalid access token`; PERMISSION_DENIED lives, and a blocked address says nothing.  Lists show nothing of a value: the id of a
token that was not minted here must be told (`keysweep keys set-id`).  How long a deleted token is still accepted is not documented;
ten seconds are assumed.
Source: the vendor's SDK (token/create, token-management, scim Me).  Settings: `workspace_url` (https://NAME.cloud.databricks.com),
`application_id`, `lifetime_days` (else the workspace's longest), `base_url`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
from keysweep.rotation.vendor import admin, bearer, call, end, known, parsed, read, unreadable, verdict

_ME = "/api/2.0/preview/scim/v2/Me"
_OWN = "/api/2.0/token"
_MANAGED = "/api/2.0/token-management"
_DAY_S = 86_400


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask who the token is of: 200 and PERMISSION_DENIED are alive, 401 and 403 `Invalid access token` are dead."""
    return verdict(
        lambda: _call(account, "GET", _ME, secret),
        alive=frozenset({200, 403}),
        dead=_dead,
        sure=lambda answer: answer.status == 200 or _error(answer)[0] == "PERMISSION_DENIED",
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List the tokens of the workspace, or of the user."""
    return tuple(_listed(token) for token in _tokens(account))


def mint(account: Account, tag: str) -> Secret:
    """Create a token with the scopes of the one that goes; the answer holds the value once."""
    body: dict[str, object] = {"comment": tag}
    if account.key_id and (scopes := _scopes(account, account.key_id)):
        body["scopes"] = scopes
    if days := account.settings.get("lifetime_days"):
        body["lifetime_seconds"] = _seconds(days)
    path = f"{_OWN}/create"
    if application := account.settings.get("application_id"):
        path = f"{_MANAGED}/on-behalf-of/tokens"
        body["application_id"] = application
    answer = _call(account, "POST", path, admin(account), body)
    if answer.status == 400 and _error(answer)[0] == "QUOTA_EXCEEDED":
        msg = "the user has as many tokens as it may"
        raise ProviderError(msg, trouble=Trouble.LIMIT)
    return Secret(expect(answer, what="minting a token").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"token_value": str(value), "token_info": {"token_id": str(key_id), **rest}} if value:
            return Minted(secret=Secret(value), key_id=key_id, expires_at=end(rest.get("expiry_time")))
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the token; one that is gone is success."""
    token_id = known(key_id)
    if _managed(account):
        answer = _call(account, "DELETE", f"{_MANAGED}/tokens/{token_id}", admin(account))
    else:
        answer = _call(account, "POST", f"{_OWN}/delete", admin(account), {"token_id": key_id})
    if _error(answer)[0] != "RESOURCE_DOES_NOT_EXIST":
        expect(answer, what="deleting the token", accepted=frozenset({200, 204, 404}))


def _managed(account: Account) -> bool:
    return bool(account.settings.get("application_id"))


def _tokens(account: Account) -> list[object]:
    path = f"{_MANAGED}/tokens" if _managed(account) else f"{_OWN}/list"
    match expect(_call(account, "GET", path, admin(account)), what="listing tokens").json():
        case {"token_infos": [*tokens]}:
            return tokens
        case {**rest} if "token_infos" not in rest:
            return []
        case _:
            raise unreadable(what="the list of tokens")


def _scopes(account: Account, key_id: str) -> list[object]:
    """Return what a token is limited to; empty for all that its owner may do."""
    for token in _tokens(account):
        match token:
            case {"token_id": str(found), "scopes": [*scopes]} if found == key_id:
                return scopes
    return []


def _call(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    where = account.settings.get("workspace_url", "")
    if not where and "base_url" not in account.settings:
        msg = f"the setting workspace_url is missing for {account.credential!r}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return call(account, method, path, base=where, headers=bearer(key), body=body)


def _seconds(days: str) -> int:
    if not days.isdecimal():
        msg = "the setting lifetime_days is no whole number"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return int(days) * _DAY_S


def _listed(token: object) -> ProviderKey:
    match token:
        case {"token_id": str(token_id), **rest}:
            return ProviderKey(
                key_id=token_id,
                name=str(rest.get("comment") or ""),
                active=True,
                created_at=_moment(rest.get("creation_time")),
            )
        case _:
            raise unreadable(what="a listed token")


def _moment(value: object) -> datetime | None:
    """Read milliseconds since 1970; None for what is no such number."""
    return datetime.fromtimestamp(value / 1000, UTC) if isinstance(value, int) and 0 < value < 1 << 44 else None


def _error(answer: Response) -> tuple[str, str]:
    """Return code and message of an error; empty where there are none."""
    match parsed(answer):
        case {"error_code": str() | int() as code, "message": str(message)}:
            return str(code), message
        case _:
            return "", ""


def _dead(answer: Response) -> str | None:
    refused = answer.status in {401, 403} and _error(answer)[1].startswith("Invalid access token")
    return f"{answer.status} Invalid access token" if refused else None


PROVIDER = Provider(
    title="Databricks (personal access tokens)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=10),
        needs_admin=True,
        tag_limit=256,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
