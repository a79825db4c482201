"""What a key says of itself: public facts, and nothing of the key."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rules.facts import FACTS, facts_of
from keysweep.rules.model import Rule
from keysweep.scanner import output
from keysweep.scanner.output import Look
from tests.scanner.making import Blobs, blob, example, look, rulebook, ruleset, segment

WITH_FACTS = [pytest.param(rule, id=rule.id) for rule in ruleset().rules if rule.facts]


def facts(rule: str, *, seed: int = 0) -> dict[str, str]:
    made = example(rule, seed=seed)
    (match,) = [m for m in rulebook().find(segment(made.text)) if m.secret.reveal() == made.key]
    return dict(match.facts)


def test_an_aws_key_names_its_account() -> None:
    """The account stands in the id, base 32; ids of before 2019 do not have it."""
    new, old = "QYLPMN5HHHFPZAM2", "IOSFODNN7ABCDEFG"
    assert dict(facts_of("aws", "", ("AKIA" + new,)))["account"] == "052310077262"
    assert "account" not in dict(facts_of("aws", "", ("AKIA" + old,)))
    assert dict(facts_of("aws", "", ("ASIA" + new,)))["temporary"] == "yes"


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("json-web-token", {"algorithm": "HS256", "issued": "2023-11-14T22:13:20Z"}),
        ("supabase-service-role-key", {"role": "service_role", "expires": "2033-11-07T18:13:20Z"}),
        ("aws-bedrock-short-term-key", {"region": "us-east-1", "expires": "2026-11-24T22:00:00Z"}),
        ("pypi-api-token", {"index": "pypi.org"}),
        ("sentry-org-token", {"host": "https://sentry.io"}),
        ("onepassword-service-account-token", {"account": "team.1password.com"}),
        ("postgresql-uri", {"host": "db.internal:5432"}),
        ("grafana-cloud-token", {"region": "eu"}),
    ],
)
def test_a_key_tells_what_it_is(rule: str, expected: dict[str, str]) -> None:
    """Read off the key itself, without asking anybody."""
    told = facts(rule)
    assert {name: told.get(name) for name in expected} == expected


@pytest.mark.parametrize("rule", WITH_FACTS)
def test_facts_are_no_key_material(rule: Rule) -> None:
    """No fact holds a stretch of the secret half of the key, but for what the vendor made public inside of it."""
    for seed in range(5):
        made = example(rule, seed=seed, template=seed)
        matches = [m for m in rulebook().find(segment(made.text)) if m.rule == rule.id]
        assert matches
        secret = matches[0].parts[0].reveal() if "://" in rule.prefix and matches[0].parts else made.key[-20:]
        assert all(secret.decode("ascii") not in value for m in matches for _, value in m.facts)
        assert all(len(value) <= 120 for m in matches for _, value in m.facts)


@pytest.mark.parametrize("name", sorted(FACTS))
@given(value=st.text(max_size=200), part=st.text(max_size=30))
def test_a_reader_answers_whatever_it_is_given(name: str, value: str, part: str) -> None:
    """Hostile text gives fewer facts, never an error, and nothing that steers a terminal."""
    assert all(text.isprintable() for _, text in facts_of(name, value, (part,)))
    assert all(text.isprintable() for _, text in facts_of(name, value, ()))


@pytest.mark.parametrize("claim", [1e400, -1, True, "soon", [1], {"a": 1}, 10**30, None])
def test_a_strange_time_is_no_fact(claim: object) -> None:
    """An expiry that is none is left out."""
    from keysweep.rules.samples import _base64url

    token = f"{_base64url(b'{}')}.{_base64url(json.dumps({'exp': claim}).encode())}.x"
    assert dict(facts_of("jwt", "eyJ" + token[3:], ())).get("expires", "1969-12-31T23:59:59Z").startswith("1969")


def test_facts_reach_the_reader_of_a_report() -> None:
    """In the JSON as an object, in the text as a line of their own."""
    result = look(Blobs([blob(example("supabase-service-role-key").text)]))
    (finding,) = json.loads(output.get("json").render(result, Look()))["findings"]
    assert finding["facts"]["role"] == "service_role"
    assert "role service_role" in output.get("text").render(result, Look())
