"""The use case behind `rotate`: from a suspicion to an incident, a decision and a rotation."""

from __future__ import annotations

from dataclasses import dataclass

from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Policy
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.incident.correlate import Suspicion
from keysweep.rotation.incident.incident import Cause, Incident, close_incident, open_incident
from keysweep.rotation.incident.policy import Decision, Reason, Response, decide
from keysweep.rotation.incident.siblings import with_siblings
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was decided about one suspicion, and what came of it."""

    suspicion: Suspicion
    decision: Decision
    report: Report | None
    """None where nothing was rotated."""


class PersonNeededError(KeysweepError):
    """A suspicion that nothing is done about until a person confirms it."""

    exit_code = ExitCode.HALF_WAY


def forced_policy(opened: OpenVault, asked: Policy | None, *, confirmed: bool) -> Policy:
    """Return the policy of forced rotations: the one that was asked for, else that of the settings.

    What a person has named is not asked for again because of a setting.
    """
    usual = Policy(opened.settings.rotation.forced_policy)
    if asked is None and usual is Policy.OBSERVE and confirmed:
        return Policy.SWAP
    return asked or usual


def consider(opened: OpenVault, suspicion: Suspicion, *, confirmed: bool, policy: Policy = Policy.SWAP) -> Decision:
    """Return what would be done about a suspicion, without doing it."""
    with opened.database.read() as connection:
        credential = store.credential_named(connection, suspicion.credential)
        ref = VersionRef(credential_id=credential.id, number=suspicion.number)
        state = store.version(connection, ref).state
    return decide(suspicion, state, confirmed=confirmed, policy=policy)


def respond(
    opened: OpenVault,
    suspicion: Suspicion,
    *,
    reason: str,
    confirmed: bool,
    terms: Terms | None = None,
    override_breaker: bool = False,
    timer: Timer | None = None,
) -> Answer:
    """Open an incident for a suspicion that the policy acts on, force the rotation, and close the incident once it is dead.

    A key that is dead already but whose rotation was interrupted gets that rotation finished.

    Raises:
        NotPossibleError: there is no automatic way; the incident stays open.
        BusyError: another worker is at it and did not finish in time.
    """
    terms = terms or Terms()
    decision = consider(opened, suspicion, confirmed=confirmed, policy=terms.policy)
    dead = decision.response is Response.NOTHING
    observed = decision.reason is Reason.OBSERVED
    if (decision.response is Response.ASK and not observed) or (dead and not _unfinished(opened, suspicion)):
        return Answer(suspicion=suspicion, decision=decision, report=None)
    incident = _incident(opened, suspicion, decision, terms.reference)
    if observed:
        return Answer(suspicion=suspicion, decision=decision, report=None)
    request = Request(
        credential=suspicion.credential,
        mode=Mode.FORCED,
        reason=reason,
        number=suspicion.number,
        incident_id=incident.id,
        terms=terms,
        override_breaker=override_breaker,
    )
    report = rotate(opened, request, timer=timer)
    settle_incident(opened, report)
    return Answer(suspicion=suspicion, decision=decision, report=with_siblings(opened, report))


def answered(answer: Answer) -> Report:
    """Return how an answer ended, also where nothing was rotated: a person who has to confirm is asked by name of the command."""
    if answer.report is not None:
        return answer.report
    suspicion, reason = answer.suspicion, answer.decision.reason
    if answer.decision.response is Response.NOTHING:
        return Report(credential=suspicion.credential, outcome=Outcome.DONE, rotation=None, note=reason.value)
    if reason is Reason.UNUSED_STANDBY:
        command = f"keysweep keys set {suspicion.credential} --standby"
    elif suspicion.cause is Cause.FINDING:
        command = f"keysweep rotate --finding {suspicion.reference} --yes"
    else:
        command = f"keysweep rotate {suspicion.credential} --compromised --yes"
    failure = PersonNeededError(f"a person decides ({reason.value})", hint=command)
    return Report(credential=suspicion.credential, outcome=Outcome.HALF_WAY, rotation=None, failure=failure)


def _incident(opened: OpenVault, suspicion: Suspicion, decision: Decision, reference: str) -> Incident:
    """Open the incident of a version, or join the one that is open."""
    with opened.database.write() as connection:
        credential = store.credential_named(connection, suspicion.credential)
        ref = VersionRef(credential_id=credential.id, number=suspicion.number)
        named = reference or suspicion.reference
        incident, fresh = open_incident(connection, ref, suspicion.cause, named, opened.clock())
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
                    "reference": named,
                    "reason": decision.reason.value,
                },
            )
    return incident


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
