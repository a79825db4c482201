"""Slack tokens of an app with token rotation (`xoxe.xoxb-`, `xoxe.xoxp-`): a refresh token is exchanged for the next pair.

The administering credential belongs to this one token: `CLIENT_SECRET:REFRESH_TOKEN`.  A refresh token serves once; the next one comes
with the new access token, and takes its place in the vault in the same transaction.  If that answer is lost nobody has a refresh token
any more: the repeated call is refused without effect, and a person installs the app again.
Whether an access token ends with the exchange or lives out its twelve hours is not documented: the probe decides.  It is not revoked,
since that would take the bot out of its channels, the new token with it.
Source: the vendor's Web API reference and SDK (oauth.v2.access, auth.test).  Settings: `base_url`, `client_id`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.http import Response, expect
from keysweep.rotation.providers import Account, Facts, Kind, Minted, Provider, ProviderError, Trouble
from keysweep.rotation.slack_api import ask, dead, end_by_value, expect_ok, probe, problem
from keysweep.rotation.vendor import admin, end, pair, parsed, read, setting, unreadable

_USED_UP = frozenset({"invalid_refresh_token", "invalid_grant"})


def identify(account: Account, secret: Secret) -> str | None:
    """Return team and user of the token, which stay over an exchange."""
    answer = ask(account, "auth.test", secret)
    if dead(answer) is not None:
        return None
    match parsed(expect_ok(answer, what="testing the token")):
        case {"team_id": str(team), "user_id": str(user)}:
            return f"{team}/{user}"
        case _:
            raise unreadable(what="a tested token")


def roll(account: Account, key_id: str, secret: Secret) -> Secret:  # noqa: ARG001  the refresh token stands for it
    """Exchange the refresh token; what is returned is the answer, with the app's secret that the next exchange needs.

    Raises:
        ProviderError: NOT_FOUND where the refresh token was used already.
    """
    setting(account, "client_id")
    app_secret, refresh = pair(admin(account), what="CLIENT_SECRET:REFRESH_TOKEN")
    form = {
        "client_id": account.settings["client_id"],
        "client_secret": app_secret,
        "grant_type": "refresh_token",
        "refresh_token": refresh.reveal_text(),
    }
    answer = ask(account, "oauth.v2.access", None, form)
    if _is_used_up(answer):
        msg = "the refresh token was used already, and nobody has the one that came for it; install the app again"
        raise ProviderError(msg, trouble=Trouble.NOT_FOUND)
    expect_ok(expect(answer, what="exchanging the refresh token"), what="exchanging the refresh token")
    known = json.dumps(app_secret).encode(), json.dumps(system_clock().timestamp()).encode()
    return Secret(b'{"client_secret": %b, "at": %b, "answer": %b}' % (*known, answer.body))


def read_minted(raw: Secret) -> Minted:
    """Read what `roll` returned."""
    match read(raw):
        case {
            "client_secret": str(app_secret),
            "answer": {
                "ok": True,
                "access_token": str(value),
                "refresh_token": str(refresh),
                "team": {"id": str(team)},
                **rest,
            },
            **more,
        } if value and refresh:
            return Minted(
                secret=Secret(value),
                key_id=f"{team}/{_user(rest)}",
                admin=Secret(f"{app_secret}:{refresh}"),
                expires_at=_end(more.get("at"), rest.get("expires_in")),
            )
        case _:
            raise unreadable(what="the answer to the exchange")


def observe(account: Account, key_id: str, secret: Secret) -> str | None:  # noqa: ARG001  there is nothing to look at
    """Return None: the exchange may be repeated, a used refresh token is refused without effect."""
    return None


def _is_used_up(answer: Response) -> bool:
    match answer.status, parsed(answer):
        case 400, {"error": str(error)}:
            return error in _USED_UP
        case _:
            return problem(answer) in _USED_UP


def _end(at: object, lives_s: object) -> datetime | None:
    """Return when the token ends, given when it was made and how long it lives; None where one of them is not known."""
    match at, lives_s:
        case float(), int():
            return end(at + lives_s)
        case _:
            return None


def _user(answer: dict[object, object]) -> str:
    match answer:
        case {"token_type": "bot", "bot_user_id": str(user)} | {"authed_user": {"id": str(user)}}:
            return user
        case _:
            raise unreadable(what="the owner of the new token")


PROVIDER = Provider(
    title="Slack (tokens of apps with token rotation)",
    facts=Facts(
        kind=Kind.ROLL,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=True,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator that the vendor's own SDK accepts; the end of the old token at the exchange is its assumption",
    ),
    probe=probe,
    identify=identify,
    roll=roll,
    read_minted=read_minted,
    observe=observe,
    end_self=end_by_value,
)
