"""Whose a key is, before and behind its rotation: by the store, by lists of match-only keys old and new, by the id alone, by who holds it."""

from __future__ import annotations

import json
from typing import Any

from tests.fakes.agents import attested_numbers, eventually
from tests.fakes.command_line import command, start
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import AGENTS, NAMES, World

__all__ = ["vendors", "world"]
NAME = NAMES["openai"]
DEAD = "dead"


def run(world: World, *arguments: str, code: int = 0) -> str:
    ended = command(world.environ, world.folder, *arguments)
    assert ended.code == code, ended.output
    return ended.output


def findings(world: World, text: str, *more: str, code: int) -> list[dict[str, Any]]:
    """Scan a log of *text*."""
    (world.folder / "agent.log").write_text(text)
    run(world, "scan", "agent.log", "-o", "json=scan.json", *more, code=code)
    return list(json.loads((world.folder / "scan.json").read_text())["findings"])


def answers(world: World, texts: dict[str, str], *more: str) -> dict[str, tuple[str, int, str] | str]:
    """Say for each text who the store, or what stands for it, says it is."""
    told: dict[str, tuple[str, int, str] | str] = {}
    for what, text in texts.items():
        found = findings(world, f"about {text}", *more, code=0 if " id" in what else 1)
        told[what] = "nothing" if not found else "stranger"
        for one in found:
            if known := one["credential"]:
                state = DEAD if known.get("dead_since") else known["state"]
                told[what] = (known["match"], known["version"], state)
    return told


def test_lists_answer_as_of_the_day_they_were_made(world: World) -> None:
    """Old key and id: current by the old list, dead by the new one and by the store; the new ones are strangers to the old list."""
    run(world, "match", "new", "ci", "--out", "match.key")
    run(world, "match", "export", "old.json")
    run(world, "rotate", NAME, "--yes")
    run(world, "match", "export", "new.json")
    old, new = world.versions("openai")
    assert old.provider_key_id == world.ids["openai"]
    texts = {
        "old key": world.planted["openai"],
        "old id": str(old.provider_key_id),
        "new key": world.current_value("openai"),
        "new id": str(new.provider_key_id),
    }
    now = {
        "old key": ("exact", 1, DEAD),
        "old id": ("key-id", 1, DEAD),
        "new key": ("exact", 2, "current"),
        "new id": ("key-id", 2, "current"),
    }
    then = {
        "old key": ("exact", 1, "current"),
        "old id": ("key-id", 1, "current"),
        "new key": "stranger",
        "new id": "nothing",
    }
    runner = ("--key-file", "match.key")
    assert answers(world, texts) == now
    assert answers(world, texts, *runner) == now
    assert answers(world, texts, *runner, "--store", "new.json") == now
    assert answers(world, texts, *runner, "--store", "old.json") == then


def test_a_revoked_match_key_opens_what_was_made_before_and_nothing_since(world: World) -> None:
    """The store and every later list refuse it with 6; a list from before cannot be called back."""
    run(world, "match", "new", "ci", "--out", "match.key")
    run(world, "match", "export", "before.json")
    run(world, "match", "revoke", "ci")
    run(world, "match", "export", "after.json")
    text = {"a key": world.planted["openai"]}
    assert answers(world, text, "--key-file", "match.key", "--store", "before.json") == {
        "a key": ("exact", 1, "current")
    }
    for refusing in ((), ("--store", "after.json")):
        said = run(world, "scan", "agent.log", "--key-file", "match.key", *refusing, code=6)
        assert "revoked" in said


def test_nothing_rotates_for_an_id_until_a_person_says_so(world: World) -> None:
    """Not with every leaked key; an explanation says that nothing leaked; who names the finding has decided."""
    (found,) = findings(world, f"key {world.ids['openai']} was used", code=0)
    assert "Nothing to rotate" in run(world, "rotate", "--compromised", "--plan")
    explained = json.loads(run(world, "explain", found["id"], "-o", "json"))
    assert (explained["answer"], explained["finding"]["match"]) == ("current", "key-id")
    assert explained["next"] == "nothing: an id opens nothing"
    assert NAME in run(world, "rotate", "--finding", found["id"], "--plan")


def test_a_key_that_leaks_after_its_id_was_seen_is_compromised(world: World) -> None:
    """The id that was seen first, and again later, does not stand for it: neither in a rotation nor in an explanation."""
    about_id = f"key {world.ids['openai']} was used"
    findings(world, about_id, code=0)
    (leaked,) = findings(world, f"key={world.planted['openai']}", code=1)
    findings(world, f"{about_id} again", code=0)
    assert NAME in run(world, "rotate", "--compromised", "--plan")
    assert json.loads(run(world, "explain", NAME, "-o", "json"))["finding"]["id"] == leaked["id"]


def test_an_explanation_names_the_agent_that_runs_with_the_leaked_key(world: World) -> None:
    """Agent, version and how it was seen while it runs; behind its end only that it may have the key."""
    (found,) = findings(world, f"key={world.planted['openai']}", code=1)

    def explained() -> dict[str, Any]:
        return dict(json.loads(run(world, "explain", found["id"], "-o", "json")))

    assert (explained()["agents"], explained()["held_by"]) == ([AGENTS["openai"]], [])
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS["openai"], "--", "sleep", "600")
    try:
        eventually(lambda: attested_numbers(world, "openai") == [1], "the agent to hold the key")
        (holder,) = explained()["held_by"]
        assert (holder["agent"], holder["version"]) == (AGENTS["openai"], 1)
        assert f"held  by {AGENTS['openai']} on {holder['host']}: v1" in run(world, "explain", found["id"])
        run(world, "rotate", "--finding", found["id"], "--yes")
        eventually(lambda: attested_numbers(world, "openai") == [2], "the agent to hold the new key")
        record = explained()
        assert (record["answer"], [one["version"] for one in record["held_by"]]) == ("retired", [2])
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()
    eventually(lambda: explained()["held_by"] == [], "the agent to be gone")
    assert f"held  by {AGENTS['openai']}: not running" in run(world, "explain", found["id"])
