"""`keysweep rules`: what is looked for."""

from __future__ import annotations

import json

from tests.scanner.making import assert_absent, key, ruleset
from tests.scanner.running import keysweep


def test_list_has_every_rule() -> None:
    """As a table and as JSON."""
    rows = json.loads(keysweep("rules", "list", "--format", "json").out)
    assert [row["id"] for row in rows] == [rule.id for rule in ruleset().rules]
    assert {"id", "provider", "severity", "title"} == set(rows[0])
    out = keysweep("rules", "list").out
    assert all(rule.id in out for rule in ruleset().rules)


def test_show_says_what_a_key_can_do() -> None:
    """By id, or all of a provider; a wrong name is a usage error with the next command."""
    out = keysweep("rules", "show", "anthropic-admin-key").out
    rule = ruleset().by_id["anthropic-admin-key"]
    assert rule.grants in out
    assert rule.references[0] in out
    assert "openai-project-key" in keysweep("rules", "show", "openai").out
    assert "proven offline" in keysweep("rules", "show", "github-pat").out
    assert "told by its shape" in out
    assert "the finding is the secret half" in keysweep("rules", "show", "aws-access-key").out
    done = keysweep("rules", "show", "nonesuch")
    assert (done.code, "keysweep rules list" in done.err) == (2, True)


def test_check_finds_our_own_packs_sound() -> None:
    """What `make check` relies on."""
    done = keysweep("rules", "check")
    assert (done.code, done.out) == (0, "")
    assert f"{len(ruleset().rules)} rules, 0 problems" in done.err


def test_try_tells_where_and_never_what() -> None:
    """The place, the prefix and the length."""
    secret = key("github-pat")
    done = keysweep("rules", "try", "github-pat", stdin=f"x = {secret}\n".encode())
    assert done.code == 1
    assert "bytes 4-44" in done.out
    assert_absent(secret, done.out.encode() + done.err.encode(), "the output")
    assert keysweep("rules", "try", "github-pat", stdin=b"nothing").code == 0
    told = keysweep("rules", "try", "json-web-token", stdin=key("json-web-token").encode())
    assert "algorithm HS256" in told.out
    assert keysweep("rules", "try", "nonesuch", stdin=b"").code == 2
