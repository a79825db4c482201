"""GitHub's webhook `secret_scanning_alert`: it says that a secret leaked and where, and does not hold the secret.

Signed over the raw body (`X-Hub-Signature-256`), without a time: a replay is told by its `X-GitHub-Delivery`.  With the setting
`credential`, the name of a stored token that may read the alert, the secret is fetched; else a person looks.  Settings:
`secret_file`, `credential`, `base_url`.  Source: GitHub's description of webhooks and of its REST API.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from keysweep.foundation.secret import Secret
from keysweep.rotation.http import expect, request
from keysweep.rotation.incident.signatures import bounded, one_matches, unsigned
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Place, Trigger
from keysweep.rotation.trouble import ProviderError, Trouble
from keysweep.rotation.vendor import bearer

_BASE = "https://api.github.com"
_ALARMS = frozenset({"created", "reopened", "publicly_leaked", "validated"})
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_TIMEOUT_S = 10.0


def _verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime) -> None:  # noqa: ARG001  nothing of the time is signed
    bounded(body)
    given = headers.get("x-hub-signature-256", "")
    if not given or not headers.get("x-github-delivery"):
        raise unsigned()
    one_matches((f"sha256={hmac.digest(secret, body, 'sha256').hex()}" for secret in secrets), [given])


def _claims(payload: object) -> bool:
    match payload:
        case {"action": str(), "alert": {"number": int(), "secret_type": str()}, "repository": dict()}:
            return True
        case _:
            return False


def _parse(payload: object) -> tuple[Alert, ...]:
    match payload:
        case {
            "action": str(action),
            "alert": {"number": int(number), "secret_type": str(kind), **alert},
            "repository": {"full_name": str(repository)},
        } if _REPOSITORY.fullmatch(repository) and number > 0 and ".." not in repository:
            pass
        case _:
            msg = "the event is no alert of GitHub's secret scanning"
            raise MalformedPayloadError(msg)
    if action not in _ALARMS:
        return ()
    secret = alert.get("secret")
    return (
        Alert(
            event_id=f"{repository}#{number}",
            reason=f"GitHub found {kind[:80]} ({action})",
            incident=f"{repository}#{number}",
            secret=Secret(secret) if isinstance(secret, str) and secret else None,
            place=Place(repository=repository, number=number),
            look=f"https://github.com/{repository}/security/secret-scanning/{number}",
        ),
    )


def _fetch(place: Place, settings: Mapping[str, str], token: Secret) -> Secret:
    """Get the alert, whose `secret` whoever may administer the repository is shown.  The address is ours, never the event's."""
    answer = expect(
        request(
            "GET",
            f"{settings.get('base_url', _BASE).rstrip('/')}/repos/{place.repository}/secret-scanning/alerts/{place.number}",
            headers={
                **bearer(token),
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
            timeout_s=_TIMEOUT_S,
        ),
        what="fetching the alert",
        accepted=frozenset({200}),
    ).json()
    match answer:
        case {"secret": str(secret)} if secret:
            return Secret(secret)
        case _:
            msg = "the alert holds no secret"
            raise ProviderError(msg, trouble=Trouble.UNREADABLE)


TRIGGER = Trigger(
    title="GitHub secret scanning (webhook)",
    signature="x-hub-signature-256",
    verify=_verify,
    claims=_claims,
    parse=_parse,
    delivery=lambda headers: headers.get("x-github-delivery", ""),
    fetch=_fetch,
)
