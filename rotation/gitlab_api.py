"""What the adapters of GitLab's tokens share: how a token is read, probed and ended, and how long a new one lives.

Two answers mean that a token is dead: `invalid_token` (revoked or expired) and `401 Unauthorized` (unknown).  An expiry is always
sent: without one the vendor gives a new token a week.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Minted, ProviderError, Trouble, Verdict
from keysweep.rotation.vendor import admin, bearer, call, end, pages, parsed, read, unreadable, verdict

PERSONAL = "/personal_access_tokens"
_BASE = "https://gitlab.com"
_SELF = f"{PERSONAL}/self"
_PAGE = 100
_LIVES_DAYS = 90
_MOST_DAYS = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """One token as the vendor shows it; never its value."""

    id: int
    name: str
    active: bool
    revoked: bool
    user_id: int
    scopes: tuple[str, ...]
    access_level: int | None
    """Of project and group tokens."""


def ask(account: Account, method: str, path: str, key: Secret, body: object = None) -> Response:
    """Send one request with that token."""
    return call(account, method, f"/api/v4{path}", base=_BASE, headers=bearer(key), body=body)


def probe(account: Account, secret: Secret) -> Verdict:
    """Let the token read itself, which any may whatever its scopes: 200 is alive."""
    return verdict(lambda: ask(account, "GET", _SELF, secret), alive=frozenset({200}), dead=dead)


def dead(answer: Response) -> str | None:
    """Return the vendor's code for a token that it does not accept any more, None for any other answer."""
    match answer.status, parsed(answer):
        case 401, {"error": "invalid_token"}:
            return "401 invalid_token"
        case 401, {"message": "401 Unauthorized"}:
            return "401 Unauthorized"
        case _:
            return None


def identify(account: Account, secret: Secret) -> str | None:
    """Return the token's id, as it reads it itself."""
    answer = ask(account, "GET", _SELF, secret)
    if dead(answer) is not None:
        return None
    return str(token(expect(answer, what="reading the token").json()).id)


def end_self(account: Account, secret: Secret) -> None:
    """Let the token revoke itself, as any may; one that is gone is success."""
    answer = ask(account, "DELETE", _SELF, secret)
    if dead(answer) is None:
        expect(answer, what="revoking the token", accepted=frozenset({204}))


def rows(account: Account, path: str, query: str = "") -> Iterator[Token]:
    """List the tokens that *path* has, page by page.

    Raises:
        ProviderError: a page is missing, or is not what the vendor documents.
    """

    def page(number: str) -> tuple[list[object], str]:
        answer = ask(account, "GET", f"{path}?per_page={_PAGE}&page={number or 1}{query}", admin(account))
        match expect(answer, what="listing tokens").json():
            case [*found]:
                return found, str(int(number or 1) + 1) if len(found) >= _PAGE else ""
            case _:
                raise unreadable(what="the list of tokens")

    return map(token, pages(page, what="the list of tokens"))


def token(shown: object) -> Token:
    """Read one token.

    Raises:
        ProviderError: it is none.
    """
    match shown:
        case {"id": int(number), "revoked": bool(revoked), "scopes": [*scopes], "user_id": int(user), **rest}:
            level = rest.get("access_level")
            return Token(
                id=number,
                name=str(rest.get("name") or ""),
                active=rest.get("active") is True,
                revoked=revoked,
                user_id=user,
                scopes=tuple(sorted(str(scope) for scope in scopes)),
                access_level=level if isinstance(level, int) else None,
            )
        case _:
            raise unreadable(what="a token")


def read_minted(raw: Secret) -> Minted:
    """Read the answer to creating or rotating a token."""
    match read(raw):
        case {"id": int(number), "token": str(value), **rest} if value:
            return Minted(secret=Secret(value), key_id=str(number), expires_at=end(rest.get("expires_at")))
        case _:
            raise unreadable(what="the answer with the new token")


def expiry(account: Account) -> str:
    """Return the day on which a new token ends: in as many days as the setting `lifetime_days` says, else in 90.

    Raises:
        ProviderError: the setting is no number of days up to a year.
    """
    text = account.settings.get("lifetime_days") or str(_LIVES_DAYS)
    if not (text.isdecimal() and 0 < int(text) <= _MOST_DAYS):
        msg = f"the setting lifetime_days of {account.credential!r} is no number of days up to {_MOST_DAYS}"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return (system_clock().date() + timedelta(days=int(text))).isoformat()
