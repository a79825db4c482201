"""OpenAI admin keys: minted and deleted by an admin key, another one or the one that is rotated itself.

A key that administers itself is deleted only behind VERIFY_NEW, as any other.  Its own DELETE is the last thing that it does: when
the answer is lost, the refusal of the repeated call is the vendor's word that the key is gone.
Source: the vendor's API reference and SDK (organization/admin_api_keys).  Settings: `base_url`, `lifetime_s`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import expect
from keysweep.rotation.openai_api import ask, create, dead, listed, read_minted
from keysweep.rotation.providers import Account, Facts, Kind, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, known, verdict

_KEYS = "/v1/organization/admin_api_keys"


def probe(account: Account, secret: Secret) -> Verdict:
    """List one admin key: 200 is alive, 401 `invalid_api_key` is dead; 403 is alive, without the right to list."""
    return verdict(lambda: ask(account, "GET", f"{_KEYS}?limit=1", secret), alive=frozenset({200, 403}), dead=dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every admin key of the organisation."""
    return listed(account, _KEYS)


def mint(account: Account, tag: str) -> Secret:
    """Create an admin key; the answer holds the value once."""
    return create(account, _KEYS, {"name": tag})


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:
    """Delete the key; one that is gone is success, also when the key itself was to delete itself and is refused now."""
    answer = ask(account, "DELETE", f"{_KEYS}/{known(key_id)}", admin(account))
    if dead(answer) is not None and admin(account) == secret:
        return
    expect(answer, what="deleting the admin key", accepted=frozenset({200, 204, 404}))


def end_self(account: Account, secret: Secret) -> None:
    """Let the key delete itself."""
    revoke(replace(account, admin=secret), account.key_id, secret)


PROVIDER = Provider(
    title="OpenAI (admin keys)",
    facts=Facts(
        kind=Kind.MINT,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=True,
        tag_limit=100,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    find=find,
    mint=mint,
    read_minted=read_minted,
    revoke=revoke,
    end_self=end_self,
)
