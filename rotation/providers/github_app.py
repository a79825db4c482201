"""Tokens that users gave to a GitHub App or an OAuth App (`gho_`, `ghu_`): reset by the application, which ends the old one at once.

The administering key is the application's client secret.  A reset is asked for with the value of the token: if its answer is lost the
new token is known to nobody, and nobody can reset it again.  Then the old one is dead, and a person authorises the application anew.
A token is dead when the application is told that there is none (404) *and* the token itself is refused: a wrong `client_id` would
be told the same of every token.
Source: the vendor's REST API description (apps/oauth-applications).  Settings: `base_url`, `client_id`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.github_api import ask, end_by_value, probe_token
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import (
    Account,
    Facts,
    Kind,
    Liveness,
    Minted,
    Provider,
    ProviderError,
    Trouble,
    Verdict,
)
from keysweep.rotation.vendor import admin, basic, end, parsed, read, setting, unreadable, verdict

_NONE = "404 Not Found"


def probe(account: Account, secret: Secret) -> Verdict:
    """Let the application check the token: 200 is alive; 404 is dead if the token itself is refused, too.

    Without the application's secret, as after a token that nobody administers has ended itself, the token alone is asked.
    """
    if account.admin is None:
        return probe_token(account, secret)
    told = verdict(lambda: _call(account, "POST", secret), alive=frozenset({200}), dead=_unknown_token)
    if told.liveness is not Liveness.DEAD:
        return told
    own = probe_token(account, secret)
    return Verdict(liveness=own.liveness, code=f"{told.code}, {own.code}")


def identify(account: Account, secret: Secret) -> str | None:
    """Return the id of the authorisation that the token stands for."""
    answer = _call(account, "POST", secret)
    if _unknown_token(answer) is not None:
        return None
    match expect(answer, what="checking the token").json():
        case {"id": int(number)}:
            return str(number)
        case _:
            raise unreadable(what="a checked token")


def roll(account: Account, key_id: str, secret: Secret) -> Secret:  # noqa: ARG001  the vendor takes the value
    """Reset the token: the answer holds the new one, the old one is dead."""
    return Secret(expect(_call(account, "PATCH", secret), what="resetting the token").body)


def read_minted(raw: Secret) -> Minted:
    """Read the answer of `roll`."""
    match read(raw):
        case {"id": int(number), "token": str(value), **rest} if value:
            return Minted(secret=Secret(value), key_id=str(number), expires_at=end(rest.get("expires_at")))
        case _:
            raise unreadable(what="the answer to resetting")


def observe(account: Account, key_id: str, secret: Secret) -> str | None:  # noqa: ARG001  the vendor takes the value
    """Return None if the old token is still there.

    Raises:
        ProviderError: it is gone, and with the answer the only way to its successor.
    """
    answer = _call(account, "POST", secret)
    if _unknown_token(answer) is None:
        expect(answer, what="checking the token")
        return None
    msg = "the token was reset and the answer is lost: nobody knows the new one; authorise the application again"
    raise ProviderError(msg, trouble=Trouble.NOT_FOUND)


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  the vendor takes the value
    """End the token; one that is gone is success."""
    expect(_call(account, "DELETE", secret), what="ending the token", accepted=frozenset({204, 404}))


def _call(account: Account, method: str, token: Secret) -> Response:
    client = setting(account, "client_id")
    login = Secret(f"{account.settings['client_id']}:{admin(account).reveal_text()}")
    return ask(account, method, f"/applications/{client}/token", basic(login), {"access_token": token.reveal_text()})


def _unknown_token(answer: Response) -> str | None:
    match answer.status, parsed(answer):
        case 404, {"message": "Not Found", "documentation_url": str(page)} if "oauth-applications" in page:
            return _NONE
        case _:
            return None


PROVIDER = Provider(
    title="GitHub (tokens of an application)",
    facts=Facts(
        kind=Kind.ROLL,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=True,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator with shapes from the API description; a client by others (PyGithub) uses its tokens",
    ),
    probe=probe,
    identify=identify,
    roll=roll,
    read_minted=read_minted,
    observe=observe,
    revoke=revoke,
    end_self=end_by_value,
)
