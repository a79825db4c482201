"""From sightings to findings: one finding a key, whatever the order in which its places were seen."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.finding import Occurrence
from keysweep.scanner.group import Sighting, group
from keysweep.scanner.known import CredentialMatch, KnownState, MatchKind
from keysweep.scanner.live import Live
from keysweep.scanner.sources.files import Files
from tests.scanner.making import key, look

occurrences = st.builds(
    Occurrence,
    path=st.sampled_from(["a", "b/c", "é", "\udcff"]),
    line=st.none() | st.integers(1, 3),
    start=st.none() | st.integers(0, 30),
    end=st.none() | st.integers(0, 30),
    commit=st.none() | st.sampled_from(["1" * 40, "2" * 40]),
    member=st.none() | st.just("m"),
    box=st.none() | st.just((1, 2, 3, 4)),
)
credentials = st.builds(
    CredentialMatch,
    name=st.sampled_from(["claude-prod", "orders"]),
    provider=st.just("anthropic"),
    version=st.integers(1, 2),
    state=st.sampled_from(KnownState),
    match=st.sampled_from([MatchKind.EXACT, MatchKind.OCR]),
    certainty=st.just(0.9),
)
sightings = st.builds(
    Sighting,
    rule=st.sampled_from([RuleId("one-key"), RuleId("two-key")]),
    provider=st.sampled_from(["one", "two"]),
    severity=st.sampled_from([Severity.CRITICAL, Severity.LOW]),
    confidence=st.sampled_from([Confidence.CHECKED, Confidence.SHAPE]),
    fingerprint=st.sampled_from([Fingerprint(bytes([n]) * 32) for n in range(2)]),
    preview=st.sampled_from([Preview(prefix="sk-", length=40), Preview(prefix="", length=40)]),
    credential=st.none() | credentials,
    occurrence=occurrences,
)


@settings(max_examples=300, deadline=None)
@given(seen=st.lists(sightings, max_size=8), seed=st.integers(0, 99))
def test_the_order_of_sightings_changes_nothing(seen: list[Sighting], seed: int) -> None:
    """However the work was split, the result is the same, field by field."""
    mixed = random.Random(seed).sample(seen, len(seen))
    assert group(mixed) == group(seen)


@given(seen=st.lists(sightings, max_size=8))
def test_one_finding_a_key_and_one_occurrence_a_place(seen: list[Sighting]) -> None:
    """Seeing a place twice changes nothing; no place is lost; the ids are distinct."""
    findings = group(seen)
    assert group(seen + seen) == findings
    assert {f.fingerprint for f in findings} == {s.fingerprint for s in seen}
    assert len({f.id for f in findings}) == len(findings)
    for finding in findings:
        mine = [s for s in seen if s.fingerprint == finding.fingerprint]
        assert set(finding.occurrences) == {s.occurrence for s in mine}
        assert finding.severity.rank == max(s.severity.rank for s in mine)
        assert (finding.credential is None) == all(s.credential is None for s in mine)


def test_stored_credentials_come_before_strangers_and_the_severe_before_the_mild() -> None:
    """What a responder must see first stands first."""
    base = Sighting(
        rule=RuleId("one-key"),
        provider="one",
        severity=Severity.LOW,
        confidence=Confidence.SHAPE,
        fingerprint=Fingerprint(b"\1" * 32),
        preview=Preview(prefix="", length=1),
        credential=None,
        occurrence=Occurrence(path="a"),
    )
    stored = CredentialMatch(
        name="a", provider="one", version=1, state=KnownState.CURRENT, match=MatchKind.EXACT, certainty=1.0
    )
    severe = base._replace(severity=Severity.CRITICAL, fingerprint=Fingerprint(b"\2" * 32))
    ours = base._replace(credential=stored, fingerprint=Fingerprint(b"\3" * 32))
    order = [finding.fingerprint for finding in group([base, severe, ours])]
    assert order == [ours.fingerprint, severe.fingerprint, base.fingerprint]


@pytest.mark.parametrize(
    ("answers", "expected", "confidence"),
    [
        pytest.param([None, None], None, Confidence.SHAPE, id="nobody asked"),
        pytest.param([None, Live.UNKNOWN], Live.UNKNOWN, Confidence.SHAPE, id="asked in vain"),
        pytest.param([Live.UNKNOWN, Live.DEAD], Live.DEAD, Confidence.SHAPE, id="dead"),
        pytest.param([Live.DEAD, Live.ALIVE], Live.ALIVE, Confidence.VERIFIED, id="alive wins"),
    ],
)
def test_what_the_provider_said_of_a_key(
    answers: list[Live | None], expected: Live | None, confidence: Confidence
) -> None:
    """One answer a finding, the one that matters most; only a living key is verified."""
    base = Sighting(
        rule=RuleId("one-key"),
        provider="one",
        severity=Severity.HIGH,
        confidence=Confidence.SHAPE,
        fingerprint=Fingerprint(b"\1" * 32),
        preview=Preview(prefix="", length=1),
        credential=None,
        occurrence=Occurrence(path="a"),
    )
    (finding,) = group([base._replace(live=live) for live in answers])
    assert (finding.live, finding.confidence) == (expected, confidence)


def test_an_id_survives_moves_of_lines_and_of_files() -> None:
    """The finding is the key, not its place: a ticket that names it stays right."""
    Path("a.txt").write_text(f"token={key('github-pat')}\n")
    (before,) = look(Files(Path("a.txt"))).findings
    Path("a.txt").rename("b.txt")
    Path("b.txt").write_text("new first line\n" * 7 + f"\ttoken={key('github-pat')}\n")
    (after,) = look(Files(Path("b.txt"))).findings
    assert after.id == before.id
    assert after.occurrences[0].line == 8
