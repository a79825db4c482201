"""Every detector: in order, without overlaps, with exact spans, and in time linear in the text."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.rules.model import Confidence, Severity
from keysweep.scanner import detectors
from keysweep.scanner.detectors import Detector
from keysweep.scanner.detectors.detect_secrets import SecondOpinion
from keysweep.scanner.detectors.generic import Generic
from keysweep.scanner.ocr.shapes import OcrShapes
from keysweep.scanner.on_demand import BehindGates
from tests.scanner.making import Blobs, blob, example, key, look, rulebook, ruleset, segment

FOLDER = Path(detectors.__file__).parent
SECOND = BehindGates("detect_secrets", rulebook().gated, SecondOpinion)
DETECTORS: dict[str, Detector] = {
    "rulebook": rulebook(),
    "detect_secrets": SECOND,
    "generic": BehindGates("generic", rulebook().gated, lambda: Generic(rulebook().prefixes, rulebook().providers)),
}
OF_THE_INVENTORY = {"key_ids", "masked", "unshaped"}
"""Finds stored keys instead of keys: see tests/scanner/test_masked.py."""
SOFTLAYER = f"softlayer_api_key={random.Random(3).randbytes(32).hex()}"
LINES = {
    "rulebook": key("github-pat").encode(),
    "detect_secrets": SOFTLAYER.encode(),
    "generic": b"api_key = " + random.Random(4).randbytes(20).hex().encode(),
}


def secret_line(name: str) -> bytes:
    return LINES[name]


def test_every_detector_is_under_contract() -> None:
    """A new file in the folder must be added here."""
    assert {path.stem for path in FOLDER.glob("*.py")} - {"__init__"} == set(DETECTORS) | OF_THE_INVENTORY


@pytest.mark.parametrize("name", DETECTORS)
def test_matches_come_in_order_with_exact_spans(name: str) -> None:
    """Each span slices the text to the match's own value."""
    data = b"\n".join([b"a: " + secret_line(name)] * 5)
    matches = DETECTORS[name].find(segment(data))
    assert len(matches) == 5
    assert [m.start for m in matches] == sorted(m.start for m in matches)
    for match in matches:
        assert data[match.start : match.end] == match.secret.reveal()


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("data", [b"", b"\n", b"\0" * 100, bytes(range(256)), b"\xff" * 3000, b"ghp_" * 500])
def test_no_text_is_too_odd(name: str, data: bytes) -> None:
    """Nothing is found in it, and nothing is raised."""
    assert list(DETECTORS[name].find(segment(data))) == []


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=400))
def test_any_bytes_are_survived(name: str, data: bytes) -> None:
    """And spans never leave the text nor overlap."""
    end = 0
    for match in DETECTORS[name].find(segment(data)):
        assert end <= match.start < match.end <= len(data)
        end = match.end


