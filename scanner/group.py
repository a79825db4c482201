"""From single sightings to findings: one finding a key, however often it occurs.  Pure, and free of the order of sightings."""

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.finding import Finding, Occurrence
from keysweep.scanner.known import CredentialMatch, MatchKind
from keysweep.scanner.live import Live

_MATCH_ORDER = list(MatchKind)
_CONFIDENCE_ORDER = list(Confidence)
_LIVE_ORDER = [Live.ALIVE, Live.DEAD, Live.UNKNOWN]
_ID_DIGITS = 16


class Sighting(NamedTuple):
    """One key in one place, without its plaintext."""

    rule: RuleId
    provider: str
    severity: Severity
    confidence: Confidence
    fingerprint: Fingerprint
    preview: Preview
    credential: CredentialMatch | None
    occurrence: Occurrence
    live: Live | None = None
    facts: tuple[tuple[str, str], ...] = ()


def group(sightings: Iterable[Sighting]) -> tuple[Finding, ...]:
    """Return findings, the most severe first, stored credentials before strangers, then by id."""
    by_key: dict[Fingerprint, list[Sighting]] = defaultdict(list)
    for sighting in sightings:
        by_key[sighting.fingerprint].append(sighting)
    findings = [_finding(fingerprint, together) for fingerprint, together in by_key.items()]
    return tuple(sorted(findings, key=lambda f: (f.credential is None, -f.severity.rank, f.id)))


def finding_id(fingerprint: Fingerprint) -> str:
    """Return the name of the finding of a key."""
    return f"f-{fingerprint.digest.hex()[:_ID_DIGITS]}"


def _finding(fingerprint: Fingerprint, together: list[Sighting]) -> Finding:
    best = together[0] if len(together) == 1 else min(together, key=_most_telling)
    places = {s.occurrence for s in together}
    matches = [s.credential for s in together if s.credential is not None]
    return Finding(
        id=finding_id(fingerprint),
        rule=best.rule,
        provider=best.provider,
        severity=best.severity,
        confidence=Confidence.VERIFIED
        if any(s.live is Live.ALIVE for s in together)
        else min((s.confidence for s in together), key=_CONFIDENCE_ORDER.index),
        fingerprint=fingerprint,
        preview=best.preview,
        credential=min(matches, key=_surest) if matches else None,
        occurrences=tuple(places if len(places) == 1 else sorted(places, key=_place)),
        live=min((s.live for s in together if s.live is not None), key=_LIVE_ORDER.index, default=None),
        facts=tuple(sorted({fact for s in together if s.rule == best.rule for fact in s.facts})),
    )


def _most_telling(sighting: Sighting) -> tuple[object, ...]:
    return (
        -sighting.severity.rank,
        _CONFIDENCE_ORDER.index(sighting.confidence),
        -len(sighting.preview.prefix),
        sighting.rule,
        sighting.provider,
        sighting.preview.prefix,
        sighting.preview.length,
    )


def _surest(match: CredentialMatch) -> tuple[object, ...]:
    return (
        _MATCH_ORDER.index(match.match),
        -match.certainty,
        match.name,
        match.version,
        match.state,
        match.provider,
        match.dead_since is None,
        str(match.dead_since),
    )


def _place(occurrence: Occurrence) -> tuple[str, ...]:
    return (
        occurrence.path,
        occurrence.commit or "",
        occurrence.member or "",
        f"{occurrence.start or 0:020}",
        f"{occurrence.end or 0:020}",
        repr(occurrence),
    )
