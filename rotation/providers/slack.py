"""Slack tokens that do not expire (`xoxb-`, `xoxp-`): a token revokes itself, no call makes another one.

A sealed standby takes the place of the one that goes.  It must be of a second app: the vendor gives an app that is installed once more
the token that it has, and to revoke a bot's token takes the bot out of its channels.  Apps with token rotation: `slack_rotating`.
Source: the vendor's Web API reference and SDK (auth.test, auth.revoke).  Settings: `base_url`.
"""

from __future__ import annotations

from datetime import timedelta

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Facts, Kind, Provider
from keysweep.rotation.slack_api import end_by_value, probe


def revoke(account: Account, key_id: str | None, secret: Secret) -> None:  # noqa: ARG001  the token revokes itself
    """Revoke the token; one that is gone is success."""
    end_by_value(account, secret)


PROVIDER = Provider(
    title="Slack (tokens without rotation)",
    facts=Facts(
        kind=Kind.DEACTIVATE_ONLY,
        max_live_keys=None,
        disable_reversible=False,
        old_dies_on_set=False,
        revocation_window=timedelta(seconds=1),
        needs_admin=False,
        tag_limit=0,
        proven_on="a stateful simulator that the vendor's own SDK accepts",
    ),
    probe=probe,
    revoke=revoke,
    end_self=end_by_value,
)
