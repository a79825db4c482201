"""The parts of a scan that are asked only where the engine saw a reason: keys without a format, a second opinion, masked stored keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keysweep.foundation.fingerprint import Fingerprints
from keysweep.scanner.detectors import Detector
from keysweep.scanner.detectors.rulebook import Rulebook
from keysweep.scanner.finding import Match, Segment
from keysweep.scanner.known import KnownKeys, Resemblance
from keysweep.scanner.on_demand import BehindGates, Look

_LOW_CONFIDENCE = ("generic", "detect_secrets")
_MASKED = "masked"


def unasked(*, exact_only: bool, stored: bool) -> frozenset[str]:
    """Return the detectors that a scan does not ask: those of low confidence, and without a store those that recognise its keys."""
    return frozenset(_LOW_CONFIDENCE if exact_only else ()) | frozenset(() if stored else (_MASKED,))


def low_confidence(rulebook: Rulebook) -> tuple[Detector, ...]:
    """Return what looks for keys that no rule knows."""

    def generic() -> Look[Match]:
        from keysweep.scanner.detectors.generic import Generic

        return Generic(rulebook.prefixes, rulebook.providers)

    def second_opinion() -> Look[Match]:
        from keysweep.scanner.detectors.detect_secrets import SecondOpinion

        return SecondOpinion()

    return (
        BehindGates("generic", rulebook.gated, generic),
        BehindGates("detect_secrets", rulebook.gated, second_opinion),
    )


def stored(
    rulebook: Rulebook, known: KnownKeys, fingerprinter: Fingerprints
) -> Callable[[Segment], Sequence[Resemblance]]:
    """Return what looks for stored keys that no rule finds: those without a form, those that are only named, and masked ones."""
    uncovered, covered = whole(known, fingerprinter), masked(rulebook, known)
    return lambda segment: (*uncovered(segment), *covered(segment))


def whole(known: KnownKeys, fingerprinter: Fingerprints) -> Callable[[Segment], Sequence[Resemblance]]:
    """Return what looks for stored keys where they stand whole: all that a store answers that this process does not open."""
    from keysweep.scanner.detectors.unshaped import UnshapedKeys

    unshaped, ids = UnshapedKeys(known, fingerprinter), named(known, fingerprinter)
    return lambda segment: (*unshaped.find(segment), *ids(segment))


def named(known: KnownKeys, fingerprinter: Fingerprints) -> Callable[[Segment], Sequence[Resemblance]]:
    """Return what looks for the providers' ids of stored keys."""
    from keysweep.scanner.detectors.key_ids import KeyIds

    return KeyIds(known, fingerprinter).find


def masked(rulebook: Rulebook, known: KnownKeys) -> Callable[[Segment], Sequence[Resemblance]]:
    """Return what looks for masked forms of stored keys."""

    def load() -> Look[Resemblance]:
        from keysweep.scanner.detectors.masked import Masked

        return Masked(known.masked)

    return BehindGates(_MASKED, rulebook.gated, load).find
