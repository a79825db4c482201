"""`keysweep resolve`: a value leaves for an agent that may have it, and every answer is on record."""

from __future__ import annotations

import pytest

from tests.fakes.command_line import command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]


def test_a_bound_agent_gets_the_current_value(world: World) -> None:
    """The value alone, without a line end, and the ledger says who got it."""
    ended = command(world.environ, world.folder, "resolve", NAMES["openai"], "--agent", "orders")
    assert (ended.code, ended.output) == (0, world.planted["openai"])
    assert [action for action in world.actions() if action != "rows.written"][-1] == "key.resolved"


@pytest.mark.parametrize("name", [NAMES["anthropic"], "openai-admin"], ids=["another agent's", "an administering key"])
def test_an_agent_without_the_right_is_denied(name: str, world: World) -> None:
    """Exit code 6, no value, and the refusal is on record."""
    ended = command(world.environ, world.folder, "resolve", name, "--agent", "orders")
    assert ended.code == 6
    assert not any(value in ended.output for value in world.planted.values())
    assert world.actions()[-1] == "key.refused"


@pytest.mark.parametrize(
    "arguments", [("no-such", "--agent", "orders"), (NAMES["openai"], "--agent", "nobody"), (NAMES["openai"],)]
)
def test_unknown_names_are_usage_errors(arguments: tuple[str, ...], world: World) -> None:
    """An agent or a credential that is not stored, or no agent at all: exit code 2."""
    assert command(world.environ, world.folder, "resolve", *arguments).code == 2
