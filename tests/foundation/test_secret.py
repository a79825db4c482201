"""A secret never leaves its type by accident: whatever a program does with a value by habit shows nothing or fails."""

from __future__ import annotations

import copy
import json
import logging
import pickle
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret

VALUE = "correct horse battery staple"


@dataclass(frozen=True)
class Holder:
    """Something that carries a secret, as a match does."""

    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        pytest.param(str, id="str"),
        pytest.param(repr, id="repr"),
        pytest.param("{}".format, id="format"),
        pytest.param("{0:>40}".format, id="format with a width"),
        pytest.param(lambda s: f"{s}", id="f-string"),
        pytest.param(lambda s: f"{s!r}", id="f-string with !r"),
        pytest.param(lambda s: "%s %r" % (s, s), id="percent"),  # noqa: UP031  the old way is a way to print
        pytest.param(lambda s: str([s, {"key": s}]), id="inside a list and a dictionary"),
        pytest.param(lambda s: repr(Holder(s)), id="inside a dataclass"),
        pytest.param(lambda s: str(ValueError(s)), id="inside an exception"),
        pytest.param(lambda s: logging.LogRecord("x", 1, "f", 1, "%s", (s,), None).getMessage(), id="in a log record"),
    ],
)
def test_showing_a_secret_shows_only_its_size(show: Callable[[Secret], str]) -> None:
    """Every habitual way to turn a value into text gives the number of bytes and nothing of them."""
    shown = show(Secret(VALUE))
    assert "of 28 bytes" in shown
    assert not any(word in shown for word in VALUE.split())


def test_a_traceback_with_locals_does_not_show_it() -> None:
    """A crash reporter that captures local variables captures the masked form."""

    def fail(secret: Secret) -> None:
        raise RuntimeError

    try:
        fail(Secret(VALUE))
    except RuntimeError as error:
        report = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "<Secret of 28 bytes>" in report
    assert "horse" not in report


@pytest.mark.parametrize(
    "take",
    [
        *(pytest.param(lambda s, p=p: pickle.dumps(s, protocol=p), id=f"pickle, protocol {p}") for p in range(6)),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda s: asdict(Holder(s)), id="dataclasses.asdict"),
        pytest.param(json.dumps, id="json"),
        pytest.param(hash, id="hash"),
        pytest.param(lambda s: {s}, id="in a set"),
        pytest.param(lambda s: {s: 1}, id="as a dictionary key"),
        pytest.param(bytes, id="bytes"),
        pytest.param(list, id="iteration"),
        pytest.param(memoryview, id="memoryview"),
        pytest.param(vars, id="vars"),
        pytest.param(lambda s: s + "", id="addition"),
        pytest.param(lambda s: "".join([s]), id="join"),
    ],
)
def test_taking_a_secret_apart_is_refused(take: Callable[[Secret], object]) -> None:
    """Serialising, copying, hashing and iterating raise a TypeError that does not show the value."""
    with pytest.raises(TypeError) as caught:
        take(Secret(VALUE))
    assert "horse" not in str(caught.value)


@given(st.binary(max_size=200))
def test_revealing_gives_back_what_went_in(value: bytes) -> None:
    """The bytes survive unchanged, and the length is theirs."""
    secret = Secret(value)
    assert value == secret.reveal()
    assert len(value) == len(secret)
    assert bool(value) == bool(secret)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_text_goes_in_and_out_as_utf8(value: str) -> None:
    """Text is held as UTF-8."""
    assert value == Secret(value).reveal_text()


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equality_is_that_of_the_values(left: bytes, right: bytes) -> None:
    """Two secrets are equal if their values are; a secret never equals a bare value."""
    assert (left == right) == (Secret(left) == Secret(right))
    assert Secret(left) != left


def test_wiping_overwrites_the_buffer_in_place() -> None:
    """After `wipe` the secret is empty, and the memory that held it is zero."""
    secret = Secret(VALUE)
    view = memoryview(secret._value)
    with pytest.raises(BufferError):
        secret.wipe()
    assert bytes(len(VALUE)) == bytes(view)
    view.release()
    secret.wipe()
    assert secret.reveal() == b""
    assert not secret


def test_a_secret_does_not_share_the_callers_buffer() -> None:
    """Wiping a secret leaves the buffer that it was made from alone, and the other way round."""
    source = bytearray(VALUE.encode())
    secret = Secret(source)
    source[:] = bytes(len(source))
    assert secret.reveal_text() == VALUE
