"""GitLab project and group access tokens: a new one is made and the old one revoked, so that both live for a while.

The vendor could rotate them as well, but then a lost answer loses the token.  A new token gets scopes and role of the one that goes.
Source: the vendor's REST API documentation (project and group access tokens).  Settings: `base_url`, `project_id` or `group_id`,
`lifetime_days` (90), and for a first token `scopes` (names with commas between) and `access_level`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.gitlab_api import ask, end_self, expiry, identify, probe, read_minted, rows, token
from keysweep.rotation.http import expect
from keysweep.rotation.providers import Account, Facts, Kind, Provider, ProviderError, ProviderKey, Trouble
from keysweep.rotation.vendor import admin, known, setting

_DEVELOPER = 30


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every token of the project or group; the vendor shows nothing of their values."""
    return tuple(
        ProviderKey(key_id=str(one.id), name=one.name, active=one.active) for one in rows(account, _tokens(account))
    )


def mint(account: Account, tag: str) -> Secret:
    """Create a token that may do what the old one may; the answer holds the value once."""
    body = {"name": tag, "expires_at": expiry(account), **_rights(account)}
    answer = ask(account, "POST", _tokens(account), admin(account), body)
    return Secret(expect(answer, what="minting a token").body)


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Revoke the token; one that is gone is success."""
    answer = ask(account, "DELETE", f"{_tokens(account)}/{known(key_id)}", admin(account))
    expect(answer, what="revoking the token", accepted=frozenset({204, 404}))


def _tokens(account: Account) -> str:
    """Return where the tokens are; a project before a group."""
    if account.settings.get("group_id") and not account.settings.get("project_id"):
        return f"/groups/{setting(account, 'group_id')}/access_tokens"
    return f"/projects/{setting(account, 'project_id')}/access_tokens"


def _rights(account: Account) -> dict[str, object]:
    """Return scopes and role: of the token that goes, else of the settings.

    Raises:
        ProviderError: neither says; a token with whatever rights is not made.
    """
    if account.key_id is not None:
        answer = ask(account, "GET", f"{_tokens(account)}/{known(account.key_id)}", admin(account))
        if expect(answer, what="reading the token that goes", accepted=frozenset({200, 404})).status == 200:
            old = token(answer.json())
            return {"scopes": list(old.scopes), "access_level": old.access_level or _DEVELOPER}
    scopes = [name.strip() for name in account.settings.get("scopes", "").split(",") if name.strip()]
    level = account.settings.get("access_level") or str(_DEVELOPER)
    if not scopes or not level.isdecimal():
        msg = f"what the new token of {account.credential!r} may do is not known: set scopes and access_level"
        raise ProviderError(msg, trouble=Trouble.REJECTED)
    return {"scopes": scopes, "access_level": int(level)}


PROVIDER = Provider(
    title="GitLab (project and group access tokens)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=255,
        proven_on="a stateful simulator that a client by others (python-gitlab) accepts",
    ),
    probe=probe,
    find=find,
    identify=identify,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
    end_self=end_self,
)
