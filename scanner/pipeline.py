"""The use case: sources to findings, with what was read and what was not.  Prints nothing, opens no socket."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from keysweep.foundation.clock import Clock, system_clock
from keysweep.foundation.errors import DeniedError
from keysweep.foundation.fingerprint import Fingerprint, Fingerprints, Preview
from keysweep.foundation.secret import Secret
from keysweep.rules.model import AMBIGUOUS, Confidence, RuleId, Severity
from keysweep.scanner.coverage import Coverage, CoverageLog, Gap
from keysweep.scanner.detectors import Detector
from keysweep.scanner.finding import Blob, CommitOrigin, Finding, Match, Occurrence, Origin, Segment, name_of
from keysweep.scanner.group import Sighting, group
from keysweep.scanner.known import CredentialMatch, KnownKeys, MatchKind, Resemblance
from keysweep.scanner.live import Verifier
from keysweep.scanner.place import Placer, line_around, occurrence
from keysweep.scanner.readers import WINDOW, Reader
from keysweep.scanner.sources import Resolver, Source
from keysweep.scanner.spans import Spans

Accepted = Callable[[RuleId, Secret], bool]
"""Whether a baseline accepts a key of a stranger."""

_HEAD = 64
_EDGE = 16
"""Bytes beside a match that tell where it ends; at the cut of a segment they are not there."""
_IGNORE = b"keysweep: ignore"
_STORED = RuleId("stored-credential")
"""Rule of a finding that only the inventory recognised."""
_NAMED = RuleId("stored-key-id")
"""Rule of a finding that is the provider's id of a stored key, and no key."""
_BY_ID = "key-id"


class ScanResult(NamedTuple):
    """What one scan found and read."""

    findings: tuple[Finding, ...]
    suppressed: int
    """Strangers that a comment or the baseline accepted; a stored credential never is."""
    coverage: Coverage
    rules: str
    """Digest of the rule set."""
    inventory: str | None
    """Fingerprint of the inventory that was compared with; None if there was none."""
    started_at: datetime
    wall_s: float
    exit_zero: bool = False
    """The caller asked to end with 0 whatever is found; on record, because it hides the verdict."""


class Toolbox(NamedTuple):
    """What a scan looks with."""

    readers: Sequence[Reader]
    """Asked in order; the last one accepts everything."""
    detectors: Sequence[Detector]
    known: KnownKeys
    fingerprinter: Fingerprints
    accepted: Accepted = lambda _rule, _secret: False
    rules: str = ""
    """Digest of the rule set, for the record."""
    recognise: Callable[[Segment], Sequence[Resemblance]] = lambda _segment: ()
    """Finds what only the inventory can name, such as masked forms of stored keys."""
    verifier: Verifier | None = None
    """Asked whether each key still works; None asks nobody."""


class Seen(NamedTuple):
    """What was seen in one source."""

    found: list[tuple[Origin, Sighting]]
    suppressed: int


Look = Callable[[Source, Toolbox, CoverageLog], Seen]
"""Looks through one source."""


def look_through(source: Source, tools: Toolbox, log: CoverageLog) -> Seen:
    """Look through one source, blob by blob."""
    found: list[tuple[Origin, Sighting]] = []
    suppressed = 0
    for blob in source.blobs(log):
        for sighting in _in_blob(blob, tools, log):
            if sighting is None:
                suppressed += 1
            else:
                found.append((blob.origin, sighting))
    return Seen(found, suppressed)


def scan(
    sources: Sequence[Source], tools: Toolbox, *, clock: Clock = system_clock, look: Look = look_through
) -> ScanResult:
    """Look through *sources* and return findings and coverage; one bad item is a gap, never the end."""
    started_at, started = clock(), time.monotonic()
    log = CoverageLog()
    sightings: list[Sighting] = []
    suppressed = 0
    for source in sources:
        seen = look(source, tools, log)
        suppressed += seen.suppressed
        sightings += _resolved(source, seen.found)
    return ScanResult(
        findings=group(sightings),
        suppressed=suppressed,
        coverage=log.close(),
        rules=tools.rules,
        inventory=tools.known.digest(),
        started_at=started_at,
        wall_s=time.monotonic() - started,
    )


def _in_blob(blob: Blob, tools: Toolbox, log: CoverageLog) -> Iterator[Sighting | None]:
    """Yield the sightings in one blob; None stands for one that is suppressed."""
    try:
        reader, opened = _reader(blob, tools.readers)
        for segment in reader.segments(opened, log):
            yield from _in_segment(segment, tools, log)
    except OSError:
        log.skip(name_of(blob.origin), Gap.UNREADABLE)
    except DeniedError:
        raise  # whose keys they are cannot be asked any more: that ends the scan
    except Exception as error:  # noqa: BLE001  hostile input must not end the scan: it becomes a recorded gap
        _warn("%s: %s in a reader", name_of(blob.origin), type(error).__name__)
        log.skip(name_of(blob.origin), Gap.READER_FAILED)


def _reader(blob: Blob, readers: Sequence[Reader]) -> tuple[Reader, Blob]:
    """Return the reader for a blob, and the blob opened: its file is opened once, and mostly read once."""
    if len(readers) == 1 or blob.size is None:
        return readers[-1], blob
    file = blob.open()
    begun = file.read(min(blob.size + 1, WINDOW))
    for reader in readers[:-1]:
        if begun.startswith(reader.begins) and reader.accepts(name_of(blob.origin), begun[:_HEAD]):
            file.seek(0)
            return reader, Blob(blob.origin, blob.size, lambda: file)
    return readers[-1], Blob(blob.origin, blob.size, lambda: file, begun)


def _warn(message: str, *values: str) -> None:
    import logging  # here, because a scan that goes well does without

    logging.getLogger(__name__).warning(message, *values)


