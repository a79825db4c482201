"""OpenAI service-account keys: minted on one service account, so that quotas and audit identity survive a rotation.

There is no disable; DELETE is the kill.  Without `owner_project_access=any` the list may leave out enabled keys.  An empty list of
scopes means *all* of them, so none is ever sent: a new key gets the scopes of the one that goes where the vendor shows them, else
those of the setting `scopes` (names with commas between), else what the vendor gives a key without any.
Source: the vendor's API reference and SDK (organization/projects/service_accounts).  Settings: `base_url`, `project_id`,
`service_account_id`, `scopes`, `lifetime_s`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import expect
from keysweep.rotation.openai_api import ask, create, dead, listed, read_minted
from keysweep.rotation.providers import Account, Facts, Kind, Provider, ProviderKey, Verdict
from keysweep.rotation.vendor import admin, known, parsed, setting, verdict


def probe(account: Account, secret: Secret) -> Verdict:
    """List models: 200 and 403 (scope missing) are alive, 401 `invalid_api_key` is dead."""
    return verdict(lambda: ask(account, "GET", "/v1/models", secret), alive=frozenset({200, 403}), dead=dead)


def find(account: Account) -> tuple[ProviderKey, ...]:
    """List every key of the project."""
    return listed(account, f"{_project(account)}/api_keys", "&owner_project_access=any")


def mint(account: Account, tag: str) -> Secret:
    """Create a key on the service account; the answer holds the value once."""
    path = f"{_project(account)}/service_accounts/{setting(account, 'service_account_id')}/api_keys"
    scopes = _scopes(account)
    return create(account, path, {"name": tag, **({"scopes": scopes} if scopes else {})})


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by id, never by value
    """Delete the key; one that is gone is success."""
    answer = ask(account, "DELETE", f"{_project(account)}/api_keys/{known(key_id)}", admin(account))
    expect(answer, what="deleting the key", accepted=frozenset({200, 204, 404}))


def _scopes(account: Account) -> list[str]:
    """Return what the new key may do: as much as the one that goes, never more because nobody said."""
    if account.key_id is not None:
        answer = ask(account, "GET", f"{_project(account)}/api_keys/{known(account.key_id)}", admin(account))
        match parsed(answer):
            case {"scopes": [*scopes]} if answer.status == 200 and scopes:
                return [str(scope) for scope in scopes]
            case _:
                expect(answer, what="reading the key that goes", accepted=frozenset({200, 404}))
    return [name.strip() for name in account.settings.get("scopes", "").split(",") if name.strip()]


def _project(account: Account) -> str:
    return f"/v1/organization/projects/{setting(account, 'project_id')}"


PROVIDER = Provider(
    title="OpenAI (service-account keys)",
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
)
