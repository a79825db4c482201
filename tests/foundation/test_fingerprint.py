"""Fingerprints name a key without telling it: keyed, whole, and read back from their text."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter, Preview
from keysweep.foundation.secret import Secret

KEY = bytes(range(32))


@given(st.binary(max_size=100))
def test_it_is_hmac_sha256_of_the_whole_value(value: bytes) -> None:
    """The documented algorithm, so that another program can compute it; never a bare hash."""
    found = Fingerprinter(KEY).of(Secret(value)).digest
    assert hmac.new(KEY, value, hashlib.sha256).digest() == found
    assert hashlib.sha256(value).digest() != found


def test_another_store_gives_another_fingerprint() -> None:
    """Without a store's key nobody can test a guess."""
    assert Fingerprinter(KEY).of_bytes(b"x") != Fingerprinter(bytes(32)).of_bytes(b"x")


@given(st.binary(min_size=32, max_size=32))
def test_reading_its_text_gives_it_back(digest: bytes) -> None:
    """`parse` is the inverse of `str`; the short form is a prefix of it."""
    fingerprint = Fingerprint(digest)
    assert fingerprint == Fingerprint.parse(str(fingerprint))
    assert str(fingerprint).startswith(fingerprint.short)
    assert len("kf:") + 12 == len(fingerprint.short)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("kf:", id="no digits"),
        pytest.param("kf:7c1e", id="the short form"),
        pytest.param("ab" * 32, id="no mark"),
        pytest.param("kf:" + "zz" * 32, id="not hexadecimal"),
        pytest.param("kf:" + "ab" * 33, id="too long"),
        pytest.param("kf:" + "ab " * 32, id="with spaces"),
    ],
)
def test_anything_else_is_no_fingerprint(text: str) -> None:
    """One spelling, so that a fingerprint can be compared as text."""
    with pytest.raises(ValueError, match=r"fingerprint|hexadecimal"):
        Fingerprint.parse(text)


def test_a_fingerprinter_does_not_print_its_key() -> None:
    """Its representation is constant."""
    assert repr(Fingerprinter(KEY)) == "<Fingerprinter>"


def test_a_preview_says_prefix_and_length_only() -> None:
    """What a person sees of a key."""
    assert str(Preview(prefix="sk-ant-api03-", length=108)) == "sk-ant-api03-… (108 characters)"