def _in_segment(segment: Segment, tools: Toolbox, log: CoverageLog) -> Iterator[Sighting | None]:
    taken = Spans()
    if "ocr" in segment.via:
        for seen in tools.known.resembling(segment.data):
            taken.take(seen.start, seen.end)
            yield _stored(segment, seen)
    whole: set[tuple[str, int]] = set()
    for sighting in _detected(segment, tools, log, taken):
        if sighting is not None and sighting.credential is not None and sighting.rule != _NAMED:
            whole.add(_version(sighting.credential))
        yield sighting
    for seen in tools.recognise(segment):
        if seen.credential.match is MatchKind.KEY_ID and _version(seen.credential) in whole:
            continue  # an id beside its key says nothing that the key does not
        if taken.take(seen.start, seen.end):
            if seen.credential.match is MatchKind.EXACT:
                whole.add(_version(seen.credential))
            yield _stored(segment, seen)


def _detected(segment: Segment, tools: Toolbox, log: CoverageLog, taken: Spans) -> Iterator[Sighting | None]:
    """Yield what the detectors see, each span of the text once; None stands for one that is suppressed."""
    placer: Placer | None = None
    for detector in tools.detectors:
        try:
            matches = detector.find(segment)
        except Exception as error:  # noqa: BLE001  one detector's bug must not hide what the others find
            _warn("%s in a detector", type(error).__name__)
            log.skip(name_of(segment.origin), Gap.DETECTOR_FAILED)
            continue
        for match in matches:
            if match.via and match.via[0] == segment.read_as:
                continue
            if _belongs(segment, match) and (match.via or taken.take(match.start, match.end)):
                placer = placer or Placer(segment)
                yield _sighting(segment, match, placer, tools)
        for match in matches:
            if match.via:
                taken.take(match.start, match.end)


def _version(known: CredentialMatch) -> tuple[str, int]:
    return known.name, known.version


def _belongs(segment: Segment, match: Match) -> bool:
    """Whether a match is whole in *segment*, and was not in the segment before, which shares some of its text."""
    if segment.goes_on and match.end > len(segment.data) - _EDGE:
        return False
    return not segment.repeated or match.end > segment.repeated - _EDGE


def _sighting(segment: Segment, match: Match, placer: Placer, tools: Toolbox) -> Sighting | None:
    """Turn plaintext into fingerprints at once; return None for a stranger that was accepted."""
    fingerprint = tools.fingerprinter.of(match.secret)
    parts = tuple(tools.fingerprinter.of(part) for part in match.parts)
    length = len(match.secret)
    credential = tools.known.owner(fingerprint, parts)
    named = tools.known.named(fingerprint, length) if credential is None else None
    try:
        if named is not None:
            return _id_of(named, fingerprint, length, placer.occurrence(match.start, match.end, (*match.via, _BY_ID)))
        if credential is None and (
            _IGNORE in line_around(segment, match.start, match.end) or tools.accepted(match.rule, match.secret)
        ):
            return None
        live = tools.verifier.live(match, fingerprint) if tools.verifier and _provable(match) else None
    finally:
        for secret in (match.secret, *match.parts):
            secret.wipe()
    return Sighting(
        rule=match.rule,
        provider=match.provider,
        severity=match.severity,
        confidence=match.confidence,
        fingerprint=fingerprint,
        preview=Preview(prefix=match.prefix, length=length),
        credential=credential,
        occurrence=placer.occurrence(match.start, match.end, match.via),
        live=live,
        facts=match.facts,
    )


def _provable(match: Match) -> bool:
    """Whether the vendor is sure; a guess is never sent anywhere."""
    return match.confidence is not Confidence.GENERIC and match.provider != AMBIGUOUS


def _id_of(named: CredentialMatch, fingerprint: Fingerprint, length: int, place: Occurrence) -> Sighting:
    """Return the sighting of a provider's id of a stored key, whatever a rule took it for: it opens nothing."""
    return Sighting(
        rule=_NAMED,
        provider=named.provider,
        severity=Severity.INFO,
        confidence=Confidence.SHAPE,
        fingerprint=fingerprint,
        preview=Preview(prefix="", length=length),
        credential=named,
        occurrence=place,
    )


def _stored(segment: Segment, seen: Resemblance) -> Sighting:
    """Return the sighting of a stored key that is not there whole; one that was masked is no leak."""
    if seen.credential.match is MatchKind.KEY_ID:
        place = occurrence(segment, seen.start, seen.end, (_BY_ID,))
        return _id_of(seen.credential, seen.fingerprint, seen.preview.length, place)
    masked = seen.credential.match is MatchKind.MASKED
    return Sighting(
        rule=_STORED,
        provider=seen.credential.provider,
        severity=Severity.INFO if masked else Severity.CRITICAL,
        confidence=Confidence.SHAPE,
        fingerprint=seen.fingerprint,
        preview=seen.preview,
        credential=seen.credential,
        occurrence=occurrence(segment, seen.start, seen.end, ("masked",) if masked else ()),
    )


def _resolved(source: Source, found: list[tuple[Origin, Sighting]]) -> list[Sighting]:
    """Let a source that knows more about its blobs say where the ones with findings stand."""
    if not found or not isinstance(source, Resolver):
        return [sighting for _, sighting in found]
    fuller = source.resolve(tuple({origin for origin, _ in found}))
    resolved = []
    for origin, sighting in found:
        place = fuller.get(origin)
        if isinstance(place, CommitOrigin):
            moved = sighting.occurrence._replace(
                path=place.path, commit=place.commit, author=place.author, date=place.date
            )
            resolved.append(sighting._replace(occurrence=moved))
        else:
            resolved.append(sighting)
    return resolved
