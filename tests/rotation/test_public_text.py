"""A key is refused where a name or a reason belongs, and the refusal does not repeat it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.errors import UsageError
from keysweep.rotation.public_text import KeyInPublicTextError, public_text, quoted
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate

RULES = [
    "anthropic-api-key", "openai-project-key", "openai-service-account-key", "openrouter-api-key", "postgresql-uri",
    "gitlab-token", "stripe-live-secret-key", "npm-access-token",
]  # fmt: skip
PUBLIC = [
    "openai-orders-prod-0001",
    "Platform team <platform@example.com>",
    "https://wiki.example.com/runbooks/rotate-OpenAI-keys-2026",
    "550e8400-e29b-41d4-a716-446655440000",
    "proj_abcDEF1234567890abcdEFGH",
    "AKIA" + "ABCDEFGHIJKLMNOP",
    "0123456789abcdef" * 4,
    "replaced, the old one was in CHG-20261124 and in https://example.com/t/1?x=2",
    "Überprüfung – 鍵",
    "",
]


def key(rule: str, seed: int = 1) -> str:
    """A synthetic key."""
    return generate(next(r for r in load_ruleset().rules if r.id == rule), random.Random(seed))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("around", ["{}", "leaked: {}.", "was ({}), now new", "owner={}", "'{}'", "a {} b"])
def test_a_key_is_refused_wherever_it_stands(rule: str, around: str) -> None:
    """Alone and inside a sentence; the message holds no part of it."""
    value = key(rule)
    with pytest.raises(KeyInPublicTextError) as raised:
        public_text(around.format(value), what="reason")
    assert value[8:] not in raised.value.message + (raised.value.hint or "")
    assert "reason" in raised.value.message


@pytest.mark.parametrize("text", PUBLIC)
def test_names_ids_and_addresses_pass(text: str) -> None:
    """What people write is kept as it is."""
    assert public_text(f" {text}\n", what="owner") == text


def test_a_value_that_no_rule_knows_is_refused_where_it_is_known() -> None:
    """The store tells its own values from words."""
    assert public_text("correct-horse", what="owner") == "correct-horse"
    with pytest.raises(KeyInPublicTextError):
        public_text("it was correct-horse, then", what="owner", is_value=lambda word: word == "correct-horse")


@given(st.binary(min_size=36, max_size=60))
def test_a_random_run_of_mixed_characters_is_refused(raw: bytes) -> None:
    """Whatever vendor it may be of."""
    import base64
    import math
    from collections import Counter

    run = base64.b64encode(raw).decode().rstrip("=")
    bits = -sum(n / len(run) * math.log2(n / len(run)) for n in Counter(run).values())
    if bits < 4.3 or run.lower() == run or run.upper() == run or not any(c.isdigit() for c in run):
        return
    with pytest.raises(KeyInPublicTextError):
        public_text(run, what="name")


@pytest.mark.parametrize("text", ["x" * 1001, "a\0b", "a\ud800b"])
def test_what_no_engine_stores_is_refused(text: str) -> None:
    """Too long, or no text."""
    with pytest.raises(UsageError):
        public_text(text, what="owner")


@pytest.mark.parametrize("rule", RULES)
def test_a_message_does_not_repeat_a_key_that_was_typed_as_a_name(rule: str) -> None:
    """`no stored credential is called ...`."""
    assert quoted(key(rule)) == "[not shown: it looks like a key]"
    assert quoted("orders-openai-production") == "'orders-openai-production'"
