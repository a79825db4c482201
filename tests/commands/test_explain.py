"""`keysweep explain`: whose a leaked key is, since when it is dead, where else it was seen, who holds it, what to do next."""

from __future__ import annotations

import json
import random
import re
import sqlite3
from pathlib import Path

import pytest

from keysweep.foundation.errors import ExitCode
from keysweep.foundation.settings import Settings
from keysweep.rules.ruleset import load_ruleset
from keysweep.rules.samples import generate
from tests.documents import ROOT, rows
from tests.fakes.program import keysweep


@pytest.fixture
def values() -> list[str]:
    """Three synthetic keys whose form a rule knows."""
    rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
    seed = random.Random(11)
    return [generate(rule, seed) for _ in range(3)]


@pytest.fixture
def leaked(place: Settings, private_world: Path, values: list[str]) -> dict[str, str]:
    """A credential with a current, a standby and a dead version, all leaked, beside a stranger; ids of findings by state."""
    assert keysweep("keys", "add", "orders", "--provider", "openai", "--owner", "ann", stdin=values[0]).returncode == 0
    assert keysweep("keys", "set", "orders", stdin=values[1]).returncode == 0
    rule = next(rule for rule in load_ruleset().rules if rule.id == "openai-project-key")
    stranger = generate(rule, random.Random(99))
    (private_world / "a.log").write_text(f"key={values[0]}\n")
    (private_world / "b.log").write_text(f"key={values[1]}\nkey={stranger}\n")
    (private_world / "c.log").write_text(f"again: key={values[1]}\n")
    found = json.loads(keysweep("scan", ".", "-o", "json").stdout)["findings"]
    return {f["credential"]["state"] if f["credential"] else "stranger": f["id"] for f in found}


def explained(subject: str) -> dict[str, object]:
    """What the program says of it, as JSON."""
    done = keysweep("explain", subject, "-o", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["schema"] == "keysweep.dev/explanation/v1"
    return dict(record)


def test_a_current_key_says_where_else_it_was_seen_and_what_to_do(leaked: dict[str, str]) -> None:
    """Every place, with the first and the last time; the next command can be typed."""
    record = explained(leaked["current"])
    assert record["answer"] == "current"
    assert [seen["place"].partition(":")[0] for seen in record["seen"]] == ["b.log", "c.log"]
    credential = record["credential"]
    assert (credential["name"], credential["owner"], credential["version"]) == ("orders", "ann", 2)
    assert record["next"] == f"keysweep rotate --finding {leaked['current']}"
    assert [other["id"] for other in record["other_findings"]] == [leaked["retired"]]


def test_a_stranger_is_said_to_be_one(leaked: dict[str, str]) -> None:
    """With its provider, because somebody must end it there."""
    record = explained(leaked["stranger"])
    assert (record["answer"], record["credential"]) == ("stranger", None)
    assert "openai" in record["next"]


def test_a_retired_key_is_dead_or_not_yet(leaked: dict[str, str], place: Settings) -> None:
    """Dead since when; one that is not proven dead is not called so."""
    assert "not yet proven dead" in keysweep("explain", leaked["retired"]).stdout
    connection = sqlite3.connect(place.store)
    connection.execute("UPDATE version SET dead_at = '2026-10-01T10:00:00.000000Z' WHERE number = 1")
    connection.commit()
    connection.close()
    assert "retired, dead since 2026-10-01 10:00:00Z" in keysweep("explain", leaked["retired"]).stdout
    record = explained(leaked["retired"])
    assert record["next"] == "nothing: the provider refuses it"
    assert record["credential"]["dead_since"] == "2026-10-01T10:00:00.000000Z"


def test_a_fingerprint_names_the_same_as_its_finding(leaked: dict[str, str]) -> None:
    """Whole, or its beginning as shown in a scan; too short or odd ones are refused."""
    record = explained(leaked["current"])
    whole = record["finding"]["fingerprint"]
    assert explained(whole) == explained(whole[:15]) == record
    for wrong in ("kf:", "kf:12", whole[:12], "kf:" + "z" * 12, whole + "00"):
        assert keysweep("explain", wrong).returncode == 2
    assert keysweep("explain", "kf:" + "0" * 12).returncode == 2


def test_a_credential_may_be_asked_for_by_name(leaked: dict[str, str]) -> None:
    """Its last leak; one that never leaked says so."""
    assert explained("orders")["finding"] is not None
    assert keysweep("keys", "add", "quiet", "--provider", "custom", stdin="never seen").returncode == 0
    record = explained("quiet")
    assert (record["answer"], record["finding"], record["seen"]) == ("current", None, [])


def test_agents_that_may_hold_it_are_named(leaked: dict[str, str]) -> None:
    """Those that are bound to it; one that does not run is said not to."""
    added = keysweep("agents", "add", "billing")
    assert keysweep("agents", "bind", "billing", "orders").returncode == 0
    assert added.returncode == 0, added.stderr
    assert explained(leaked["current"])["agents"] == ["billing"]
    assert "held  by billing: not running" in keysweep("explain", leaked["current"]).stdout


def test_no_value_is_shown(leaked: dict[str, str], values: list[str]) -> None:
    """By no form and for no state."""
    for subject in (*leaked.values(), "orders"):
        for form in ("text", "json"):
            said = keysweep("explain", subject, "-o", form).stdout
            assert not [value for value in values if value[30:60] in said]


def test_a_place_cannot_steer_the_terminal(place: Settings, private_world: Path, values: list[str]) -> None:
    """Control characters of a path are shown escaped."""
    (private_world / "a\x1b[31m.log").write_text(f"key={values[0]}\n")
    (finding,) = json.loads(keysweep("scan", ".", "-o", "json").stdout)["findings"]
    assert "\x1b" not in keysweep("explain", finding["id"]).stdout


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_explained(code: ExitCode) -> None:
    """Without a store, by the name that the page of exit codes has for it."""
    names = {row[0]: row[1].strip("`") for row in rows(ROOT / "docs/exit-codes.md") if row[0].isdigit()}
    said = keysweep("explain", str(code.value)).stdout
    assert re.match(rf"Exit code {code.value}  {names[str(code.value)]}\n", said)


def test_a_rule_is_explained_without_a_store() -> None:
    """What such a key can do, and where its form is documented."""
    record = explained("openai-project-key")
    assert (record["kind"], record["provider"]) == ("rule", "openai")
    assert record["references"]


@pytest.mark.parametrize("subject", ["8", "999", "f-0000000000000000", "nobody", "%"])
def test_what_is_not_there_is_a_usage_error(place: Settings, subject: str) -> None:
    """Exit 2, with a hint."""
    done = keysweep("explain", subject)
    assert done.returncode == 2
    assert "Next: " in done.stderr
