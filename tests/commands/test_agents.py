"""`keysweep agents`: who may have what, and what each was seen to hold."""

from __future__ import annotations

from tests.fakes.command_line import command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]


def test_agents_and_their_bindings_are_listed(world: World) -> None:
    """One line a binding: agent, kind, variable, credential."""
    listed = command(world.environ, world.folder, "agents", "list").output
    assert any(line.split() == ["orders", "process", "OPENAI_API_KEY", NAMES["openai"]] for line in listed.splitlines())


def test_an_agent_is_added_once_and_bound(world: World) -> None:
    """Adding again changes nothing; a binding is in the ledger and replaces the one of its variable."""
    for expected in ("added", "was there already"):
        ended = command(world.environ, world.folder, "agents", "add", "reports")
        assert ended.code == 0
        assert expected in ended.output
    assert (
        command(world.environ, world.folder, "agents", "bind", "reports", NAMES["openai"], "--variable", "KEY").code
        == 0
    )
    assert (
        command(world.environ, world.folder, "agents", "bind", "reports", NAMES["anthropic"], "--variable", "KEY").code
        == 0
    )
    listed = command(world.environ, world.folder, "agents", "list").output
    assert [line.split()[-1] for line in listed.splitlines() if line.startswith("reports")] == [NAMES["anthropic"]]
    assert world.actions()[-3:] == ["agent.added", "agent.bound", "agent.bound"]


def test_an_administering_key_is_for_no_agent(world: World) -> None:
    """Zero trust: an agent never gets the key that makes keys."""
    assert command(world.environ, world.folder, "agents", "bind", "orders", "openai-admin").code == 2


def test_the_status_of_what_does_not_run(world: World) -> None:
    """An agent that does not run is said not to; an unknown one is a usage error."""
    ended = command(world.environ, world.folder, "agents", "status", "orders")
    assert "not running" in ended.output
    assert command(world.environ, world.folder, "agents", "status", "nobody").code == 2
    assert command(world.environ, world.folder, "agents", "add", "x", "--kind", "no-such").code == 2
