"""Whole processes in trouble: a full disk, two responders at once, an agent that does not start on the new key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from keysweep.rotation.credential import State
from samples.servers.postgres import Server
from tests.fakes.agents import attested_numbers, eventually, held_value
from tests.fakes.command_line import DiskFull, Point, command, start
from tests.fakes.stores import AGENTS, NAMES, VARIABLES, World, build_world
from tests.fakes.vendors import Vendors

_SHORT = {"deadline_s": 8.0, "revoke_after_s": 4.0, "settle_s": 0.4, "stop_grace_s": 2.0}


@contextmanager
def _picky_agent(world: World, kind: str) -> Iterator[int]:
    """Run an agent that starts only with its first key, until a file `fixed` appears."""
    digest = hashlib.sha256(world.planted[kind].encode()).hexdigest()
    script = (
        f'[ -e fixed ] || [ "$(printf %s "${VARIABLES[kind]}" | sha256sum)" = "{digest}  -" ] || exit 3; exec sleep 600'
    )
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS[kind], "--", "sh", "-c", script)
    try:
        eventually(lambda: attested_numbers(world, kind) == [1], "the agent to hold the first version")
        yield supervisor.pid
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()


def _states(world: World, kind: str) -> list[State]:
    return [version.state for version in world.versions(kind)]


def test_a_key_minted_on_a_full_disk_is_ended_again(tmp_path: Path, vendors: Vendors) -> None:
    """When the answer cannot be sealed the new key is deleted, the command says so and ends with 5; later all is well."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",))
    ended = command(
        world.environ, world.folder, "rotate", NAMES["openai"], "--compromised", "--yes", trouble=DiskFull("mint")
    )
    assert ended.code == 5, ended.output
    assert "cannot be used" in ended.output
    assert vendors.minted("openai") == 1
    assert vendors.live("openai") == {world.ids["openai"]}
    again = command(world.environ, world.folder, "rotate", "--resume", world.unfinished()[0].id)
    assert again.code == 0, again.output
    assert vendors.live("openai") == {vendors.id_of("openai", world.current_value("openai"))}


def test_responders_at_once_mint_one_key(tmp_path: Path, vendors: Vendors) -> None:
    """Three people force the same rotation in the same second: all are told that it is done, and it was done once."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",))

    def respond(number: int) -> int:
        folder = world.folder / f"responder-{number}"
        folder.mkdir()
        return command(world.environ, folder, "rotate", NAMES["openai"], "--compromised", "--yes").code

    with ThreadPoolExecutor(3) as pool:
        codes = list(pool.map(respond, range(3)))
    assert codes.count(0) >= 1
    assert set(codes) == {0}
    assert world.actions().count("incident.opened") == 1
    assert vendors.minted("openai") == 1
    assert _states(world, "openai") == [State.RETIRED, State.CURRENT]


def test_planned_an_agent_that_refuses_the_new_key_gets_the_old_one_back(tmp_path: Path, vendors: Vendors) -> None:
    """The rotation is rolled back with exit code 4: the agent runs on the old key, the new one is revoked."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=_SHORT)
    with _picky_agent(world, "openai") as supervisor:
        ended = command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes")
        assert ended.code == 4, ended.output
        assert "old key still works" in ended.output
        assert held_value(supervisor, "openai") == world.planted["openai"]
        assert attested_numbers(world, "openai") == [1]
    assert vendors.live("openai") == {world.ids["openai"]}
    assert vendors.minted("openai") == 1
    assert _states(world, "openai") == [State.CURRENT, State.DISCARDED]


