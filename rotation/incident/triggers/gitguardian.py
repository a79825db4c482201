"""GitGuardian's custom webhook: an incident, and where a person sees it.  It never holds the key.

Signed with HMAC-SHA256 under the time of the header `Timestamp` followed by the token of the webhook.  Source: GitGuardian's
description of custom webhooks.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from keysweep.rotation.incident.signatures import bounded, fresh, one_matches, unsigned
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Trigger

_QUIET = (
    "resolved",
    "ignored",
    "assigned",
    "unassigned",
    "reassigned",
    "severity_changed",
    "note_added",
    "access_granted",
)
"""Ends of actions that say nothing of a new leak."""


def _verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime) -> None:
    bounded(body)
    sent, given = headers.get("timestamp", ""), headers.get("gitguardian-signature", "")
    if not given:
        raise unsigned()
    fresh(sent, now)
    one_matches((f"sha256={hmac.digest(sent.encode() + token, body, 'sha256').hex()}" for token in secrets), [given])


def _claims(payload: object) -> bool:
    match payload:
        case {"action": str(), "incident": {"id": int(), "detector": dict()}}:
            return True
        case _:
            return False


def _parse(payload: object) -> tuple[Alert, ...]:
    match payload:
        case {"action": str(action), "incident": {"id": int(number), "detector": {"name": str(kind)}, **incident}}:
            pass
        case _:
            msg = "the event is no incident of GitGuardian"
            raise MalformedPayloadError(msg)
    if action.endswith(_QUIET):
        return ()
    where = str(incident.get("gitguardian_url") or "")
    return (
        Alert(
            event_id=str(number),
            reason=f"GitGuardian found {kind[:80]} ({action})",
            incident=f"gitguardian-{number}",
            look=where if where.startswith("https://") else "",
        ),
    )


TRIGGER = Trigger(
    title="GitGuardian (custom webhook)",
    signature="gitguardian-signature",
    verify=_verify,
    claims=_claims,
    parse=_parse,
    delivery=lambda headers: (
        f"{headers['timestamp']}:{headers['gitguardian-signature']}" if "gitguardian-signature" in headers else ""
    ),
)
