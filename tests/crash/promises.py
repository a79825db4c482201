"""What must hold after any crash, asked of everyone but the engine: the provider, the kernel, the ledger's verifier, the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.providers import Kind
from tests.fakes import classes
from tests.fakes.agents import attested_numbers, eventually, held_value
from tests.fakes.canaries import leaks
from tests.fakes.command_line import command, start
from tests.fakes.stores import AGENTS, NAMES, World

_TRIES = 6
_GONE = frozenset({State.RETIRED, State.DISCARDED})


@contextmanager
def running_agent(world: World, kind: str) -> Iterator[int]:
    """Run the credential's agent under the supervisor, and yield the supervisor's process id."""
    supervisor = start(world.environ, world.folder, "run", "--agent", AGENTS[kind], "--", "sleep", "600")
    try:
        eventually(lambda: attested_numbers(world, kind) == [1], "the agent to hold the first version")
        yield supervisor.pid
    finally:
        supervisor.terminate()
        supervisor.join(20)
        supervisor.close()


def order(kind: str, *, forced: bool) -> tuple[str, ...]:
    """Return the command that rotates the credential of a kind."""
    return ("rotate", NAMES[kind], *(["--compromised"] if forced else []), "--yes")


def recover(world: World, kind: str, *, forced: bool, resume: bool = False) -> None:
    """Do what a person does after a crash: take up what is open, or ask again, until the command says that all is done.

    A person also ends a key at a vendor that has no call for it.
    """
    said: list[str] = []
    for _ in range(_TRIES):
        open_ones = world.unfinished()
        if not open_ones and any(version.state is State.RETIRED for version in world.versions(kind)):
            return
        arguments = ("rotate", "--resume", open_ones[0].id[:12]) if open_ones and resume else order(kind, forced=forced)
        ended = command(world.environ, world.folder, *arguments)
        assert ended.code in {0, 4, 5}, ended.output
        said.append(ended.output)
        if provider_of(kind) is Kind.MANUAL:
            for key in world.vendors.keys(kind):
                if key.id == world.ids[kind]:
                    key.status = "deleted"
        resume = True
    raise AssertionError("not done after all: " + "\n".join(said))


def provider_of(kind: str) -> Kind:
    """Return the class of a provider."""
    return classes.KINDS.get(kind) or provider_catalog.get(kind).facts.kind


def check(world: World, kind: str, supervisor: int) -> None:
    """Hold the world to every promise of a rotation that is done."""
    held = held_value(supervisor, kind)
    assert held is not None, "no agent runs"
    assert held == world.current_value(kind), "the agent does not hold the current value"
    assert held != world.planted[kind], "the agent holds the old value"
    assert accepts(world, kind, held), "the new key is not accepted"
    assert not accepts(world, kind, world.planted[kind]), "the old key is alive"
    if kind != "postgresql":
        assert world.vendors.live(kind) == {world.vendors.id_of(kind, held)}, "not exactly one key is alive"
    versions = world.versions(kind)
    assert [version.state for version in versions].count(State.CURRENT) == 1, versions
    assert versions[0].state is State.RETIRED, versions
    assert all(version.state in _GONE for version in versions if version.state is not State.CURRENT), versions
    current = next(version for version in versions if version.state is State.CURRENT)
    assert attested_numbers(world, kind) == [current.ref.number], "not attested"
    assert world.unfinished() == (), "a rotation is open"
    _check_records(world, kind)
    ended = command(world.environ, world.folder, "verify")
    assert ended.code == 0, ended.output
    found = leaks(world.folder, [*world.planted.values(), held])
    assert found == [], found


def _check_records(world: World, kind: str) -> None:
    actions = world.actions()
    once = ["key.promoted", "key.dead", *(["key.revoked"] if provider_of(kind) is not Kind.MANUAL else [])]
    assert [actions.count(action) for action in once] == [1] * len(once), actions
    assert actions.count("incident.opened") <= 1, actions
    with world.open() as opened, opened.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM cell WHERE sealed IS NOT NULL")).scalar() == 0
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2, "a commit may be lost with the power"


def accepts(world: World, kind: str, value: str) -> bool:
    """Ask the provider itself, as an agent would."""
    if kind in classes.KINDS:
        return world.vendors.served(kind, "/probe", value) == 200
    return world.accepts(kind, value)
