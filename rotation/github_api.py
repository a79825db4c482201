"""What the adapters of GitHub's tokens share: how a token is probed, and how anybody who has one ends it."""

from __future__ import annotations

from collections.abc import Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, ProviderError, Trouble, Verdict
from keysweep.rotation.vendor import bearer, call, parsed, verdict

_BASE = "https://api.github.com"
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
_LIMITED_S = 60.0
"""How long to wait where the vendor does not say: calls without authentication are counted by the hour."""


def ask(account: Account, method: str, path: str, auth: Mapping[str, str], body: object = None) -> Response:
    """Send one request; *auth* may be empty."""
    return call(account, method, path, base=_BASE, headers={**_HEADERS, **auth}, body=body)


def probe_token(account: Account, secret: Secret) -> Verdict:
    """Ask for the rate limit, which costs nothing of it: 200 is alive, 401 `Bad credentials` is dead.

    403 is neither: an address with many bad logins gets it for good tokens, too.
    """
    return verdict(
        lambda: ask(account, "GET", "/rate_limit", bearer(secret)), alive=frozenset({200}), dead=bad_credentials
    )


def bad_credentials(answer: Response) -> str | None:
    """Return the vendor's code for a token that it does not accept, None for any other answer."""
    match answer.status, parsed(answer):
        case 401, {"message": "Bad credentials"}:
            return "401 Bad credentials"
        case _:
            return None


def end_by_value(account: Account, secret: Secret) -> None:
    """Have the vendor revoke a token, as anybody may who has it: the call must not say who asks.  It takes effect later.

    Raises:
        ProviderError: BUSY where the hourly number of such calls from this address is used up.
    """
    if not secret:
        msg = "a token is revoked by its value, which is not known"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    answer = ask(account, "POST", "/credentials/revoke", {}, {"credentials": [secret.reveal_text()]})
    if answer.status == 403:
        msg = "the hourly number of revocations from this address is used up"
        raise ProviderError(msg, trouble=Trouble.BUSY, retry_after_s=answer.retry_after_s or _LIMITED_S)
    expect(answer, what="revoking the token", accepted=frozenset({202}))
