"""GitHub's secret-scanning partner programme: a list of tokens that stand in public, for whoever issued them.

Signed with ECDSA on P-256 over the raw body.  The file of the setting `secret_file` is the list of public keys that GitHub
publishes at `/meta/public_keys/secret_scanning`; only those count.  Source: GitHub's description of the programme.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.incident.signatures import bounded, unsigned
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Refusal, Trigger, UnverifiedError


def _keys(content: bytes) -> tuple[bytes, ...]:
    """Return each public key with its identifier before it, on a line of its own."""
    try:
        match json.loads(content):
            case {"public_keys": [*keys]}:
                return tuple(f"{key['key_identifier']}\n{key['key']}".encode() for key in keys)
            case _:
                pass
    except (ValueError, RecursionError, TypeError, KeyError):
        pass
    msg = "the file of public keys is not what GitHub publishes"
    raise UsageError(msg, hint="curl https://api.github.com/meta/public_keys/secret_scanning")


def _verify(headers: Mapping[str, str], body: bytes, secrets: Sequence[bytes], now: datetime) -> None:  # noqa: ARG001  nothing of the time is signed
    bounded(body)
    named, given = headers.get("github-public-key-identifier", ""), headers.get("github-public-key-signature", "")
    if not named or not given:
        raise unsigned()
    wrong = UnverifiedError("the event's signature is wrong", reason=Refusal.BAD_SIGNATURE)
    pem = next((key for name, _, key in (one.partition(b"\n") for one in secrets) if name == named.encode()), None)
    if pem is None:
        raise wrong
    try:
        key = load_pem_public_key(pem)
        if not isinstance(key, EllipticCurvePublicKey):
            raise wrong
        key.verify(base64.b64decode(given, validate=True), body, ECDSA(SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, binascii.Error):
        raise wrong from None


def _claims(payload: object) -> bool:
    match payload:
        case [{"token": str(), "type": str()}, *_]:
            return True
        case _:
            return False


def _parse(payload: object) -> tuple[Alert, ...]:
    match payload:
        case [*entries] if entries:
            return tuple(_alert(entry) for entry in entries)
        case _:
            msg = "the event is no list of tokens"
            raise MalformedPayloadError(msg)


def _alert(entry: object) -> Alert:
    match entry:
        case {"token": str(token), "type": str(kind), **rest} if token:
            where = str(rest.get("url") or "")
            return Alert(
                event_id="",
                reason=f"GitHub found {kind[:80]} in {str(rest.get('source') or 'public')[:40]}",
                incident="",
                secret=Secret(token),
                look=where if where.startswith("https://") else "",
            )
        case _:
            msg = "the event is no list of tokens"
            raise MalformedPayloadError(msg)


TRIGGER = Trigger(
    title="GitHub secret scanning partner programme",
    signature="github-public-key-signature",
    verify=_verify,
    claims=_claims,
    parse=_parse,
    secrets=_keys,
    public_secrets=True,
)
