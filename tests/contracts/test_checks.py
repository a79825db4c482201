"""Every named check: accepts what its rules' vendors issue, refuses a changed character, and never fails on garbage."""

from __future__ import annotations

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rules.checks import CHECKS, PROOFS
from keysweep.rules.model import Confidence
from keysweep.rules.samples import mutate
from keysweep.scanner.matching.confirming import confirm
from tests.scanner.making import example, found, ruleset

COVERED = {
    "github-crc32": lambda token: range(token.index("_") + 1, len(token)),
    "npm-crc32": lambda token: range(token.index("_") + 1, len(token)),
    "vercel-crc32": lambda token: range(token.index("_") + 1, len(token)),
    "github-fine-grained": lambda _token: range(84),
    "gitlab-routable": lambda token: range(len(token)),
    "atlassian-crc32": lambda token: range(len(token)),
    "grafana-crc32": lambda token: [place for place in range(len(token)) if place != 37],
}
"""Which characters a checksum covers, itself included."""
REFUSED = {
    "jwt": ["eyJhbGciOiJIUzI1NiJ9.bm8ganNvbg.c2ln", "eyJhbGciOjF9.e30.c2ln", "W10.e30.c2ln", "eyJ.eyJ.x", "one", ""],
    "pypi-macaroon": ["pypi-", "pypi-AQ", "pypi-AgEIdGVzdC5vcmc"],
    "uri-password": [
        "postgresql://svc:password@h/d",
        "postgresql://svc:<password>@h/d",
        "postgresql://svc:${PW}@h/d",
        "postgresql://svc:%(pw)%@h/d",
        "postgresql://svc:****@h/d",
        "postgresql://svc:xxxx@h/d",
        "postgresql://svc:@h/d",
        "postgresql://svc:abc@h/d",
        "https://u:%2F%2F@h/d",
        "mysql://fake:fake@h/d",
        "redis://:myredissecret@h/1",
        "postgres://cacheuser:cachepass@h/d",
        "https://embedded-user:embedded-password@h/d",
        "http://user:pass%20pass@h/d",
        "http://user:hunter2@h/d",
        "postgresql://h/d",
        "your text",
    ],
    "jwt-at-end": ["ghs_1_eyJhbGciOiJub25lIn0.e30.c2ln", "ghs_1_eyJ.eyJ.x", ""],
    "supabase-service-role": ["eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.c2ln", "eyJhbGciOiJIUzI1NiJ9.e30.c2ln", ""],
    "bedrock": ["ABSK", "ABSKQmVkcm9jaw==", "ABSKQ!"],
    "bedrock-presigned": ["bedrock-api-key-", "bedrock-api-key-YmVkcm9jaw=="],
    "onepassword-json": ["ops_e30", "ops_eyJhIjoxfQ", "ops_"],
    "sentry-json": ["sntrys_e30_" + "a" * 43, "sntrys_eyJpYXQiOjF9_short", "sntrys_"],
    "discord-id": ["MTIz.abcdef.x", "bm90IGEgbnVtYmVyIGF0IGFsbA.abcdef.x", ""],
    "telegram-id": ["012345678:AA", "123456789:AAxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", ""],
    "mapbox-json": ["sk.e30.x", "sk.eyJ1IjoiYSJ9.x", "one"],
    "mixed": ["0" * 32, "deadbeef" * 4, "justlowercaseletters", "getMistralApiKeyFromEnvironments"],
    "hex-mixed": ["1" * 32, "abcdefabcdefabcdefabcdefabcdefab"],
    "base64-key": ["da39a3ee5e6b4b0d3255bfef95601890afd80709", "usr/lib/python3/dist-packages/some/path0"],
    "entropy-3": ["a" * 40, "abababababababababab", ""],
    "private-key": [
        "-----BEGIN PRIVATE KEY-----" + "A" * 64 + "-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----EXAMPLE{string.ascii_letters}{string.digits}{string.ascii_letters}-----END PRIVATE KEY-----",
    ],
}
"""Texts that a check without a checksum must refuse."""


def users(check: str) -> list[object]:
    return [rule for rule in ruleset().rules if check in rule.checks]


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_a_check_accepts_what_its_vendor_issues(name: str) -> None:
    """Generated keys of every rule that asks for it."""
    rules = users(name)
    assert rules, "no rule asks for this check"
    for rule in rules:
        for seed in range(20):
            made = example(rule, seed=seed, template=seed)
            assert CHECKS[name](made.key.decode()), f"{rule.id}, seed {seed}"


@pytest.mark.parametrize(
    "password", ["Compass-Rose7", "S3cretGarden42", "passiflora-incarnata-edulis-alata", "fe8Qk2", "svc1"]
)
def test_a_poor_password_is_one(password: str) -> None:
    """With a number of its own, or too long for filler, it may be what protects a service."""
    assert CHECKS["uri-password"](f"postgresql://svc:{password}@h/d")


@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_checksum_refuses_every_single_changed_character(name: str) -> None:
    """Each covered place in turn, several other characters: a typed or invented key is no finding."""
    for rule in users(name):
        token = example(rule, seed=1).key.decode()
        for place in COVERED[name](token):
            for other in "aZ0_":
                if token[place] != other and (other != "_" or token[place].isalnum()):
                    changed = token[:place] + other + token[place + 1 :]
                    assert not CHECKS[name](changed), f"{rule.id}: place {place} may be anything"


@pytest.mark.parametrize("name", sorted(COVERED))
def test_a_key_with_a_wrong_checksum_is_not_found(name: str) -> None:
    """The check decides in the detector too, not only alone."""
    for rule in users(name):
        token = example(rule, seed=2).key.decode()
        for number in range(20):
            changed = mutate(token[:84] if name == "github-fine-grained" else token, random.Random(number))
            changed += token[84:] if name == "github-fine-grained" else ""
            assert rule.id not in {hit for hit, _ in found(changed.encode())}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_check_refuses_what_is_none(name: str) -> None:
    """Fillers, variables and other structures."""
    assert [text for text in REFUSED[name] if CHECKS[name](text)] == []


def test_every_check_has_something_to_refuse() -> None:
    """A check that accepts everything is none."""
    assert set(CHECKS) == set(COVERED) | set(REFUSED)


@pytest.mark.parametrize("name", sorted(CHECKS))
@given(text=st.one_of(st.text(), st.text(alphabet=string.printable), st.from_regex(r"[a-z]{0,5}[_.=-]{0,2}\w{0,50}")))
def test_a_check_answers_whatever_it_is_asked(name: str, text: str) -> None:
    """A check is `str -> bool`: no input makes it fail."""
    assert CHECKS[name](text.encode("utf-8", "replace").decode()) in {True, False}


def test_a_proof_raises_the_confidence() -> None:
    """A key whose checksum holds is `checked`, one that only looks right is `shape`."""
    for rule in ruleset().rules:
        key = example(rule, seed=6).key.decode()
        expected = Confidence.CHECKED if PROOFS & set(rule.checks) else Confidence.SHAPE
        assert expected == confirm(rule, key), rule.id
