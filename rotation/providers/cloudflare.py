"""Cloudflare API tokens: the value of a token is rolled in one call, which ends the old one; id, name and rights stay.

The roll is asked for by id with an administering token (right "API Tokens: Edit"), so it can be repeated after a lost answer: whatever
the value is then, the next one is known.  A token that is switched off answers its own check with `disabled`, and nothing else.
Source: the vendor's API reference and SDK (user/tokens, accounts/tokens).  Settings: `base_url`, `account_id` (for tokens that an
account owns, else those of the user).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
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
from keysweep.rotation.vendor import admin, bearer, call, known, pages, parsed, read, setting, unreadable, verdict

_BASE = "https://api.cloudflare.com"
_PAGE = 50
_INVALID = 1000
"""The vendor's number for a token that it does not know (any more)."""
_KEPT = ("name", "policies", "condition", "expires_on", "not_before")
"""What a change of a token must send again, or it is gone."""


def probe(account: Account, secret: Secret) -> Verdict:
    """Let the token verify itself: `active` is alive, error 1000 and the other two states are dead."""
    return verdict(lambda: _verify(account, secret), alive=frozenset({200}), dead=_dead, sure=_active)


def identify(account: Account, secret: Secret) -> str | None:
    """Return the token's id, which it is told itself."""
    answer = _verify(account, secret)
    if _dead(answer) is not None:
        return None
    match expect(answer, what="verifying the token").json():
        case {"result": {"id": str(key_id)}}:
            return key_id
        case _:
            raise unreadable(what="a verified token")


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every token of the user or account; the vendor shows nothing of their values."""

    def page(number: str) -> tuple[list[object], str]:
        answer = _call(account, "GET", f"?per_page={_PAGE}&page={number or 1}", admin(account))
        match expect(answer, what="listing tokens").json():
            case {"success": True, "result": [*tokens]}:
                return tokens, str(int(number or 1) + 1) if len(tokens) >= _PAGE else ""
            case _:
                raise unreadable(what="the list of tokens")

    return tuple(_listed(token) for token in pages(page, what="the list of tokens"))


def roll(account: Account, key_id: str, secret: Secret) -> Secret:  # noqa: ARG001  addressed by id, never by value
    """Roll the value; what is returned is the answer, with the id before it that the vendor leaves out."""
    answer = expect(_call(account, "PUT", f"/{known(key_id)}/value", admin(account), {}), what="rolling the token")
    return Secret(b'{"id": %b, "answer": %b}' % (json.dumps(key_id).encode(), answer.body))


def read_minted(raw: Secret) -> Minted:
    """Read what `roll` returned."""
    match read(raw):
        case {"id": str(key_id), "answer": {"success": True, "result": str(value)}} if value:
            return Minted(secret=Secret(value), key_id=key_id)
        case _:
            raise unreadable(what="the answer to rolling")


def observe(account: Account, key_id: str, secret: Secret) -> str | None:
    """Return the same id if the old value is dead, None while it is accepted: it may be rolled again in either case.

    Raises:
        ProviderError: the vendor says neither.
    """
    seen = probe(account, secret)
    if seen.liveness is Liveness.UNKNOWN:
        msg = f"whether the token was rolled is not known ({seen.code})"
        raise ProviderError(msg, trouble=Trouble.UNCERTAIN)
    return key_id if seen.liveness is Liveness.DEAD else None


def activate(account: Account, key_id: str) -> None:
    """Switch a token on."""
    _set_status(account, key_id, "active")


def deactivate(account: Account, key_id: str) -> None:
    """Switch a token off; it can be switched on again."""
    _set_status(account, key_id, "disabled")


def _set_status(account: Account, key_id: str, status: str) -> None:
    """Write the token again with another status: the vendor has no smaller change."""
    path = f"/{known(key_id)}"
    match expect(_call(account, "GET", path, admin(account)), what="reading the token").json():
        case {"result": {"name": str(), "policies": [*_], **rest} as token}:
            kept = {name: token[name] for name in _KEPT if token.get(name) is not None}
        case _:
            raise unreadable(what="a token")
    if rest.get("status") != status:
        expect(_call(account, "PUT", path, admin(account), {**kept, "status": status}), what="switching the token")


def _verify(account: Account, secret: Secret) -> Response:
    return _call(account, "GET", "/verify", secret)


def _call(account: Account, method: str, path: str, key: Secret, body: Mapping[str, object] | None = None) -> Response:
    owner = f"accounts/{setting(account, 'account_id')}" if account.settings.get("account_id") else "user"
    where = f"/client/v4/{owner}/tokens{path}"
    return call(account, method, where, base=_BASE, headers=bearer(key), body=body)


def _active(answer: Response) -> bool:
    match parsed(answer):
        case {"success": True, "result": {"status": "active"}}:
            return True
        case _:
            return False


def _dead(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 401, {"success": False, "errors": [{"code": code}, *_]} if code == _INVALID:
            return f"401 {_INVALID}"
        case 200, {"success": True, "result": {"status": "disabled" | "expired" as status}}:
            return f"200 {status}"
        case _:
            return None


def _listed(token: object) -> ProviderKey:
    match token:
        case {"id": str(key_id), **rest}:
            return ProviderKey(key_id=key_id, name=str(rest.get("name") or ""), active=rest.get("status") == "active")
        case _:
            raise unreadable(what="a listed token")


PROVIDER = Provider(
    title="Cloudflare (API tokens)",
    facts=Facts(
        kind=Kind.ROLL,
        max_live_keys=None,
        disable_reversible=True,
        old_dies_on_set=True,
        revocation_window=timedelta(seconds=5),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    identify=identify,
    roll=roll,
    read_minted=read_minted,
    observe=observe,
    activate=activate,
    deactivate=deactivate,
)
