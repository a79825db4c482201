"""Masked sightings: a mask that exactly one stored key fits is information about that key, and no more than information."""

from __future__ import annotations

import random
import string
from pathlib import Path

import pytest

from keysweep.commands._invocation import Invocation
from keysweep.rotation.credential import State
from keysweep.rotation.incident.correlate import suspicions
from keysweep.rotation.incident.policy import Response, decide
from keysweep.scanner import history
from keysweep.scanner.detectors.masked import Masked
from keysweep.scanner.known import Recognised
from keysweep.scanner.on_demand import BehindGates
from tests.scanner.making import key, rulebook, segment
from tests.scanner.running import Done, keysweep, store_with

STORED = key("anthropic-api-key", seed=31)
GROQ = key("groq-api-key", seed=32)
OPAQUE = "".join(random.Random(33).choice(string.ascii_letters + string.digits) for _ in range(24))


def asked(text: str) -> list[tuple[bytes, bytes, int | None]]:
    """What the detector asks the inventory about a text."""
    questions: list[tuple[bytes, bytes, int | None]] = []

    def answer(head: bytes, tail: bytes, length: int | None) -> Recognised | None:
        questions.append((head, tail, length))
        return None

    list(BehindGates("masked", rulebook().gated, lambda: Masked(answer)).find(segment(text.encode())))
    return questions


@pytest.mark.parametrize(
    ("text", "head", "tail", "length"),
    [
        pytest.param("key sk-ant…8hAA used", "sk-ant", "8hAA", None, id="an ellipsis"),
        pytest.param("sk-ant-...8hAA", "sk-ant-", "8hAA", None, id="three dots"),
        pytest.param("sk-ant-api03-***8hAA", "sk-ant-api03-", "8hAA", None, id="stars"),
        pytest.param("gsk_****1234", "gsk_", "1234", None, id="four stars"),
        pytest.param('{"k":"sk-ant\\u20268hAA"}', "sk-ant", "8hAA", None, id="an ellipsis in JSON"),
        pytest.param("abcdef••••••wxyz", "abcdef", "wxyz", None, id="bullets"),
        pytest.param("abcdxxxxxxwvyz", "abcd", "wvyz", None, id="the letter x"),
        pytest.param("abcdef<redacted>wxyz", "abcdef", "wxyz", None, id="a word"),
        pytest.param("abcdef[REDACTED]wxyz", "abcdef", "wxyz", None, id="a word in brackets"),
        pytest.param("abcdef" + "*" * 30 + "wxyz", "abcdef", "wxyz", 40, id="a long mask keeps the length"),
        pytest.param("abcdef" + "•" * 30 + "wxyz", "abcdef", "wxyz", 40, id="so does one of bullets"),
    ],
)
def test_masks(text: str, head: str, tail: str, length: int | None) -> None:
    """What stands around a mask, and how long the whole is where the mask says so."""
    assert asked(text) == [(head.encode(), tail.encode(), length)]


@pytest.mark.parametrize(
    "text", ["abc...wxyz", "abcd...xyz", "abcd.wxyz", "abcd*wxyz", "abcd ... wxyz", "abcd--wxyz", "****8hAA"]
)
def test_too_little_shown_is_not_asked(text: str) -> None:
    """Four characters on each side, and a mask between."""
    assert asked(text) == []


