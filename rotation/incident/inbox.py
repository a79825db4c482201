"""Take an event in: who sent it, whether that is true, whether it came before, and which stored versions it is about.

An event proves by the key itself, or by its keyed fingerprint, that its sender holds the key; a name proves nothing, signed or
not.  What is not stored here is counted and never acted on.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from keysweep.foundation.errors import DeniedError, ExitCode, KeysweepError, UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import Credential, State, Version
from keysweep.rotation.incident import triggers
from keysweep.rotation.incident.correlate import Suspicion
from keysweep.rotation.incident.deliveries import Delivery, receive
from keysweep.rotation.incident.incident import Cause
from keysweep.rotation.incident.signatures import LARGEST, bounded
from keysweep.rotation.incident.triggers import Alert, MalformedPayloadError, Refusal, Trigger, UnverifiedError
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner.known import MatchKind

_CREDENTIAL = "credential"
"""Setting of a sender: name of the stored token with which its alerts are fetched."""


class NoKeyError(KeysweepError):
    """An event says that something leaked, and not what: a person has to look."""

    exit_code = ExitCode.HALF_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """What an event is about."""

    sender: str
    suspects: tuple[Suspicion, ...]
    strangers: int
    """Keys that are not stored here."""
    unseen: tuple[NoKeyError, ...] = ()
    """What a person has to look at."""
    delivery: Delivery | None = None
    """None for an event that is not signed."""


def names() -> tuple[str, ...]:
    """Return the senders whose events are understood."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(triggers.__path__)))


def take_in(opened: OpenVault, body: bytes, headers: Mapping[str, str]) -> Received:
    """Return what an event is about; nothing was done about it yet.

    Args:
        opened: the store.
        body: as it came.
        headers: as they came, names in lower case; empty for an event that a person or a program on this machine hands over.

    Raises:
        UnverifiedError: its signature does not hold, or cannot be checked.
        MalformedPayloadError: it is no event that is understood.
    """
    signed_by = [name for name in names() if headers.get(_trigger(name).signature)]
    bounded(body)
    if signed_by:
        _verify(opened, signed_by, body, headers)
    payload = _parsed(body)
    sender = next((name for name in signed_by or names() if _trigger(name).claims(payload)), None)
    if sender is None:
        msg = "the event is of no sender that is understood"
        raise MalformedPayloadError(msg, hint=f"known: {', '.join(names())}")
    trigger = _trigger(sender)
    alerts = trigger.parse(payload)
    delivery = None
    with opened.database.write() as connection:
        if signed_by:
            named = trigger.delivery(headers) or str(opened.fingerprinter.of(Secret(body)))
            delivery = receive(connection, sender, named[:200], opened.clock())
        opened.ledger.append(
            connection,
            actor=f"event:{sender}",
            action="event.received",
            subject=sender,
            detail={"signed": bool(signed_by), "alerts": len(alerts), "again": bool(delivery and delivery.answered_at)},
        )
    if delivery is not None and delivery.answered_at is not None:
        return Received(sender=sender, suspects=(), strangers=0, delivery=delivery)
    return _about(opened, sender, alerts, delivery)


def _about(opened: OpenVault, sender: str, alerts: Sequence[Alert], delivery: Delivery | None) -> Received:
    suspects: dict[tuple[str, int], Suspicion] = {}
    unseen: list[NoKeyError] = []
    strangers = 0
    for alert in alerts:
        seen, why = _with_key(opened, sender, alert)
        if seen is None:
            where = f"; see {_plain(alert.look)}" if alert.look else ""
            unseen.append(NoKeyError(f"{_plain(alert.reason)}, {why}{where}", hint="keysweep keys list"))
            continue
        found = _suspicion(opened, seen)
        if found is None:
            strangers += 1
            continue
        before = suspects.get((found.credential, found.number))
        if before is None or before.match is not MatchKind.EXACT:
            suspects[found.credential, found.number] = found
    return Received(
        sender=sender, suspects=tuple(suspects.values()), strangers=strangers, unseen=tuple(unseen), delivery=delivery
    )


