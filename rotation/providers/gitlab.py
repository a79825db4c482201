"""GitLab personal access tokens: rotated by their id with an administrator's token; the old one ends in the same call.

Whoever rotates a token that was rotated already sets off the vendor's reuse detection, and every token of the family is revoked: the
one that works now, too.  So a token is looked at before it is rotated, and after a lost answer its successor is looked for, by the
administrator, and that is rotated instead.  For the same reason a token never rotates itself here.
Source: the vendor's REST API documentation (personal access tokens).  Settings: `base_url`, `lifetime_days` (90), `user_id` (narrows
the list).
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

from keysweep.foundation.secret import Secret
from keysweep.rotation.gitlab_api import (
    PERSONAL,
    Token,
    ask,
    end_self,
    expiry,
    identify,
    probe,
    read_minted,
    rows,
    token,
)
from keysweep.rotation.http import expect
from keysweep.rotation.providers import Account, Facts, Kind, Provider, ProviderError, ProviderKey, Trouble
from keysweep.rotation.vendor import admin, known


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every token that the administrator sees; the vendor shows nothing of their values."""
    user = account.settings.get("user_id")
    query = f"&user_id={quote(user, safe='')}" if user else ""
    return tuple(
        ProviderKey(key_id=str(one.id), name=one.name, active=one.active) for one in rows(account, PERSONAL, query)
    )


def roll(account: Account, key_id: str, secret: Secret) -> Secret:
    """Rotate the token with this id; the answer holds its successor.

    Raises:
        ProviderError: it is revoked already, and rotating it would end its successors.
    """
    if admin(account) == secret:
        msg = "a token is not rotated by itself: after a lost answer nobody could look for its successor"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    body = {"expires_at": expiry(account)}
    if _read(account, key_id).revoked:
        msg = "the token is revoked already; to rotate it would end its successors"
        raise ProviderError(msg, trouble=Trouble.NOT_FOUND)
    answer = ask(account, "POST", f"{PERSONAL}/{known(key_id)}/rotate", admin(account), body)
    return Secret(expect(answer, what="rotating the token", accepted=frozenset({200, 201})).body)


def observe(account: Account, key_id: str, secret: Secret) -> str | None:  # noqa: ARG001  the vendor tells by the id
    """Return the id of the successor: the one active token of the same user, name and scopes that is younger.

    Raises:
        ProviderError: the token is gone, and has no successor or several.
    """
    old = _read(account, key_id)
    if not old.revoked:
        return None
    query = f"&state=active&user_id={old.user_id}"
    heirs = [one.id for one in rows(account, PERSONAL, query) if _succeeds(one, old)]
    if len(heirs) == 1:
        return str(heirs[0])
    msg = f"the token is revoked and {len(heirs)} tokens may be its successor; make one by hand"
    raise ProviderError(msg, trouble=Trouble.NOT_FOUND)


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Revoke the token; one that is gone is success.  Its successor has another id."""
    answer = ask(account, "DELETE", f"{PERSONAL}/{known(key_id)}", admin(account))
    expect(answer, what="revoking the token", accepted=frozenset({204, 404}))


def _read(account: Account, key_id: str) -> Token:
    answer = ask(account, "GET", f"{PERSONAL}/{known(key_id)}", admin(account))
    return token(expect(answer, what="reading the token").json())


def _succeeds(one: Token, old: Token) -> bool:
    return one.active and one.id > old.id and (one.name, one.scopes) == (old.name, old.scopes)


PROVIDER = Provider(
    title="GitLab (personal access tokens)",
    facts=Facts(
        kind=Kind.ROLL,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=True,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=0,
        proven_on="a stateful simulator with reuse detection that a client by others (python-gitlab) accepts",
    ),
    probe=probe,
    find=find,
    identify=identify,
    roll=roll,
    read_minted=read_minted,
    observe=observe,
    revoke=revoke,
    end_self=end_self,
)
