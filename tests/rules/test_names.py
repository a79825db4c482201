"""A short prefix in front of a programmer's name is no key, and hardly a random key is taken for a name."""

from __future__ import annotations

import random
import string

import pytest

from keysweep.rules.words import is_a_name
from tests.scanner.making import found, key

NAMES = [
    "getUserAccountInformation",
    "AuthenticationProviderFactory",
    "administrationConsoleController",
    "ToBeOrNotToBeThatIsTheQuestion",
    "HTTPServerConnectionPoolManager",
    "Sha256WithRsaEncryptionAndSalt",
    "set_default_session_timeout_v2",
    "MAXIMUM_NUMBER_OF_CONNECTIONS",
    "content-security-policy-header",
]
NO_NAMES = [
    "getUserK3x9Qw7Zp2Lm4Vt8Rb",
    "tokenXq7vBn2mKp9sWz4LdRf",
    "/+ab/cd+ef/gh+ij/kl+mn/op",
    "00000000000000000000000000",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_told(name: str) -> None:
    """As they stand in code: with capitals or marks, of short words, with a number."""
    assert is_a_name(name)


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_begins_with_a_word_is_no_name_yet(text: str) -> None:
    """A few letters of a word stand in random keys by chance; bytes in base64 are no name either."""
    assert not is_a_name(text)


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        pytest.param(string.ascii_letters, 34, id="letters alone, as Hugging Face makes them"),
        pytest.param(string.ascii_letters + string.digits, 24, id="letters and digits"),
        pytest.param(string.ascii_lowercase + string.digits, 24, id="small letters and digits"),
        pytest.param(string.ascii_lowercase, 32, id="small letters"),
        pytest.param(string.ascii_letters + string.digits + "_-", 30, id="letters, digits and marks"),
    ],
)
def test_a_random_key_is_hardly_ever_taken_for_a_name(alphabet: str, length: int) -> None:
    """At most one in ten thousand of a sample."""
    chance = random.Random(11)
    taken = sum(is_a_name("".join(chance.choices(alphabet, k=length))) for _ in range(50_000))
    assert taken <= 5


def test_a_name_behind_a_short_prefix_is_no_key() -> None:
    """In a line of code, where a value drawn by chance would be one."""
    for prefix in (b"m0-", b"BSA", b"fw_", b"hf_"):
        for length in range(22, 46):
            assert found(prefix + b"WhereOfTheUserIsToBeInAnAccountOfTheStore"[:length] + b": 1") == []
    assert [rule for rule, _ in found(key("mem0-api-key").encode() + b": 1")] == ["mem0-api-key"]
