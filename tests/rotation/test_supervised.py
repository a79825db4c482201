"""How the engine asks the processes that stand for an agent: once, and once more only when it is told to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from keysweep.foundation.clock import system_clock
from keysweep.rotation import instances, supervised
from keysweep.rotation.outgoing import delivery
from tests.fakes.fixtures import vendors
from tests.fakes.stores import build_world
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


def test_a_process_is_asked_once_and_again_only_where_it_shall_try_again(tmp_path: Path, vendors: Vendors) -> None:
    """Each new generation makes a supervisor start its agent at once, however long it was going to wait."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",))
    (version,) = world.versions("openai")
    with world.open() as opened:
        with opened.database.write() as connection:
            identifier = instances.register(connection, "orders", system_clock())
        with opened.database.read() as connection:
            given = delivery(opened, instances.agent_named(connection, "orders"), version, forced=True)

        def generation() -> int:
            with opened.database.read() as connection:
                return instances.instance(connection, identifier).wanted

        asked = []
        for one in (given, given, replace(given, again=True), given):
            supervised.activate(one)
            asked.append(generation())
    assert asked == [2, 2, 3, 3]
