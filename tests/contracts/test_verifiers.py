"""Every vendor that can be asked: one host over TLS, the key in a header, and prefixes that are this vendor's own."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.questions import questions, vendors
from keysweep.rotation.verifiers import Question
from keysweep.rotation.verify import question_about
from keysweep.rules.model import Confidence, Rule
from keysweep.scanner.finding import Match
from tests.scanner.making import key, ruleset

QUESTIONS = [(vendor, question) for vendor in vendors() for question in questions(vendor)]
EACH = pytest.mark.parametrize(
    ("vendor", "question"), QUESTIONS, ids=lambda value: value if isinstance(value, str) else ""
)


def test_there_are_vendors() -> None:
    """A control: the folder is listed."""
    assert len(vendors()) >= 12
    assert questions("nobody") == ()


@EACH
def test_the_key_goes_to_one_host_in_a_header_and_not_into_the_address(vendor: str, question: Question) -> None:
    """Addresses are logged on the way; a Telegram token could only go there, so it is never asked about."""
    assert urlsplit(question.url).scheme == "https"
    assert re.fullmatch(r"[a-z.]+\.[a-z]{2,3}", urlsplit(question.url).netloc)
    assert "{" not in question.url
    assert [name for name, value in question.headers.items() if "{key}" in value] in (["Authorization"], ["x-api-key"])


@EACH
def test_alive_and_dead_cannot_be_taken_for_each_other(vendor: str, question: Question) -> None:
    """Each is told by a status with words of the body; only Slack has one status for both."""
    assert question.alive
    assert question.dead
    assert all(sign.text and " " not in sign.text for sign in (*question.alive, *question.dead))
    assert not set(question.alive) & set(question.dead)
    assert vendor == "slack" or not {s.status for s in question.alive} & {s.status for s in question.dead}


def asked(rule: Rule, vendor: str, seed: int) -> bool:
    """Whether a generated key of a rule would be sent to a vendor."""
    secret = Secret(key(rule.id, seed=seed))
    return question_about(match_of(rule, secret, vendor)) is not None


def match_of(rule: Rule, secret: Secret, vendor: str) -> Match:
    return Match(
        rule=rule.id,
        provider=vendor,
        severity=rule.severity,
        confidence=Confidence.SHAPE,
        prefix=rule.prefix,
        start=0,
        end=len(secret),
        secret=secret,
    )


WHOLE = [rule for rule in ruleset().rules if not rule.pair]


@pytest.mark.parametrize("vendor", vendors())
def test_no_key_of_another_vendor_would_go_there(vendor: str) -> None:
    """Even if a rule had named the wrong vendor, the key's own beginning proves the host."""
    strangers = {rule.id for rule in WHOLE if rule.provider != vendor for seed in range(3) if asked(rule, vendor, seed)}
    assert strangers == set()


@EACH
def test_its_prefixes_are_those_of_rules(vendor: str, question: Question) -> None:
    """Each begins as the keys of a rule of this vendor do: what the scan never finds is never asked about.

    A question without prefixes is for keys that are stored as this vendor's; no scan asks it.
    """
    known = tuple(rule.prefix for rule in ruleset().rules if rule.provider == vendor and rule.prefix)
    own = [prefix for prefix in question.prefixes if any(prefix.startswith(p) or p.startswith(prefix) for p in known)]
    assert bool(own) is bool(question.prefixes)


@pytest.mark.parametrize("vendor", ["gitlab", "telegram", "jwt", "grafana", "databricks", "postgresql"])
def test_who_runs_on_hosts_of_its_customers_is_not_asked(vendor: str) -> None:
    """The prefix of such a key does not say where it is from, or the key can go into the address only."""
    assert vendor not in vendors()
