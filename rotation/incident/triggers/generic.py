"""Our own event document, signed as Standard Webhooks (https://www.standardwebhooks.com, scheme v1).

Body: `{"id": ..., "reason": ..., "incident": ..., and one of "key", "fingerprint", "credential"}`.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from keysweep.foundation.secret import Secret
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Refusal, Trigger, UnverifiedError

_WINDOW_S = 300
_LARGEST = 1 << 20


def _verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime) -> None:
    if len(body) > _LARGEST:
        msg = "the event is too large"
        raise UnverifiedError(msg, reason=Refusal.TOO_LARGE)
    identifier, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not identifier or not sent.isdecimal() or not given:
        msg = "the event is not signed"
        raise UnverifiedError(msg, reason=Refusal.NO_SIGNATURE)
    if abs(now.timestamp() - int(sent)) > _WINDOW_S:
        msg = "the event is too old or from the future"
        raise UnverifiedError(msg, reason=Refusal.STALE)
    message = f"{identifier}.{sent}.".encode() + body
    expected = [f"v1,{base64.b64encode(hmac.digest(secret, message, 'sha256')).decode()}" for secret in secrets]
    matches = [hmac.compare_digest(e.encode(), g.encode()) for e in expected for g in given]
    if not any(matches):
        msg = "the event's signature is wrong"
        raise UnverifiedError(msg, reason=Refusal.BAD_SIGNATURE)


def _parse(body: bytes) -> Alert:
    try:
        payload: object = json.loads(body)
    except (ValueError, RecursionError):
        payload = None
    match payload:
        case {"key": str(key), **rest} if key:
            return _alert(rest, secret=Secret(key))
        case {"fingerprint": str(fingerprint), **rest} if fingerprint:
            return _alert(rest, fingerprint=fingerprint)
        case {"credential": str(credential), **rest} if credential:
            return _alert(rest, credential=credential)
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


TRIGGER = Trigger(title="keysweep event (Standard Webhooks)", verify=_verify, parse=_parse)
