"""A short prefix in front of a programmer's name is no key, and hardly a random key is taken for a name."""

from __future__ import annotations

import random
import string

import pytest

from keysweep.rules.words import is_a_name
from tests.scanner.making import found, key

NAMES = ["getUserAccountInformation", "AuthenticationProviderFactory", "administrationConsoleController"]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_told(name: str) -> None:
    """As they stand in code, without a digit."""
    assert is_a_name(name)
    assert not is_a_name(name + "7")


@pytest.mark.parametrize(
    ("alphabet", "length"),
    [
        pytest.param(string.ascii_letters, 34, id="letters alone, as Hugging Face makes them"),
        pytest.param(string.ascii_letters + string.digits, 24, id="letters and digits"),
        pytest.param(string.ascii_lowercase + string.digits, 24, id="small letters and digits"),
    ],
)
def test_a_random_key_is_hardly_ever_taken_for_a_name(alphabet: str, length: int) -> None:
    """At most one in ten thousand of a sample."""
    chance = random.Random(11)
    taken = sum(is_a_name("".join(chance.choices(alphabet, k=length))) for _ in range(50_000))
    assert taken <= 5


def test_a_name_behind_a_short_prefix_is_no_key() -> None:
    """In a line of code, where a value drawn by chance would be one."""
    assert found(b"m0-getUserAccountInformationFromStore: 1") == []
    assert [rule for rule, _ in found(key("mem0-api-key").encode() + b": 1")] == ["mem0-api-key"]
