"""Templates of synthetic keys."""

from __future__ import annotations

import random
import re

import pytest

from keysweep.rules.samples import characters, expand


@pytest.mark.parametrize(
    ("template", "shape"),
    [
        pytest.param("ghp_{A-Za-z0-9:30}{=crc32-base62}", r"ghp_[A-Za-z0-9]{36}", id="class and checksum"),
        pytest.param(
            "sk-lf-{uuid}", r"sk-lf-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", id="UUID"
        ),
        pytest.param("{jwt}", r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", id="JWT"),
        pytest.param("a{{b}", r"a\{b\}", id="a doubled brace is one brace"),
        pytest.param("no fields", r"no fields", id="plain text"),
        pytest.param("{a-c_-:50}", r"[a-c_-]{50}", id="a hyphen at the end is itself"),
    ],
)
def test_a_template_expands_to_its_shape(template: str, shape: str) -> None:
    """The expansion is what the template says, and the same for the same seed."""
    made = expand(template, random.Random(1))
    assert re.fullmatch(shape, made)
    assert expand(template, random.Random(1)) == made


def test_an_unknown_field_is_refused() -> None:
    """A misspelt template would otherwise become a literal that nobody looks at."""
    with pytest.raises(ValueError, match="unknown field"):
        expand("{nonsense}", random.Random(0))


@pytest.mark.parametrize(("inside", "expected"), [("a-c", "abc"), ("a-c0-2_", "abc012_"), ("-", "-"), ("_-", "_-")])
def test_a_class_is_its_characters(inside: str, expected: str) -> None:
    """Ranges are written out."""
    assert characters(inside) == expected
