"""A target has one meaning, or it is refused."""

from __future__ import annotations

import posixpath
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rotation.broker.refusal import RefusedRequestError
from keysweep.rotation.broker.target import Target, read


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        pytest.param(b"/KEY/v1/models", Target("KEY", b"/v1/models"), id="a path"),
        pytest.param(b"/KEY", Target("KEY", b""), id="nothing but the variable"),
        pytest.param(b"/KEY?a=b", Target("KEY", b"?a=b"), id="a query"),
        pytest.param(b"/KEY/x?u=http://a//..", Target("KEY", b"/x?u=http://a//.."), id="a query is nobody's path"),
        pytest.param(b"/KEY/a%2Fb/c.d..e", Target("KEY", b"/a%2Fb/c.d..e"), id="a name with dots, an encoded slash"),
    ],
)
def test_a_plain_target_is_taken_apart(target: bytes, expected: Target) -> None:
    """What the upstream is asked for is what came, byte for byte."""
    assert expected == read(target)


@pytest.mark.parametrize(
    "target",
    [
        b"http://evil.example/KEY/x", b"evil.example:443", b"*", b"", b"//evil.example/x", b"/KEY//evil.example/x", b"/KEY/../x",
        b"/KEY/./x", b"/KEY/a/..", b"/KEY/%2e%2e/x", b"/KEY/%2E./x", b"/KEY/%252e%252e/x", b"/KEY/a%2f..%2fx", b"/KEY/..%5cx", b"/KEY/a\\b",
        b"/KEY/..;a=b/x", b"/KEY/%00", b"/KEY/%0d%0aHost:x", b"/KEY/a b", b"/KEY/x#y", b"/1KEY/x", b"/KE-Y/x", b"/%4bEY/x", b"/KEY/\xc3\xa4",
        b"/KEY/%25252525252e",
    ],
)  # fmt: skip
def test_whatever_can_be_read_in_two_ways_is_refused(target: bytes) -> None:
    """An address, a way up, a second slash, something hidden in an encoding."""
    with pytest.raises(RefusedRequestError):
        read(target)


@given(
    st.lists(st.sampled_from(["/", ".", "..", "%2e", "%2F", "%5c", "%25", "2e", "a", ";", "?", "\\", "%"]), max_size=12)
)
def test_no_target_leaves_the_folder_that_it_begins_in(parts: list[str]) -> None:
    """However often the upstream decodes and tidies it up."""
    try:
        rest = read(b"/KEY/" + "".join(parts).encode()).rest
    except RefusedRequestError:
        return
    path = rest.decode().partition("?")[0]
    for _ in range(6):
        assert posixpath.normpath(f"/base{path}").startswith("/base")
        path = unquote(path).replace("\\", "/")
