"""From findings and alarms to the stored version that is compromised.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keysweep.rotation.incident.incident import Cause
from keysweep.scanner.history import StoredFinding
from keysweep.scanner.known import MatchKind

_SUREST = [MatchKind.EXACT, MatchKind.PART, MatchKind.OCR, MatchKind.KEY_ID, MatchKind.MASKED]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A stored version that something says is compromised."""

    credential: str
    """Name."""
    number: int
    match: MatchKind
    certainty: float
    cause: Cause
    reference: str


def suspicions(findings: Iterable[StoredFinding]) -> tuple[Suspicion, ...]:
    """Return what findings say about stored versions: one suspicion a version, the surest; strangers say nothing."""
    best: dict[tuple[str, int], Suspicion] = {}
    for finding in findings:
        if finding.credential is None or finding.number is None or finding.match is None:
            continue
        new = Suspicion(
            credential=finding.credential,
            number=finding.number,
            match=finding.match,
            certainty=finding.certainty or 0.0,
            cause=Cause.FINDING,
            reference=finding.id,
        )
        key = (new.credential, new.number)
        if key not in best or _surer(new) > _surer(best[key]):
            best[key] = new
    return tuple(best[key] for key in sorted(best))


def _surer(suspicion: Suspicion) -> tuple[int, float]:
    """Return how much a suspicion says: a value that was seen whole counts for more than one that was only named, however certainly."""
    return (-_SUREST.index(suspicion.match), suspicion.certainty)