def scan(text: str, *options: str) -> Done:
    Path("a.log").write_text(text)
    return keysweep("scan", "a.log", "-o", "json", *options)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(f"using {STORED[:6]}…{STORED[-4:]}", "claude", id="first six and last four"),
        pytest.param(f"using {STORED[:17]}***{STORED[-4:]}", "claude", id="prefix and a little"),
        pytest.param(f"using {GROQ[:4]}****{GROQ[-4:]}", "groq", id="prefix alone"),
        pytest.param(f"using {GROQ[4:9]}...{GROQ[-6:]}", "groq", id="without its prefix"),
        pytest.param(f"using {OPAQUE[:6]}******{OPAQUE[-4:]}", "own", id="a key without a format"),
        pytest.param(f"using {GROQ[:6]}{'*' * (len(GROQ) - 10)}{GROQ[-4:]}", "groq", id="the length kept"),
    ],
)
def test_a_mask_of_a_stored_key_is_named(text: str, name: str) -> None:
    """Informational, uncertain, at its exact place; and it fails no build."""
    store_with(claude=("anthropic", STORED), groq=("groq", GROQ), own=("own", OPAQUE))
    done = scan(text + "\n")
    (finding,) = done.json["findings"]
    assert (finding["severity"], finding["rule"], finding["credential"]["name"]) == ("info", "stored-credential", name)
    assert finding["credential"]["match"] == "masked"
    assert 0.5 < finding["credential"]["certainty"] < 1
    (place,) = finding["occurrences"]
    assert place["via"] == ["masked"]
    assert place["start"] == 6
    assert place["end"] == len(text.encode())
    assert done.code == 0


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{STORED[:6]}…{STORED[-4:-1]}_", id="another end"),
        pytest.param(f"{STORED[:20]}_…{STORED[-4:]}", id="another beginning"),
        pytest.param(f"{GROQ[:6]}{'*' * len(GROQ)}{GROQ[-4:]}", id="another length"),
        pytest.param(f"{OPAQUE[:12]}...{OPAQUE[-12:]}", id="all of it shown"),
    ],
)
def test_what_does_not_fit_is_nobodys(text: str) -> None:
    """And nothing at all is said of it."""
    store_with(claude=("anthropic", STORED), groq=("groq", GROQ), own=("own", OPAQUE))
    assert scan(text).json["findings"] == []


def test_a_mask_that_two_keys_fit_tells_nothing() -> None:
    """Exactly one must fit; more of the key decides between them."""
    twin = GROQ[:8] + GROQ[8:-4][::-1] + GROQ[-4:]
    store_with(one=("groq", GROQ), two=("groq", twin))
    assert scan(f"{GROQ[:6]}...{GROQ[-4:]}").json["findings"] == []
    (finding,) = scan(f"{GROQ[:14]}...{GROQ[-4:]}").json["findings"]
    assert finding["credential"]["name"] == "one"


def test_without_a_store_nothing_is_said() -> None:
    """A mask is evidence only against an inventory."""
    assert scan(f"{STORED[:6]}…{STORED[-4:]}").json["findings"] == []


def test_the_whole_key_beside_its_mask_is_one_finding_and_exact() -> None:
    """The mask is one more occurrence of it."""
    store_with(claude=("anthropic", STORED))
    (finding,) = scan(f"{STORED}\n{STORED[:6]}…{STORED[-4:]}\n").json["findings"]
    assert (finding["severity"], finding["credential"]["match"]) == ("critical", "exact")
    assert [place["via"] for place in finding["occurrences"]] == [[], ["masked"]]


def compromised() -> tuple[str, ...]:
    """What `rotate --compromised` would work on."""
    with Invocation().vault() as opened, opened.database.read() as connection:
        found = suspicions(history.mapped(connection))
    decided = {s.credential: decide(s, State.CURRENT, confirmed=False).response for s in found}
    return tuple(name for name, response in decided.items() if response is Response.ROTATE)


def test_a_mask_rotates_nothing_and_takes_nothing_back() -> None:
    """Only a whole value does; one that was seen before stays seen when a later scan meets the mask alone."""
    store_with(claude=("anthropic", STORED))
    scan(f"{STORED[:6]}…{STORED[-4:]}")
    assert compromised() == ()
    assert scan(STORED).code == 1
    scan(f"{STORED[:6]}…{STORED[-4:]}")
    assert compromised() == ("claude",)


@pytest.mark.parametrize("fail_on", ["any", "high", "mapped"])
def test_a_mask_fails_no_gate(fail_on: str) -> None:
    """It says where a key passed, not that it leaked."""
    store_with(claude=("anthropic", STORED))
    assert scan(f"{STORED[:6]}…{STORED[-4:]}", "--fail-on", fail_on).code == 0
