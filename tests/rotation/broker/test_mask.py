"""A key does not come back, however it is packed and cut."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rotation.broker.mask import Forms, Mask

KEY = b"sk-made-up/+" + bytes(range(65, 91)) + b"0123456789"
FORMS = Forms(KEY)


def through(data: bytes, *cuts: int) -> bytes:
    """Send data through a mask, cut at some places."""
    mask = Mask(FORMS)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    blocks = [data[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]
    return b"".join([*map(mask.feed, blocks), mask.end()])


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(lambda key: key, id="as it is"),
        pytest.param(lambda key: json.dumps({"authorization": f"Bearer {key.decode()}"}).encode(), id="in JSON"),
        pytest.param(lambda key: quote(key, safe="").encode(), id="in a URL"),
        pytest.param(lambda key: key.hex().encode(), id="in hexadecimal"),
        pytest.param(base64.b64encode, id="in base64"),
        pytest.param(lambda key: base64.b64encode(b"user:" + key), id="in base64, behind a name"),
        pytest.param(lambda key: base64.urlsafe_b64encode(b"u:" + key + b":x"), id="in the base64 of URLs"),
    ],
)
@given(before=st.binary(max_size=20), after=st.binary(max_size=20), cuts=st.lists(st.integers(0, 260), max_size=6))
def test_no_form_of_the_key_comes_back(
    shown: Callable[[bytes], bytes], before: bytes, after: bytes, cuts: list[int]
) -> None:
    """Wherever the stream is cut; and nothing gets longer or shorter."""
    form = shown(KEY)
    data = before + form + after
    out = through(data, *cuts)
    assert len(out) == len(data)
    assert form not in out
    assert b"*" * 20 in out


@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=6))
def test_whatever_is_no_key_is_left_as_it_is(data: bytes, cuts: list[int]) -> None:
    """Byte for byte, and to the last one."""
    assert data == through(data, *cuts)


def test_nothing_waits_that_is_not_the_beginning_of_a_key() -> None:
    """An event of a stream goes on at once; only what may become the key is held back, and let go when it does not."""
    mask = Mask(FORMS)
    assert mask.feed(b"data: hello\n\n") == b"data: hello\n\n"
    assert mask.feed(b"data: " + KEY[:10]) == b"data: "
    assert mask.feed(b"!\n\n") == KEY[:10] + b"!\n\n"


def test_a_key_that_is_cut_short_by_the_end_is_covered() -> None:
    """An answer that leaves off its last character tells as much."""
    assert through(b"x" + KEY[:-1]) == b"x" + b"*" * (len(KEY) - 1)
