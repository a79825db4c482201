"""The questions and answers of the daemon: what is written is what is read, and garbage is named as such."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rotation.daemon import protocol
from keysweep.rotation.daemon.protocol import Finished, Known, MalformedError, Resolve, Served, Status

NAMES = st.text(min_size=1, max_size=40).filter(lambda name: name.isprintable())
COUNTS = st.integers(min_value=0, max_value=1 << 40)
QUESTIONS = st.one_of(
    st.builds(
        Resolve,
        NAMES,
        st.lists(NAMES, max_size=5, unique=True).map(tuple),
        st.sampled_from(protocol.PURPOSES),
    ),
    st.builds(
        Known,
        st.lists(st.binary(min_size=1, max_size=80), max_size=5).map(tuple),
        st.none() | st.builds(Finished, COUNTS, COUNTS, COUNTS, st.booleans()),
    ),
    st.just(Status()),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "v": st.sampled_from([1, 2, True, 1.0, "1", None]),
        "ask": st.sampled_from(["resolve", "known", "status", "", 1]) | JSON,
        "agent": JSON,
        "ids": JSON,
        "purpose": st.sampled_from(["helper", "start"]) | JSON,
        "values": JSON,
        "finished": JSON,
    },
)


@given(QUESTIONS)
def test_a_question_is_read_as_it_was_written(question: protocol.Question) -> None:
    """On one line."""
    line = protocol.write_question(question)
    assert protocol.read_question(line) == question
    assert line.count(b"\n") == line.endswith(b"\n") == 1


@given(st.binary(max_size=200) | FIELDS.map(lambda said: json.dumps(said).encode()))
def test_anything_is_a_question_or_malformed(line: bytes) -> None:
    """Never another error; and what is taken for a question is of version 1."""
    try:
        question = protocol.read_question(line)
    except MalformedError:
        return
    assert type(json.loads(line)["v"]) is int
    assert protocol.read_question(protocol.write_question(question)) == question


@given(st.binary(max_size=200) | JSON.map(lambda said: json.dumps(said).encode() + b"\n"))
def test_anything_is_an_answer_or_malformed(raw: bytes) -> None:
    """A client that reads something else says so."""
    try:
        said, at = protocol.read_answer(raw)
        protocol.read_served(said)
    except MalformedError:
        return
    assert raw[:at].endswith(b"\n")


@pytest.mark.parametrize(
    "question",
    [
        pytest.param(Resolve("", ("a",), "helper"), id="no agent"),
        pytest.param(Resolve("a", ("x" * 257,), "helper"), id="a name of 257 characters"),
        pytest.param(Resolve("a", tuple(map(str, range(protocol.MOST_IDS + 1))), "helper"), id="too many names"),
        pytest.param(Resolve("a", ("b",), "because"), id="another purpose"),
        pytest.param(Known((b"",)), id="an empty value"),
        pytest.param(Known((b"x" * (protocol.LARGEST_VALUE + 1),)), id="a value that is too long"),
        pytest.param(Known((b"x",) * (protocol.MOST_VALUES + 1)), id="too many values"),
        pytest.param(Known((), Finished(-1, 0, 0, complete=True)), id="a negative count"),
    ],
)
def test_what_asks_for_too_much_is_malformed(question: protocol.Question) -> None:
    """Limits are the reader's."""
    with pytest.raises(MalformedError):
        protocol.read_question(protocol.write_question(question))


def test_values_stand_behind_the_line_of_an_answer_as_they_are() -> None:
    """Bytes of any kind, line ends too; their lengths say where each begins."""
    served = (Served("a", "A", 3), Served("b", "", None), Served("c", "C", 2))
    raw = protocol.write_served(served) + b"\n\x00\xff" + b"\n\n"
    said, at = protocol.read_answer(raw)
    assert (protocol.read_served(said), bytes(raw[at:])) == (served, b"\n\x00\xff\n\n")
