"""The use case behind `rotate`: from a suspicion to an incident, a decision and a rotation."""

from __future__ import annotations

from dataclasses import dataclass

from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.credential import State, VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.rotate import Report, Request, Timer, rotate
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.incident.correlate import Suspicion
from keysweep.rotation.incident.incident import Cause, close_incident, open_incident
from keysweep.rotation.incident.policy import Decision, Response, decide
from keysweep.rotation.incident.triggers import Alert
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner.known import MatchKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was decided about one suspicion, and what came of it."""

    suspicion: Suspicion
    decision: Decision
    report: Report | None
    """None where nothing was rotated."""


def consider(opened: OpenVault, suspicion: Suspicion, *, confirmed: bool) -> Decision:
    """Return what would be done about a suspicion, without doing it."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, suspicion.credential)
        ref = VersionRef(credential_id=credential.id, number=suspicion.number)
        return decide(suspicion, store.version(connection, ref).state, confirmed=confirmed)


def respond(
    opened: OpenVault, suspicion: Suspicion, *, reason: str, confirmed: bool, timer: Timer | None = None
) -> Answer:
    """Open an incident for a suspicion that the policy acts on, force the rotation, and close the incident once it is dead.

    A key that is dead already but whose rotation was interrupted gets that rotation finished.

    Raises:
        NotPossibleError: there is no automatic way; the incident stays open.
        BusyError: another worker is at it and did not finish in time.
    """
    decision = consider(opened, suspicion, confirmed=confirmed)
    dead = decision.response is Response.NOTHING
    if decision.response is Response.ASK or (dead and not _unfinished(opened, suspicion)):
        return Answer(suspicion=suspicion, decision=decision, report=None)
    with opened.database.write() as connection:
        credential = store.credential_named(connection, suspicion.credential)
        ref = VersionRef(credential_id=credential.id, number=suspicion.number)
        incident, fresh = open_incident(connection, ref, suspicion.cause, suspicion.reference, opened.clock())
        if fresh:
            opened.ledger.append(
                connection,
                actor="engine",
                action="incident.opened",
                subject=credential.name,
                detail={
                    "incident": incident.id,
                    "version": ref.number,
                    "cause": suspicion.cause.value,
                    "reference": suspicion.reference,
                    "reason": decision.reason.value,
                },
            )
    request = Request(
        credential=suspicion.credential,
        mode=Mode.FORCED,
        reason=reason,
        number=suspicion.number,
        incident_id=incident.id,
    )
    report = rotate(opened, request, timer=timer)
    settle_incident(opened, report)
    return Answer(suspicion=suspicion, decision=decision, report=report)


def _unfinished(opened: OpenVault, suspicion: Suspicion) -> bool:
    """Whether a rotation that ends this version was interrupted: one whose key is dead already still has a copy to shred."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, suspicion.credential)
        return any(r.old_number == suspicion.number for r in journal.unfinished(connection, credential.id))


def settle_incident(opened: OpenVault, report: Report) -> None:
    """Close the incident behind a rotation whose old key is proven dead; may run again."""
    if report.rotation is None or report.rotation.incident_id is None or report.outcome is not Outcome.DONE:
        return
    with opened.database.write() as connection:
        record = journal.get(connection, report.rotation.id)
        dead = store.version(
            connection, VersionRef(credential_id=record.credential_id, number=record.old_number)
        ).dead_at
        close_incident(connection, report.rotation.incident_id, dead or opened.clock())
        opened.ledger.append(
            connection,
            actor="engine",
            action="incident.closed",
            subject=report.credential,
            detail={"incident": report.rotation.incident_id, "rotation": record.id},
        )


def suspicion_of(opened: OpenVault, alert: Alert) -> Suspicion:
    """Return the stored version that an event is about.

    A value or a full fingerprint proves that the sender holds the key; a mere name proves nothing and asks for a person.

    Raises:
        UsageError: no stored credential is meant.
    """
    with opened.database.read() as connection:
        if alert.credential is not None:
            credential = store.credential_named(connection, alert.credential)
            current = store.version_in(connection, credential.id, State.CURRENT)
            if current is None:
                msg = f"{credential.name!r} has no current value"
                raise UsageError(msg)
            found, match = (credential, current), MatchKind.KEY_ID
        else:
            named = whose.by_fingerprint(connection, *opened.ring.forms(connection, _fingerprint(opened, alert)))
            if named is None:
                msg = "the event names a key that is not stored here"
                raise UsageError(msg, hint="keysweep keys add it first, or end it at its provider")
            found, match = named, MatchKind.EXACT
    return Suspicion(
        credential=found[0].name,
        number=found[1].ref.number,
        match=match,
        certainty=1.0,
        cause=Cause.EVENT,
        reference=alert.event_id or alert.incident or "event",
    )


def _fingerprint(opened: OpenVault, alert: Alert) -> Fingerprint:
    if alert.secret is not None:
        return opened.fingerprinter.of(alert.secret)
    try:
        return Fingerprint.parse(alert.fingerprint or "")
    except ValueError:
        msg = "the event's fingerprint is none of ours"
        raise UsageError(msg) from None