def test_forced_the_old_key_dies_though_an_agent_refuses_the_new_one(tmp_path: Path, vendors: Vendors) -> None:
    """The deadline cuts the compromised key, the command ends with 5 and names the agent; once that is mended it goes on."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation=_SHORT)
    with _picky_agent(world, "openai") as supervisor:
        ended = command(world.environ, world.folder, "rotate", NAMES["openai"], "--compromised", "--yes")
        assert ended.code == 5, ended.output
        assert "not seen on the new key: orders" in ended.output
        assert f"keysweep rotate --resume {world.unfinished()[0].id[:12]}" in ended.output
        assert not world.accepts("openai", world.planted["openai"])
        assert attested_numbers(world, "openai") == []
        (world.folder / "fixed").touch()
        mended = command(world.environ, world.folder, "rotate", "--resume", world.unfinished()[0].id)
        assert mended.code == 0, mended.output
        assert held_value(supervisor, "openai") == world.current_value("openai")
    assert _states(world, "openai") == [State.RETIRED, State.CURRENT]


@pytest.mark.xdist_group("postgres")
@pytest.mark.parametrize("moment", ["intent", "effect", "outcome"])
@pytest.mark.parametrize("kind", ["openai", "anthropic", "postgresql"])
def test_a_roll_back_survives_a_kill(
    kind: str, moment: str, tmp_path: Path, vendors: Vendors, postgres: Server
) -> None:
    """Killed while it returns to the old key, a planned rotation that is taken up again has returned to it."""
    world = build_world(
        tmp_path / "world", vendors, kinds=(kind,), postgres=postgres, rotation=_SHORT | {"deadline_s": 2.0}
    )
    with _picky_agent(world, kind) as supervisor:
        died = command(world.environ, world.folder, "rotate", NAMES[kind], "--yes", trouble=Point("roll-back", moment))
        assert died.code == -9, died.output
        ended = command(world.environ, world.folder, "rotate", "--resume", world.unfinished()[0].id)
        assert ended.code == 4, ended.output
        assert held_value(supervisor, kind) == world.planted[kind] == world.current_value(kind)
    assert world.accepts(kind, world.planted[kind])
    assert world.unfinished() == ()
    if kind != "postgresql":
        assert vendors.live(kind) == {world.ids[kind]}


@pytest.mark.parametrize(
    "point", [Point("prepare", "outcome"), Point("take-standby", "outcome"), Point("attest", "effect")], ids=str
)
def test_a_planned_rotation_that_was_killed_becomes_a_forced_one(
    point: Point, tmp_path: Path, vendors: Vendors
) -> None:
    """The key leaks while its planned rotation lies there: the same rotation goes on, without a way back."""
    world = build_world(tmp_path / "world", vendors, kinds=("anthropic",))
    assert command(world.environ, world.folder, "rotate", NAMES["anthropic"], "--yes", trouble=point).code == -9
    ended = command(world.environ, world.folder, "rotate", NAMES["anthropic"], "--compromised", "--yes")
    assert ended.code == 0, ended.output
    assert "forced rotation" in ended.output
    assert "contain" in ended.output
    assert vendors.live("anthropic") == {world.ids["standby"]}
    assert world.actions().count("rotation.started") == 1


@pytest.mark.parametrize("point", [Point("activate", "outcome"), Point("attest", "outcome")], ids=str)
def test_an_agent_that_starts_in_the_middle_gets_the_new_key(point: Point, tmp_path: Path, vendors: Vendors) -> None:
    """It started on the old key, behind the step that would have asked it to move: it is asked all the same."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    assert command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes", trouble=point).code == -9
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS["openai"], "--", "sleep", "600")
    try:
        eventually(lambda: attested_numbers(world, "openai") == [1], "the agent to hold the old key")
        ended = command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes")
        assert ended.code == 0, ended.output
        eventually(lambda: attested_numbers(world, "openai") == [2], "the agent to hold the new key")
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()


def test_a_return_that_was_done_already_can_be_asked_for_again(tmp_path: Path, vendors: Vendors) -> None:
    """Killed behind its last row, it is aborted once more: the command says that the old key serves, and changes nothing."""
    world = build_world(tmp_path / "world", vendors, kinds=("openai",), rotation={"settle_s": 0.0})
    command(world.environ, world.folder, "rotate", NAMES["openai"], "--yes", trouble=Point("seal", "outcome"))
    arguments = ("rotate", "--abort", world.unfinished()[0].id)
    assert command(world.environ, world.folder, *arguments, trouble=Point("roll-back", "outcome")).code == -9
    again = command(world.environ, world.folder, *arguments)
    assert again.code == 0, again.output
    assert world.unfinished() == ()
    assert vendors.live("openai") == {world.ids["openai"]}
