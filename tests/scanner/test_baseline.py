"""Accepted findings: what is accepted stays quiet, what is new does not, and the file tells nothing about the keys."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rules.model import RuleId
from keysweep.scanner.baseline import new_baseline, read_baseline
from tests.scanner.making import assert_absent, key
from tests.scanner.running import keysweep, store_with

RULE = RuleId("github-pat")


def test_what_was_met_is_accepted_after_a_round_trip(tmp_path: Path) -> None:
    """Met, written, read: accepted, for this rule and this value alone."""
    made = new_baseline()
    assert not made.meet(RULE, Secret("one"))
    path = tmp_path / "b.json"
    path.write_text(made.text())
    again = read_baseline(path)
    assert again.accepts(RULE, Secret("one"))
    assert not again.accepts(RULE, Secret("two"))
    assert not again.accepts(RULE, Secret("one."))
    assert not again.accepts(RuleId("npm-access-token"), Secret("one"))
    assert again.text() == made.text()


def test_the_file_tells_nothing_about_the_keys() -> None:
    """It can be committed; and two baselines of one key share nothing, so that they cannot be compared."""
    texts = []
    for _ in range(2):
        made = new_baseline()
        made.meet(RULE, Secret(key(RULE)))
        texts.append(made.text())
        assert_absent(key(RULE), made.text().encode(), "the baseline")
    digests = [json.loads(text)["accepted"][0]["digest"] for text in texts]
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b"\xff",
        b'{"schema": "other", "salt": "00", "accepted": []}',
        b'{"schema": "keysweep.dev/baseline/v1", "salt": "zz", "accepted": []}',
        b'{"schema": "keysweep.dev/baseline/v1", "salt": "00", "accepted": [1]}',
        b'{"schema": "keysweep.dev/baseline/v1", "salt": "00", "accepted": [{"rule": "a"}]}',
        b'{"schema": "keysweep.dev/baseline/v1", "salt": "00", "accepted": [{"rule": "a", "length": "x", "digest": ""}]}',
    ],
    ids=["empty", "no fields", "deep", "no text", "other schema", "bad salt", "bad entry", "short entry", "bad length"],
)
def test_a_file_that_is_no_baseline_is_refused(content: bytes, tmp_path: Path) -> None:
    """A broken baseline must not accept everything, nor nothing without a word."""
    (tmp_path / "b.json").write_bytes(content)
    with pytest.raises(UsageError, match="baseline"):
        read_baseline(tmp_path / "b.json")


def test_a_new_key_is_reported_although_a_baseline_accepts_the_old_ones() -> None:
    """The old debt is quiet, today's leak is not."""
    Path("a.txt").write_text(f"token={key(RULE)}\n")
    assert keysweep("scan", "a.txt", "--write-baseline", "b.json").code == 0
    assert keysweep("scan", "a.txt", "--baseline", "b.json").code == 0
    Path("a.txt").write_text(f"token={key(RULE)}\nother={key(RULE, seed=1)}\n")
    done = keysweep("scan", "a.txt", "--baseline", "b.json", "-o", "json")
    assert done.code == 1
    (finding,) = done.json["findings"]
    assert finding["occurrences"][0]["line"] == 2
    assert done.json["suppressed"] == 1


def test_a_stored_credential_is_never_hidden() -> None:
    """Neither by a baseline nor by a comment beside it: only strangers can be accepted."""
    store_with(claude=("anthropic", key("anthropic-api-key")))
    text = f"a={key('anthropic-api-key')} # keysweep: ignore\nb={key(RULE)} # keysweep: ignore\n"
    Path("a.txt").write_text(text)
    keysweep("scan", "a.txt", "--write-baseline", "b.json")
    done = keysweep("scan", "a.txt", "--baseline", "b.json", "-o", "json")
    assert [finding["credential"]["name"] for finding in done.json["findings"]] == ["claude"]
    assert done.json["suppressed"] == 1


@pytest.mark.parametrize("option", ["--baseline", "--write-baseline"])
def test_a_baseline_that_cannot_be_used_is_a_usage_error(option: str) -> None:
    """Not a bug, and not a scan without it."""
    Path("a.txt").write_text("x")
    done = keysweep("scan", "a.txt", option, "none/b.json")
    assert (done.code, "none/b.json" in done.err) == (2, True)
