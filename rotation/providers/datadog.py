"""Datadog API keys: minted, listed by name and by their last four characters, deleted.

There is no switching off.  The probe is Datadog's own validation: dead is 403 with Datadog's JSON list of errors, as documented; a page
of HTML with that status comes from something in between.  How many keys an organisation may have differs; the list says it, and a
refusal to mint is explained by it.  How long a deleted key is still accepted is not documented; ten seconds are assumed.
Source: the vendor's API reference (key management, v2; validate, v1) and the shapes of its client.  Settings: `site` (datadoghq.com,
datadoghq.eu, us3.datadoghq.com ...), `base_url`.  The administering credential is `API_KEY:APPLICATION_KEY`, its scopes api_keys_read,
api_keys_write and api_keys_delete.
"""

from __future__ import annotations

from datetime import timedelta

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
from keysweep.rotation.vendor import admin, call, known, moment, pages, pair, parsed, read, unreadable, verdict

_SITE = "datadoghq.com"
_KEYS = "/api/v2/api_keys"
_PAGE = 100


def probe(account: Account, secret: Secret) -> Verdict:
    """Ask Datadog to validate the key: `valid` is alive, 403 with its list of errors is dead."""
    headers = {"DD-API-KEY": secret.reveal_text()}
    return verdict(
        lambda: call(account, "GET", "/api/v1/validate", base=_base(account), headers=headers),
        alive=frozenset({200}),
        dead=_dead,
        sure=_valid,
    )


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the organisation."""

    def page(number: str) -> tuple[list[object], str]:
        path = f"{_KEYS}?page[size]={_PAGE}&page[number]={number or 0}"
        match expect(_call(account, "GET", path), what="listing keys").json():
            case {"data": [*keys]}:
                return keys, str(int(number or 0) + 1) if len(keys) >= _PAGE else ""
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def mint(account: Account, tag: str) -> Secret:
    """Create a key; the answer holds the value."""
    body = {"data": {"type": "api_keys", "attributes": {"name": tag}}}
    answer = _call(account, "POST", _KEYS, body)
    if 400 <= answer.status < 500 and answer.status != 429 and _full(account):
        msg = "the organisation has as many keys as it may"
        raise ProviderError(msg, trouble=Trouble.LIMIT)
    return Secret(expect(answer, what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `mint`."""
    match read(raw):
        case {"data": {"id": str(key_id), "attributes": {"key": str(value)}}} if value:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to minting")


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = _call(account, "DELETE", f"{_KEYS}/{known(key_id)}")
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _full(account: Account) -> bool:
    """Whether the list says that no more keys are allowed."""
    match parsed(_call(account, "GET", f"{_KEYS}?page[size]=1")):
        case {"meta": {"max_allowed": int(most), "page": {"total_filtered_count": int(number)}}}:
            return number >= most
        case _:
            return False


def _call(account: Account, method: str, path: str, body: object = None) -> Response:
    api_key, application_key = pair(admin(account), what="API_KEY:APPLICATION_KEY")
    headers = {"DD-API-KEY": api_key, "DD-APPLICATION-KEY": application_key.reveal_text()}
    return call(account, method, path, base=_base(account), headers=headers, body=body)


def _base(account: Account) -> str:
    return f"https://api.{account.settings.get('site', _SITE)}"


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), "attributes": {**shown}}:
            last = str(shown.get("last4") or "")
            return ProviderKey(
                key_id=key_id,
                name=str(shown.get("name") or ""),
                active=True,
                hint=f"...{last}" if last else "",
                created_at=moment(shown.get("created_at")),
            )
        case _:
            raise unreadable(what="a listed key")


def _valid(answer: Response) -> bool:
    match parsed(answer):
        case {"valid": True}:
            return True
        case _:
            return False


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 403, {"errors": ["Forbidden", *_]}:
            return "403 Forbidden"
        case _:
            return None


PROVIDER = Provider(
    title="Datadog (API keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=10),
        needs_admin=True,
        tag_limit=255,
        proven_on="a stateful simulator; the vendor's own client (2.62, too large for the tests) accepted it once, by hand",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
)