def _long_line(size: int) -> bytes:
    return random.Random(1).randbytes(size // 2).hex().encode()


def _words(size: int) -> bytes:
    return b"the quick brown fox = jumps; " * (size // 29)


def _near_misses(size: int) -> bytes:
    near = b" ".join(example(rule, seed=1).text[:-3] for rule in ruleset().rules) + b" "
    return near * (size // len(near))


def _beginnings(size: int) -> bytes:
    return (b"eyJ" * 400 + b" eyJ0123456789 -----BEGIN PRIVATE KEY----- ") * (size // 1243)


def _keys(size: int) -> bytes:
    return b" ".join(key("github-pat", seed=n).encode() for n in range(size // 41))


def _lines_of_code(size: int) -> bytes:
    return b'    client = Client(api_key=settings.key, url="https://a.example/b")\n' * (size // 66)


def _log_lines(size: int) -> bytes:
    return b"2026-11-24T03:00:00Z INFO agent.loop finished, 1999 tokens\n" * (size // 60)


def _assignments(size: int) -> bytes:
    return b"token=a1b2c3d4e5 " * (size // 17)


def _blocks_of_settings(size: int) -> bytes:
    """Names of vendors before blocks that are indented with many spaces: what an exact pattern might try in many ways."""
    words = sorted(
        {word for rule in ruleset().rules if "(?i" in rule.pattern for word in rule.keywords if len(word) > 4}
    )
    block = b"".join(f"{word}_client = (\n{' ' * 20}a b c d\n{' ' * 20}key of\n".encode() for word in words)
    return block * (size // len(block) + 1)


def cost(work: Callable[[], object]) -> float:
    """Return the least processor time of three runs."""
    times = []
    for _ in range(3):
        before = time.process_time()
        work()
        times.append(time.process_time() - before)
    return min(times)


@pytest.mark.parametrize(
    "text",
    [
        _long_line,
        _words,
        _near_misses,
        _beginnings,
        _keys,
        _lines_of_code,
        _log_lines,
        _assignments,
        _blocks_of_settings,
    ],
    ids=lambda f: f.__name__[1:],
)
@pytest.mark.parametrize("name", DETECTORS)
def test_twice_the_text_costs_about_twice_the_time(name: str, text: Callable[[int], bytes]) -> None:
    """Four times the text, at most nine times the time: a quadratic detector would take sixteen times as long."""
    size = 60_000 if name == "detect_secrets" else 150_000
    small, large = segment(text(size)), segment(text(size * 4))
    DETECTORS[name].find(small)
    assert cost(lambda: DETECTORS[name].find(large)) < 9 * cost(lambda: DETECTORS[name].find(small)) + 0.1


def test_beginnings_as_dense_as_text_cost_no_search_each() -> None:
    """Every third byte begins a token that comes to nothing: a hundred kilobytes take no second, not ten."""
    assert cost(lambda: rulebook().find(segment(b"eyJ" * 35_000))) < 1


def test_words_that_tell_of_keys_cost_nothing_by_themselves() -> None:
    """A megabyte of log lines that end in such a word, each followed by a time: the engine itself sees that nothing is assigned."""
    assert not rulebook().gated(_log_lines(1_000_000), "generic")


def test_dense_hits_are_all_found_and_cost_little() -> None:
    """5,000 keys in 200 kB: each is found, through the whole pipeline, and four times as many take no more than linear time."""
    texts = [key("github-pat", seed=seed).encode() for seed in range(5_000)]
    few, many = (Blobs((blob(b"\n".join(texts[:n])),)) for n in (1_250, 5_000))
    assert len(look(many).findings) == 5_000
    assert cost(lambda: look(many)) < 9 * cost(lambda: look(few)) + 0.2


def test_what_a_key_costs_does_not_grow_with_the_text_before_it() -> None:
    """Ends of lines are looked for no further away than they can matter: keys among megabytes of text cost what they cost alone."""
    keys = [key("openai-project-key", seed=seed).encode() for seed in range(1_000)]
    alone, among = (
        segment(b"".join(part + b"\na1b2c3\n" + filler for part in keys)) for filler in (b"", b"x " * 1_500)
    )
    assert len(rulebook().find(among)) == 1_000
    assert cost(lambda: rulebook().find(among)) < 2 * cost(lambda: rulebook().find(alone)) + 0.05


def test_overlapping_shapes_are_one_match() -> None:
    """A proven key wins over one of plain shape in the same place, and the more specific name over the shorter one."""
    text = f"postgresql://svc:{key('github-pat')}@db.example.test:5432/app".encode()
    (match,) = rulebook().find(segment(text))
    assert match.rule == "github-pat"


def test_the_second_opinion_is_never_louder_than_the_rules() -> None:
    """Low severity, lowest confidence, no prefix shown; where a rule knows a key, the rule's word counts."""
    (match,) = SECOND.find(segment(SOFTLAYER.encode()))
    assert (match.severity, match.confidence, match.prefix) == (Severity.LOW, Confidence.GENERIC, "")
    line = b"softlayer_api_key=" + key("openai-project-key").encode()
    result = look(Blobs((blob(line),)), detectors=(*DETECTORS.values(),))
    assert [finding.rule for finding in result.findings] == ["openai-project-key"]


def test_of_a_line_that_the_plugins_cannot_bear_they_see_what_matters() -> None:
    """The plugins are quadratic on long lines: they are shown the surroundings of what the engine saw, wherever that is."""
    line = b"x" * 1_000_000 + b" " + SOFTLAYER.encode() + b" " + b"y" * 1_000_000
    assert cost(lambda: SECOND.find(segment(line))) < 0.5
    (match,) = SECOND.find(segment(line))
    assert SOFTLAYER.endswith(match.secret.reveal().decode())


def test_a_plugin_is_asked_only_where_its_vendor_was_named() -> None:
    """Text without a gate does not even load the library's plugins."""
    loaded: list[str] = []

    def load() -> SecondOpinion:
        loaded.append("yes")
        return SecondOpinion()

    asked = BehindGates("detect_secrets", rulebook().gated, load)
    assert list(asked.find(segment(b"password = " + b"k" * 44 + b"\n" * 1000))) == []
    assert loaded == []
    assert len(asked.find(segment(SOFTLAYER.encode()))) == 1
    assert loaded == ["yes"]


def test_a_detector_that_fails_hides_nothing_of_the_others() -> None:
    """The others go on, and the failure is a gap."""

    class Broken:
        def find(self, segment: object) -> list[object]:
            raise RecursionError

    result = look(Blobs((blob(key("github-pat").encode()),)), detectors=(Broken(), rulebook()))
    assert [finding.rule for finding in result.findings] == ["github-pat"]
    assert [skip.reason for skip in result.coverage.skipped] == ["detector-failed"]


def test_shapes_in_images_look_at_nothing_else() -> None:
    """Text that was not read from an image is the rules' own."""
    shapes = OcrShapes(ruleset())
    data = key("anthropic-api-key").encode()
    assert list(shapes.find(segment(data))) == []
    assert [match.rule for match in shapes.find(segment(data, via=("ocr",)))] == ["anthropic-api-key"]


def test_names_in_pictures_are_no_keys() -> None:
    """Folded, the boxes of a diagram begin like a vendor's keys."""
    boxes = b"AccessDecisionManager\nAbstractAccessDecisionManager\nAccessDecisionVoterOfTheProvider\n"
    assert list(OcrShapes(ruleset()).find(segment(boxes, via=("ocr",)))) == []
