"""What the verifiers of events share: a bound on the body, a window of time, a comparison that tells nothing."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from keysweep.rotation.incident.triggers import Refusal, UnverifiedError

LARGEST = 4 << 20
"""Bytes of an event; a list of many tokens fits."""
_WINDOW_S = 300


def bounded(body: bytes) -> None:
    """Refuse a body that nobody sends.

    Raises:
        UnverifiedError: it is too large.
    """
    if len(body) > LARGEST:
        msg = "the event is too large"
        raise UnverifiedError(msg, reason=Refusal.TOO_LARGE)


def unsigned() -> UnverifiedError:
    """Return the refusal of an event that carries no signature of its sender."""
    return UnverifiedError("the event is not signed", reason=Refusal.NO_SIGNATURE)


def fresh(sent: str, now: datetime) -> None:
    """Refuse what was sent at another time than now: a captured event is not sent again later.

    Raises:
        UnverifiedError: *sent* is no time in seconds since 1970, or more than five minutes from *now*.
    """
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 14):
        raise unsigned()
    if abs(now.timestamp() - int(sent)) > _WINDOW_S:
        msg = "the event is too old or from the future"
        raise UnverifiedError(msg, reason=Refusal.STALE)


def one_matches(expected: Iterable[str], given: Sequence[str]) -> None:
    """Refuse an event none of whose signatures is one that is expected; each pair is compared, in the same time.

    Raises:
        UnverifiedError: none is.
    """
    pairs = [hmac.compare_digest(right.encode(), one.encode()) for right in expected for one in given]
    if not any(pairs):
        msg = "the event's signature is wrong"
        raise UnverifiedError(msg, reason=Refusal.BAD_SIGNATURE)


def standard_webhooks(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime) -> None:
    """Check a signature of Standard Webhooks, scheme v1 (https://www.standardwebhooks.com).

    Raises:
        UnverifiedError: it is not real.
    """
    bounded(body)
    identifier, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    given = headers.get("webhook-signature", "").split()
    if not identifier or not given:
        raise unsigned()
    fresh(sent, now)
    message = f"{identifier}.{sent}.".encode() + body
    one_matches(
        (f"v1,{base64.b64encode(hmac.digest(standard_key(secret), message, 'sha256')).decode()}" for secret in secrets),
        given,
    )


def standard_key(secret: bytes) -> bytes:
    """Return the key that a signing secret stands for: base64 behind `whsec_`, else its own bytes."""
    if not secret.startswith(b"whsec_"):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(b"whsec_"), validate=True)
    except binascii.Error:
        return secret
