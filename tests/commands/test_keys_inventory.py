"""`keysweep keys list|show|edit|retire|reconcile` and `keysweep policy`: what a person reads, what a program reads, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fakes.command_line import Ended, command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]

OPENAI = NAMES["openai"]


def run(world: World, *arguments: str) -> Ended:
    """Run the program on the store."""
    return command(world.environ, world.folder, *arguments)


def document(ended: Ended) -> dict[str, object]:
    """The JSON on standard output."""
    text = ended.output
    found: dict[str, object] = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return found


def test_the_document_has_a_schema_and_pages(world: World) -> None:
    """Page after page is the whole, and the last one says so."""
    names, page = [], 1
    while page:
        found = document(run(world, "keys", "list", "-o", "json", "--limit", "3", "--page", str(page)))
        assert (found["schema"], found["total"]) == ("keysweep.dev/inventory/v1", 4)
        names += [row["name"] for row in found["keys"]]  # type: ignore[attr-defined]
        page = found["next_page"]  # type: ignore[assignment]
    stored = {NAMES["openai"], NAMES["anthropic"], "anthropic-admin", "openai-admin"}
    assert names == sorted(stored)


def test_what_is_edited_is_shown(world: World) -> None:
    """In the table, on the page of one, and for programs."""
    assert run(world, "keys", "edit", OPENAI, "--owner", "team-orders", "--class", "payments").code == 0
    assert "team-orders" in run(world, "keys", "list", "--owner", "team-orders").output
    shown = run(world, "keys", "show", OPENAI).output
    assert "team-orders" in shown
    assert "OPENAI_API_KEY" in shown
    found = document(run(world, "keys", "show", OPENAI, "-o", "json"))
    assert (found["owner"], found["class"], found["rotation"]) == ("team-orders", "payments", "mint")
    assert world.planted["openai"] not in shown + json.dumps(found)


def test_a_policy_is_shown_with_who_approved_it(world: World) -> None:
    """And no approval means no policy."""
    assert "No approved policy" in run(world, "policy", "list").output
    said = ("policy", "set", "--max-age", "30d", "--risk-analysis", "TRA-7")
    assert run(world, *said).code == 2
    assert run(world, *said, "--approved-by", "officer").code == 0
    assert run(world, "policy", "except", OPENAI, "--until", "30d", "--reason", "r", "--approved-by", "o").code == 0
    found = document(run(world, "policy", "list", "-o", "json"))
    (policy,), (exception,) = found["policies"], found["exceptions"]  # type: ignore[misc]
    assert (policy["max_age_days"], policy["risk_analysis"], policy["approved_by"]) == (30, "TRA-7", "officer")  # type: ignore[index]
    assert exception["credential"] == OPENAI  # type: ignore[index]
    assert "30 days (default)" in run(world, "keys", "show", OPENAI).output


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("keys", "show", "{}"), id="show"),
        pytest.param(("keys", "edit", OPENAI, "--owner", "{}"), id="owner"),
        pytest.param(("keys", "edit", OPENAI, "--runbook", "see {}"), id="runbook"),
        pytest.param(("keys", "set-id", OPENAI, "{}"), id="id"),
        pytest.param(("keys", "set-id", "{}", "key_1"), id="id of a key as a name"),
        pytest.param(("keys", "retire", OPENAI, "--reason", "leaked {}"), id="reason"),
        pytest.param(("keys", "retire", "{}", "--reason", "x"), id="retired name"),
        pytest.param(("agents", "add", "{}"), id="agent"),
        pytest.param(("rotate", OPENAI, "--yes", "--reason", "{}"), id="reason of a rotation"),
        pytest.param(("rotate", "{}", "--yes"), id="rotated name"),
        pytest.param(
            ("policy", "set", "--max-age", "9", "--risk-analysis", "{}", "--approved-by", "x"), id="risk analysis"
        ),
        pytest.param(("policy", "except", "{}", "--until", "9d", "--reason", "x", "--approved-by", "x"), id="excepted"),
    ],
)
def test_a_key_that_is_typed_is_not_repeated_and_not_stored(world: World, arguments: tuple[str, ...]) -> None:
    """Refused with 2; no file of the store holds it."""
    value = world.planted["openai"]
    ended = run(world, *(argument.format(value) for argument in arguments))
    assert ended.code == 2
    assert value[12:] not in ended.output
    for path in (world.folder / "store").iterdir():
        assert value.encode() not in Path(path).read_bytes()


def test_reconciling_ends_with_one_if_asked_and_something_differs(world: World) -> None:
    """A gap is shown with the provider's name and id, and the next command takes it in."""
    stray = world.vendors.seed("openai", "stray")
    ended = run(world, "keys", "reconcile", "--provider", "openai")
    assert ended.code == 0
    assert "stray" in ended.output
    assert f"keysweep keys add NAME --provider openai --key-id {stray.id}" in ended.output
    assert run(world, "keys", "reconcile", "--provider", "openai", "--check").code == 1
    assert run(world, "keys", "reconcile", "--provider", "anthropic", "--check").code == 0
    found = document(run(world, "keys", "reconcile", "-o", "json"))
    assert found["schema"] == "keysweep.dev/reconciliation/v1"


def test_a_list_that_cannot_be_had_ends_with_three(world: World) -> None:
    """Never with 0: nothing was compared."""
    world.vendors.fault("openai", "status", method="GET", status=500)
    ended = run(world, "keys", "reconcile", "--provider", "openai")
    assert ended.code == 3
    assert "not compared" in ended.output


def test_what_is_retired_is_left_out_unless_it_is_asked_for(world: World) -> None:
    """And says why it was retired."""
    ended = run(world, "keys", "retire", OPENAI, "--reason", "merged into billing")
    assert ended.code == 0
    assert "End it at its provider too" in ended.output
    assert OPENAI not in run(world, "keys", "list").output
    assert OPENAI in run(world, "keys", "list", "--retired").output
    assert "merged into billing" in run(world, "keys", "show", OPENAI).output
