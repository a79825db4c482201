"""What the adapters of OpenAI's keys share: how a key is listed and made, and what a dead one is answered.

An organisation may force a maximum lifetime on new keys.  The vendor then refuses a key without an expiry, or with one that is too
far away, with a 4xx about `expires_in_seconds`: a definite no effect, so a shorter life is asked for until one passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Minted, ProviderError, ProviderKey, Trouble
from keysweep.rotation.vendor import admin, bearer, call, end, pages, parsed, read, unreadable

_BASE = "https://api.openai.com"
_PAGE = 100
_LIVES_S = tuple(days * 86_400 for days in (365, 180, 90, 60, 30, 14, 7, 1))
"""Lifetimes that are asked for where the organisation wants a shorter one, longest first."""


def ask(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    """Send one request with that key."""
    return call(account, method, path, base=_BASE, headers=bearer(key), body=body)


def listed(account: Account, path: str, query: str = "") -> tuple[ProviderKey, ...]:
    """List every key that *path* has, page by page."""

    def page(after: str) -> tuple[list[object], str]:
        answer = ask(account, "GET", f"{path}?limit={_PAGE}{query}{after}", admin(account))
        match expect(answer, what="listing keys").json():
            case {"data": [*keys], **rest}:
                more = rest.get("has_more") and keys
                return keys, f"&after={quote(_listed(keys[-1]).key_id, safe='')}" if more else ""
            case _:
                raise unreadable(what="the list of keys")

    return tuple(_listed(key) for key in pages(page))


def create(account: Account, path: str, body: Mapping[str, object]) -> Secret:
    """Create a key and return the raw answer; it lives as long as the setting `lifetime_s` says, or as the organisation lets it."""
    wanted = _wanted(account)
    answer = ask(account, "POST", path, admin(account), {**body, **({"expires_in_seconds": wanted} if wanted else {})})
    for seconds in _LIVES_S:
        if not _lives_too_long(answer):
            break
        if wanted is None or seconds < wanted:
            answer = ask(account, "POST", path, admin(account), {**body, "expires_in_seconds": seconds})
    return Secret(expect(answer, what="minting a key").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `create`."""
    match read(raw):
        case {"id": str(key_id), "value": str(value), **rest} if value:
            return Minted(secret=Secret(value), key_id=key_id, expires_at=end(rest.get("expires_at")))
        case _:
            raise unreadable(what="the answer to minting")


def dead(answer: Response) -> str | None:
    """Return the vendor's code for a key that it does not know any more, None for any other answer."""
    match answer.status, parsed(answer):
        case 401, {"error": {"code": "invalid_api_key"}}:
            return "401 invalid_api_key"
        case _:
            return None


def _wanted(account: Account) -> int | None:
    text = account.settings.get("lifetime_s", "")
    if text and not (text.isdecimal() and 0 < int(text) <= _LIVES_S[0]):
        msg = f"the setting lifetime_s of {account.credential!r} is no number of seconds up to a year"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return int(text) if text else None


def _lives_too_long(answer: Response) -> bool:
    match parsed(answer):
        case {"error": {"param": "expires_in_seconds"}}:
            return 400 <= answer.status < 500
        case _:
            return False


def _listed(key: object) -> ProviderKey:
    match key:
        case {"id": str(key_id), **rest}:
            return ProviderKey(
                key_id=key_id, name=str(rest.get("name") or ""), active=True, hint=str(rest.get("redacted_value") or "")
            )
        case _:
            raise unreadable(what="a listed key")
