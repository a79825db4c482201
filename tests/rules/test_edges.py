"""Where a key begins and ends: edges are made from the alphabet of the token, never from a list of terminators."""

from __future__ import annotations

import json
import re
import string
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.rules.model import Rule
from keysweep.rules.samples import characters
from tests.scanner.making import Example, example, found, ruleset

RULES = ruleset().rules
BY_ID = [pytest.param(rule, id=rule.id) for rule in RULES]
NEIGHBOURS = [
    ",",
    ")",
    "}",
    "&",
    "<",
    ".",
    '\\"',
    "'",
    ";",
    "\n",
    "\t",
    ">",
    "]",
    "|",
    ":",
    '"',
    " ",
    "\\n",
    "`",
    "\r\n",
]
BEFORE = [*NEIGHBOURS, "=", "(", "[", "{", "?", "\\t", "\\u0022", "%22", "%3D", "\x1b[32m"]
URIS = {rule.id for rule in RULES if not rule.alphabet and "://" in rule.prefix}
"""A URI has no alphabet of its own: what may stand in a URI is taken for a part of it."""


def own(rule: Rule) -> set[str]:
    """Return the characters that a key of the rule may hold, so that nobody can say whether one belongs to it."""
    if rule.id in URIS:
        return set(string.ascii_letters + string.digits + "._~%/?=&#-+:,@")
    tail = set(re.findall(r"=\{0,2\}", rule.pattern) and ["="])
    return set(characters(rule.alphabet)) | set(characters(rule.pair_alphabet)) | tail


def assert_exact(made: Example, before: str, after: str) -> None:
    data = before.encode() + made.text + after.encode()
    assert (made.rule.id, made.key) in found(data), f"between {before!r} and {after!r}"


@pytest.mark.parametrize("rule", BY_ID)
def test_a_key_ends_at_whatever_cannot_belong_to_it(rule: Rule) -> None:
    """The value is exact, not one character more or less, whatever follows."""
    made = example(rule, seed=3)
    for after in NEIGHBOURS:
        if after in {".", ":", ",", "&"} or after[0] not in own(rule):
            assert_exact(made, "x = ", after)
            assert_exact(made, "x = ", after + " and more")


@pytest.mark.parametrize("rule", BY_ID)
def test_a_key_begins_after_whatever_cannot_belong_to_it(rule: Rule) -> None:
    """Escapes of JSON, URLs and terminals end in a letter or digit, and yet are no part of the key."""
    made = example(rule, seed=4)
    for before in BEFORE:
        if (
            before == "."
            or before[-1] not in own(rule)
            or before in {"\\n", "\\t", "\\u0022", "%22", "%3D", "\x1b[32m"}
        ):
            assert_exact(made, before, " ")


@pytest.mark.parametrize("rule", BY_ID)
def test_a_key_is_exact_in_real_surroundings(rule: Rule) -> None:
    """JSON, JSON in JSON, an environment file, YAML, a header, Markdown, a shell command, coloured output."""
    made = example(rule, seed=5)
    text = made.text.decode()
    inner = json.dumps({"v": text})
    surroundings = {
        "JSON": json.dumps({"a": [text, 1]}),
        "environment file": f"A=1\nTOKEN={text}\nB=2\n",
        "YAML": f"key: {text}\nother: 1\n",
        "header": f"Authorization: Bearer {text}\r\nAccept: */*\r\n",
        "Markdown": f"use `{text}` or **{text}**.",
        "shell": f"curl -H 'X-Key: {text}' https://api.example.test",
        "HTML": f"<code>{text}</code>",
        "colour": f"\x1b[1m{text}\x1b[0m",
        "log": f"2026-11-24 03:00:00 ERROR refused ({text}): 401",
        "Python": f'client = Client(api_key="{text}", timeout=3)',
    }
    if '"' not in text and "\n" not in text and "\\" not in text:
        surroundings["JSON in JSON"] = json.dumps({"body": inner})
        if quote(text, safe="") == text:
            surroundings["query"] = f"https://api.example.test/v1?key={text}&page=2"
    if "\n" in text:
        surroundings.pop("JSON")
    for name, data in surroundings.items():
        escaped = json.dumps(made.key.decode())[1:-1].encode()
        wanted = {(rule.id, made.key), (rule.id, escaped)}
        assert wanted & set(found(data.encode())), name


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_surroundings(data: st.DataObject) -> None:
    """A generated key is found exactly between any characters that cannot belong to it."""
    rule = data.draw(st.sampled_from(RULES), label="rule")
    made = example(rule, seed=data.draw(st.integers(0, 10_000)), template=data.draw(st.integers(0, 5)))
    foreign = st.characters(exclude_characters="".join(own(rule)), exclude_categories=["Cs"])
    # NOTE: text before a URI's scheme or a keyword may turn it into another word; a separator keeps the example what it is.
    before = data.draw(st.text(max_size=12)) + data.draw(foreign)
    after = data.draw(foreign) + data.draw(st.text(max_size=12))
    assert_exact(made, before, after)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_key_inside_a_longer_token_is_none(data: st.DataObject) -> None:
    """A letter or digit of the alphabet on either side makes it another token, for tokens of one fixed length."""
    fixed = [
        rule for rule in RULES if rule.alphabet and not rule.pair and "," not in re.sub(r"\[[^]]*\]", "", rule.pattern)
    ]
    rule = data.draw(st.sampled_from([r for r in fixed if "(?P<secret>" not in r.pattern]), label="rule")
    made = example(rule, seed=data.draw(st.integers(0, 10_000)))
    letter = data.draw(st.sampled_from([c for c in characters(rule.alphabet) if c.isalnum()]))
    longer = made.text + letter.encode() * 2
    assert rule.id not in {name for name, _ in found(b" " + longer + b" ")}
