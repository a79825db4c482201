"""GitHub personal access tokens, classic and fine-grained: no call creates one, and anybody who has one may have it revoked.

A sealed standby takes the place of the one that goes; a GitHub App is what can be rotated without a person (`github_app`).
Revocation is by value, without authentication (60 calls an hour and address), asynchronous, cannot be undone, and the vendor tells
the owner.  Takes `ghp_`, `github_pat_`, `gho_`, `ghu_` and `ghr_`.
Source: the vendor's REST API description (credentials/revoke, rate-limit).  Settings: `base_url`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.github_api import end_by_value, probe_token
from keysweep.rotation.providers import Account, Facts, Kind, Provider


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  addressed by value, it has no id
    """Revoke the token; one that is gone is success, the vendor does not tell them apart."""
    end_by_value(account, secret)


PROVIDER = Provider(
    title="GitHub (personal access tokens)",
    facts=Facts(
        kind=Kind.DEACTIVATE_ONLY,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=5),
        needs_admin=False,
        tag_limit=0,
        proven_on="a stateful simulator; a client by others (PyGithub) reads its probes, the revocation is from the API description",
    ),
    probe=probe_token,
    revoke=revoke,
    end_self=end_by_value,
)