def _with_key(opened: OpenVault, sender: str, alert: Alert) -> tuple[Alert | None, str]:
    """Return the alert once it says which key it is about, fetched from its sender if need be; else None, and why not."""
    if alert.secret is not None or alert.fingerprint is not None or alert.credential is not None:
        return alert, ""
    settings, fetch = opened.settings.events.get(sender, {}), _trigger(sender).fetch
    if alert.place is None or fetch is None:
        return None, "which holds no key"
    if _CREDENTIAL not in settings:
        return None, f"which holds no key, and no token to fetch it is named by [events.{sender}] {_CREDENTIAL}"
    try:
        secret = fetch(alert.place, settings, _token(opened, settings[_CREDENTIAL], sender))
    except KeysweepError as error:
        return None, f"whose key could not be fetched: {error.message}"
    return Alert(event_id=alert.event_id, reason=alert.reason, incident=alert.incident, secret=secret), ""


def _token(opened: OpenVault, name: str, sender: str) -> Secret:
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        current = store.version_in(connection, credential.id, State.CURRENT)
        if current is None:
            msg = f"{name!r} has no current value"
            raise UsageError(msg, hint=f"keysweep keys set {name}")
        opened.ledger.append(
            connection,
            actor="engine",
            action="key.resolved",
            subject=name,
            detail={"version": current.ref.number, "purpose": f"fetch an alert of {sender}"},
        )
        return opened.vault.open_version(connection, current.ref)


def _suspicion(opened: OpenVault, alert: Alert) -> Suspicion | None:
    """Return the stored version that an alert is about, None for a stranger."""
    found: tuple[Credential, Version] | None
    match = MatchKind.EXACT
    with opened.database.read() as connection:
        if alert.secret is not None or alert.fingerprint is not None:
            found = whose.by_fingerprint(connection, *opened.ring.forms(connection, _fingerprint(opened, alert)))
        else:
            match = MatchKind.KEY_ID
            credential = store.find_credential(connection, alert.credential or "")
            current = store.version_in(connection, credential.id, State.CURRENT) if credential else None
            found = (credential, current) if credential and current else None
    if found is None:
        return None
    return Suspicion(
        credential=found[0].name,
        number=found[1].ref.number,
        match=match,
        certainty=1.0,
        cause=Cause.EVENT,
        reference=_plain(alert.incident or alert.event_id or "event"),
    )


def _fingerprint(opened: OpenVault, alert: Alert) -> Fingerprint:
    if alert.secret is not None:
        return opened.fingerprinter.of(alert.secret)
    try:
        return Fingerprint.parse(alert.fingerprint or "")
    except ValueError:
        msg = "the event's fingerprint is none of ours"
        raise MalformedPayloadError(msg) from None


def _verify(opened: OpenVault, senders: Sequence[str], body: bytes, headers: Mapping[str, str]) -> None:
    """Check the signature with the secrets of the senders whose scheme it is.

    Raises:
        UnverifiedError: it does not hold with any, or none is known.
    """
    trigger, secrets = _trigger(senders[0]), list[bytes]()
    for sender in senders:
        path = opened.settings.events.get(sender, {}).get("secret_file")
        if path:
            secrets += _trigger(sender).secrets(_read(Path(path), public=_trigger(sender).public_secrets))
    if not secrets:
        msg = "the event is signed, and no secret is set to check that with"
        raise UnverifiedError(
            msg, reason=Refusal.NO_SIGNATURE, hint=f"name its file in the settings: [events.{senders[-1]}] secret_file"
        )
    trigger.verify(headers, body, secrets, opened.clock())


def _read(path: Path, *, public: bool) -> bytes:
    try:
        if not public and stat.S_IMODE(path.stat().st_mode) & 0o077:
            msg = f"the signing secret {path} is open to other users"
            raise DeniedError(msg, hint=f"chmod 600 {path}")
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error


def _parsed(body: bytes) -> object:
    try:
        payload: object = json.loads(body)
    except (ValueError, RecursionError):
        msg = "the event is not JSON"
        raise MalformedPayloadError(msg) from None
    return payload


def _trigger(name: str) -> Trigger:
    found: Trigger = importlib.import_module(f"keysweep.rotation.incident.triggers.{name}").TRIGGER
    return found


def _plain(text: str) -> str:
    """Return what a stranger wrote as it can be shown and written down."""
    return "".join(c if c.isprintable() else "?" for c in text[:200])
