"""The JSON that `keysweep scan -o json` writes, whole or one finding of it, signed as Standard Webhooks.

A finding that is a stored key in full says its keyed fingerprint, which nobody can compute without the store.
"""

from __future__ import annotations

from typing import Any

from keysweep.rotation.incident.signatures import standard_webhooks
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Trigger

_SCAN = "keysweep.dev/scan/v1"
_WHOLE = frozenset({"exact", "part"})


def _claims(payload: object) -> bool:
    match payload:
        case {"schema": str(schema), "findings": list()}:
            return schema == _SCAN
        case {"rule": str(), "fingerprint": str(), "occurrences": list()}:
            return True
        case _:
            return False


def _parse(payload: object) -> tuple[Alert, ...]:
    match payload:
        case {"findings": [*findings]}:
            read = [_alert(finding) for finding in findings]
        case {"fingerprint": str()}:
            read = [_alert(payload)]
        case _:
            msg = "the document holds no findings"
            raise MalformedPayloadError(msg)
    return tuple(alert for alert in read if alert is not None)


def _alert(finding: Any) -> Alert | None:
    """Return what one finding says; None for a key that is not stored."""
    match finding:
        case {"id": str(identifier), "credential": {"name": str(name), "match": str(match)}, **rest}:
            pass
        case {"id": str(), "fingerprint": str()}:
            return None
        case _:
            msg = "a finding is not what a scan writes"
            raise MalformedPayloadError(msg)
    whole = match in _WHOLE and isinstance(rest.get("fingerprint"), str)
    return Alert(
        event_id=identifier,
        reason=f"found by {str(rest.get('rule', 'a scan'))[:80]}",
        incident=identifier,
        fingerprint=str(rest["fingerprint"]) if whole else None,
        credential=None if whole else name,
    )


TRIGGER = Trigger(
    title="keysweep finding or scan (JSON)",
    signature="webhook-signature",
    verify=standard_webhooks,
    claims=_claims,
    parse=_parse,
    delivery=lambda headers: headers.get("webhook-id", ""),
)
