"""Our own event document, signed as Standard Webhooks (https://www.standardwebhooks.com, scheme v1).

Body: `{"id": ..., "reason": ..., "incident": ..., and one of "key", "fingerprint", "credential"}`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from keysweep.foundation.secret import Secret
from keysweep.rotation.incident.signatures import standard_webhooks
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Trigger

_SUBJECTS = ("key", "fingerprint", "credential")


def _claims(payload: object) -> bool:
    return isinstance(payload, dict) and any(name in payload for name in _SUBJECTS)


def _parse(payload: object) -> tuple[Alert, ...]:
    match payload:
        case {"key": str(key), **rest} if key:
            return (_alert(rest, secret=Secret(key)),)
        case {"fingerprint": str(fingerprint), **rest} if fingerprint:
            return (_alert(rest, fingerprint=fingerprint),)
        case {"credential": str(credential), **rest} if credential:
            return (_alert(rest, credential=credential),)
        case _:
            msg = "the event names no key, fingerprint or credential"
            raise MalformedPayloadError(msg)


def _alert(
    rest: Mapping[Any, object],
    *,
    secret: Secret | None = None,
    fingerprint: str | None = None,
    credential: str | None = None,
) -> Alert:
    return Alert(
        event_id=str(rest.get("id", "")),
        reason=str(rest.get("reason", "reported as exposed")),
        incident=str(rest.get("incident", "")),
        secret=secret,
        fingerprint=fingerprint,
        credential=credential,
    )


TRIGGER = Trigger(
    title="keysweep event (Standard Webhooks)",
    signature="webhook-signature",
    verify=standard_webhooks,
    claims=_claims,
    parse=_parse,
    delivery=lambda headers: headers.get("webhook-id", ""),
)
