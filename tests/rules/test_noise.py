"""What looks like a key and is none, and that no real key is taken for such."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keysweep.rules.checks import is_placeholder
from keysweep.rules.samples import expand
from tests.scanner.making import found, ruleset

FIXTURES = [
    "sk-...xxxx",
    "sk-ant-api03-...",
    "sk-ant-api03-" + "x" * 93 + "AA",
    "sk-" + "1234567890abcdef" * 3,
    "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL",
    "ghp_" + "a" * 36,
    "AKIAIOSFODNN7EXAMPLE",
    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    '"token": "__OPENCLAW_REDACTED__"',
    "oc-sent-v2.abcdef.end",
    "LANGSMITH_API_KEY=[LANGSMITH SECRET]",
    "OPENAI_API_KEY=your_openai_api_key_here",
    "OPENAI_API_KEY=<your key>",
    "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "WANDB_API_KEY=$WANDB_API_KEY",
    "xoxb-your-bot-token-goes-here",
    "glpat-FAKEWEBTOKENFORTESTS",
    "hvs.your_production_key_here",
    "sk-proj-" + "this-is-not-a-real-key-" * 5,
    "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"[:72],
    "postgresql://user:password@localhost/db",
    "postgresql://user:${PASSWORD}@localhost/db",
]
PUBLIC = [
    "toolu_01{A-Za-z0-9:22}",
    "call_{A-Za-z0-9:24}",
    "chatcmpl-{A-Za-z0-9:29}",
    "msg_01{A-Za-z0-9:22}",
    "run_{A-Za-z0-9:24}",
    "req_011{A-Za-z0-9:22}",
    "file-{A-Za-z0-9:24}",
    "thread_{A-Za-z0-9:24}",
    "pk_live_{A-Za-z0-9:99}",
    "pk-lf-{uuid}",
    "sb_publishable_{A-Za-z0-9_-:31}",
    "phc_{A-Za-z0-9:43}",
    "trace_id={a-f0-9:32}",
    "traceparent: 00-{a-f0-9:32}-{a-f0-9:16}-01",
    "commit {a-f0-9:40}",
    "{a-f0-9:64}  package.tar.gz",
    "AKIA{A-Z2-7:16}",
    "AC{a-f0-9:32}",
    "{uuid}",
]


@pytest.mark.parametrize("text", FIXTURES)
def test_a_fixture_is_no_finding(text: str) -> None:
    """What documentation, tests and redaction leave behind."""
    assert found(text.encode()) == []


@pytest.mark.parametrize("template", PUBLIC)
def test_an_identifier_is_no_finding(template: str) -> None:
    """Ids of calls and messages, hashes, traces, and the public halves of keys."""
    for seed in range(30):
        assert found(f'{{"id": "{expand(template, random.Random(seed))}"}}'.encode()) == []


def test_files_of_hashes_are_no_findings() -> None:
    """Lock files, images in base64, minified code."""
    chance = random.Random(3)
    lock = "".join(
        f'"integrity": "sha512-{base64.b64encode(hashlib.sha512(chance.randbytes(9)).digest()).decode()}",\n'
        for _ in range(3000)
    )
    image = "data:image/png;base64," + base64.b64encode(chance.randbytes(1_000_000)).decode()
    ids = "".join(f"{uuid.UUID(int=chance.getrandbits(128))} {chance.randbytes(20).hex()}\n" for _ in range(5000))
    script = "".join(f"function {a}{b}(e,t){{return {b}.key[{a}]=t}}" for a in "abcdefgh" for b in "klmnopqrstu") * 20
    for text in (lock, image, ids, script):
        assert found(text.encode()) == []


def test_a_piece_of_a_blob_is_no_secret_half() -> None:
    """Beside a public half, what base64 goes on around to both sides was cut out of it by a stroke."""
    chance = random.Random(9)
    public, blob, secret = (expand(t, chance) for t in ("LTAI{A-Za-z0-9:20}", "{A-Za-z0-9+:40}", "{A-Za-z0-9:30}"))
    assert found(f"{blob}/{secret}/{blob} {public}".encode()) == []
    assert [value for _, value in found(f"{public} {secret}".encode())] == [secret.encode()]


@settings(max_examples=200)
@given(seed=st.integers(0, 1 << 60))
def test_a_random_key_is_no_placeholder(seed: int) -> None:
    """Of every rule: a key that chance made is never taken for filler."""
    chance = random.Random(seed)
    for template in (
        "{A-Za-z0-9:32}",
        "{a-f0-9:32}",
        "{a-f0-9:64}",
        "sk-{A-Za-z0-9:48}",
        "{A-Za-z0-9_-:164}",
        "{A-Z2-7:20}",
    ):
        assert not is_placeholder(expand(template, chance))


def test_the_sample_of_rules_is_large() -> None:
    """Fewer rules than this means that packs were lost."""
    assert len(ruleset().rules) > 300
