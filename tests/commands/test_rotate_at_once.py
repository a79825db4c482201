"""Many at once, in processes of their own and within one: one rotation for one leak, and many credentials in the time of a few."""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import Entry, import_entries
from tests.fakes.command_line import Ended, command
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import NAMES, World

__all__ = ["vendors", "world"]
RESPONDERS = int(os.environ.get("RESPONDERS", "8"))
"""Processes that report the same leak; `make at-once` takes fifty."""
CREDENTIALS = 20
AT_MOST = float(os.environ.get("AT_MOST", "6"))
"""Times as long as one may they take; 3 is the bar, for a machine that does nothing else: `make at-once`."""


def _with_time(world: World) -> None:
    """Give a rotation the time that it has by default: as many share two cores here."""
    file = world.folder / "keysweep.toml"
    file.write_text(file.read_text().replace("deadline_s = 4.0", "deadline_s = 60.0"))


def test_as_many_findings_of_one_key_as_come_at_once_are_one_rotation(world: World) -> None:
    """Every responder is a process of its own with the same key in its event: all are told that it is dead, one did it."""
    _with_time(world)
    (world.folder / "event.json").write_text(json.dumps({"key": world.planted["openai"]}))

    def respond(number: int) -> Ended:
        folder = world.folder / f"responder-{number}"
        folder.mkdir()
        return command(
            world.environ, folder, "rotate", "--event", str(world.folder / "event.json"), "--yes", timeout_s=120
        )

    with ThreadPoolExecutor(RESPONDERS) as pool:
        ended = list(pool.map(respond, range(RESPONDERS)))
    assert [one.output for one in ended if one.code != 0] == []
    assert all("done in" in one.output or "dead" in one.output for one in ended)
    actions = world.actions()
    assert [actions.count(once) for once in ("incident.opened", "rotation.started", "key.dead")] == [1, 1, 1]
    assert world.vendors.minted("openai") == 1
    assert [version.state for version in world.versions("openai")] == [State.RETIRED, State.CURRENT]


@pytest.fixture
def twenty(world: World) -> tuple[str, ...]:
    """Names of as many credentials as there are in a small team, each with a key of its own at the vendor."""
    names = tuple(f"agent-{number:02}-openai" for number in range(CREDENTIALS))
    with world.open() as opened:
        made = [world.vendors.seed("openai", name) for name in names]
        rows = [
            (row, Entry(name=name, provider="openai", value=Secret(key.value), provider_key_id=key.id))
            for row, (name, key) in enumerate(zip(names, made, strict=True), 1)
        ]
        list(import_entries(opened, rows, actor="cli:test"))
    return names


def _timed(world: World, *arguments: str) -> tuple[float, Ended]:
    began = time.monotonic()
    ended = command(world.environ, world.folder, "rotate", *arguments, "--compromised", "--yes", timeout_s=120)
    return time.monotonic() - began, ended


def test_twenty_credentials_take_no_longer_than_a_few(twenty: tuple[str, ...], world: World) -> None:
    """They are rotated side by side, and told of in the order in which they were named; each old key is dead."""
    _with_time(world)
    alone, one = _timed(world, NAMES["openai"])
    together, ended = _timed(world, "--jobs", str(CREDENTIALS), *twenty)
    assert one.code == 0, one.output
    assert ended.code == 0, ended.output
    shown = [line.split()[0] for line in ended.output.splitlines() if "  forced rotation" in line]
    assert shown == list(twenty)
    assert world.vendors.minted("openai") == 1 + CREDENTIALS
    assert len(world.vendors.live("openai")) == 1 + CREDENTIALS
    assert together < AT_MOST * alone, f"{together:.1f} s for {CREDENTIALS}, {alone:.1f} s for one"


def test_one_at_a_time_is_possible(twenty: tuple[str, ...], world: World) -> None:
    """`--jobs 1` works through them in order; the exit code is that of the worst."""
    ended = command(
        world.environ, world.folder, "rotate", *twenty[:2], NAMES["openai"], "--jobs", "1", "--compromised", "--yes"
    )
    assert ended.code == 0, ended.output
    assert ended.output.count("PROVEN DEAD") == 3
