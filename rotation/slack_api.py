"""What the adapters of Slack's tokens share.  The vendor answers 200 to nearly everything, and says in the body whether it did it.

`invalid_auth` is also what a good token gets from an address that the workspace does not allow.  It counts as a refusal all the same:
the new token was asked about from the same address before, and would not have been found to work.
"""

from __future__ import annotations

from collections.abc import Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, ProviderError, Trouble, Verdict
from keysweep.rotation.vendor import bearer, call, parsed, verdict

_BASE = "https://slack.com"
_DEAD = frozenset({"token_revoked", "token_expired", "account_inactive", "invalid_auth"})
_BUSY = frozenset({"ratelimited", "rate_limited"})
_UNCERTAIN = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


def ask(account: Account, method: str, token: Secret | None, form: Mapping[str, str] | None = None) -> Response:
    """Call one method of the Web API, with a token or without."""
    headers = bearer(token) if token is not None else {}
    return call(account, "POST", f"/api/{method}", base=_BASE, headers=headers, form=form or {})


def probe(account: Account, secret: Secret) -> Verdict:
    """Let the token test itself: `ok` is alive, four errors are dead, throttling and every other error are neither."""
    return verdict(lambda: ask(account, "auth.test", secret), alive=frozenset({200}), dead=dead, sure=_is_ok)


def dead(answer: Response) -> str | None:
    """Return the vendor's code for a token that it does not accept any more, None for any other answer."""
    error = problem(answer)
    return f"200 {error}" if error in _DEAD else None


def problem(answer: Response) -> str | None:
    """Return the error that the vendor names with status 200, None if it names none."""
    match answer.status, parsed(answer):
        case 200, {"ok": False, "error": str(error)}:
            return error
        case _:
            return None


def expect_ok(answer: Response, *, what: str) -> Response:
    """Return an answer that says `ok`.

    Raises:
        ProviderError: with the trouble that the status, or else the named error, stands for.
    """
    expect(answer, what=what, accepted=frozenset({200}))
    error = problem(answer)
    if error is None and _is_ok(answer):
        return answer
    if error is None:
        msg = f"{what}: the answer is not what the vendor documents"
        raise ProviderError(msg, trouble=Trouble.UNREADABLE)
    trouble = Trouble.REFUSED if error in _DEAD else Trouble.REJECTED
    trouble = Trouble.BUSY if error in _BUSY else Trouble.UNCERTAIN if error in _UNCERTAIN else trouble
    msg = f"{what}: the provider answered {error}"
    raise ProviderError(msg, trouble=trouble, retry_after_s=answer.retry_after_s)


def end_by_value(account: Account, secret: Secret) -> None:
    """Revoke a token by a call that the token makes itself; one that is gone is success.

    Raises:
        ProviderError: the vendor did not do it.
    """
    if not secret:
        msg = "a token is revoked by its value, which is not known"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    answer = ask(account, "auth.revoke", secret)
    if dead(answer) is not None:
        return
    match parsed(expect_ok(answer, what="revoking the token")):
        case {"revoked": True}:
            return
        case _:
            msg = "revoking the token: the provider says that it did not"
            raise ProviderError(msg, trouble=Trouble.UNCERTAIN)


def _is_ok(answer: Response) -> bool:
    match parsed(answer):
        case {"ok": True}:
            return True
        case _:
            return False
