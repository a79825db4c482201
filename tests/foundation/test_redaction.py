"""The log of a process cannot repeat a value that the vault opened, in any common encoding."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.redaction import REDACTION, RedactingFilter, configure_logging
from keysweep.foundation.secret import Secret

VALUE = 'pa"ss/wörd+%?>~ with space'


@pytest.fixture
def log() -> tuple[logging.Logger, io.StringIO, RedactingFilter]:
    """A logger whose handler has a filter of its own."""
    stream, redaction = io.StringIO(), RedactingFilter()
    handler = logging.StreamHandler(stream)
    handler.addFilter(redaction)
    logger = logging.Logger("test")
    logger.addHandler(handler)
    return logger, stream, redaction


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda v: v, id="as it is"),
        pytest.param(lambda v: base64.b64encode(v.encode()).decode(), id="base64"),
        pytest.param(lambda v: base64.urlsafe_b64encode(v.encode()).decode(), id="base64, URL-safe"),
        pytest.param(lambda v: v.encode().hex(), id="hexadecimal"),
        pytest.param(lambda v: v.encode().hex().upper(), id="hexadecimal, capitals"),
        pytest.param(lambda v: quote(v, safe=""), id="URL"),
        pytest.param(quote, id="URL, slashes kept"),
        pytest.param(json.dumps, id="JSON"),
        pytest.param(lambda v: json.dumps(v, ensure_ascii=False), id="JSON, not ASCII"),
        pytest.param(repr, id="repr of text"),
        pytest.param(lambda v: v[::-1], id="backwards"),
        pytest.param(quote_plus, id="a form"),
        pytest.param(lambda v: json.dumps(v).replace("/", "\\/"), id="JSON, slashes escaped"),
        pytest.param(lambda v: json.dumps(json.dumps(v))[2:-2], id="JSON in JSON"),
    ],
)
def test_every_encoding_of_a_registered_value_is_masked(log, form: Callable[[str], str]) -> None:
    """In the message, in an argument and in a traceback."""
    logger, stream, redaction = log
    redaction.register(Secret(VALUE))
    shown = form(VALUE)
    logger.warning(shown)
    logger.warning("got %s and %s", shown, 7)
    try:
        raise ValueError(shown)
    except ValueError:
        logger.exception("failed")
    assert stream.getvalue().count("[redacted]") >= 3
    assert shown.strip("'\"=") not in stream.getvalue()


@given(st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=6, max_size=30), st.data())
def test_a_value_that_contains_another_is_masked_whole(long: str, data: st.DataObject) -> None:
    """The order of registration does not matter: no tail of the longer value is left."""
    short = long[: data.draw(st.integers(6, len(long)))]
    both = data.draw(st.permutations([long, short]))
    redaction = RedactingFilter()
    for value in both:
        redaction.register(Secret(value))
    assert redaction.mask(long) == "[redacted]"


def test_a_value_too_short_to_be_a_secret_is_left_alone(log) -> None:
    """Masking `dev` would make every log unreadable."""
    logger, stream, redaction = log
    redaction.register(Secret("dev"))
    logger.warning("the dev folder")
    assert stream.getvalue() == "the dev folder\n"


def test_the_log_goes_to_standard_error_through_the_filter(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output carries results only."""
    value = "a-live-value-" + "x" * 10
    REDACTION.register(Secret(value))
    configure_logging(verbosity=0)
    logging.getLogger("keysweep.anything").warning("have %s", value)
    logging.getLogger("keysweep.anything").info("not shown")
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "WARNING keysweep.anything: have [redacted]\n"


@given(st.binary(min_size=8, max_size=40), st.binary(max_size=7), st.binary(max_size=7), st.booleans())
def test_a_value_inside_a_longer_text_in_base64_is_masked(value: bytes, before: bytes, after: bytes, url: bool) -> None:
    """Wherever it begins: what is left is less than one character of it at either end."""
    encode = base64.urlsafe_b64encode if url else base64.b64encode
    redaction = RedactingFilter()
    redaction.register(Secret(value))
    line = encode(before + value + after).decode()
    inner = line[-(-len(before) * 8 // 6) : (len(before) + len(value)) * 8 // 6]
    masked = redaction.mask(line)
    assert inner not in masked
    assert "[redacted]" in masked
