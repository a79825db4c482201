"""What must hold after any crash, asked of everyone but the engine: the provider, the kernel, the ledger's verifier, the files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import replace_value
from keysweep.rotation.providers import Kind
from tests.fakes.agents import attested_numbers, eventually, held_value
from tests.fakes.canaries import leaks
from tests.fakes.command_line import command, start
from tests.fakes.stores import AGENTS, NAMES, World

_TRIES = 6
_GONE = frozenset({State.RETIRED, State.DISCARDED})
_NOT_SERVING = frozenset({State.DISCARDED, State.STANDBY})


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


def recover(world: World, kind: str, *, forced: bool, resume: bool = False, more: tuple[str, ...] = ()) -> None:
    """Do what a person does after a crash: take up what is open, or ask again, until the command says that all is done.

    A person also ends a key at a vendor that has no call for it, and makes one where a leaked key that was to be rolled had to end itself.

    Args:
        world: in which it happened.
        kind: of the key.
        forced: it has leaked.
        resume: name the rotation; else ask for it once more, as for the first time.
        more: options of a rotation that is named.
    """
    said: list[str] = []
    for _ in range(_TRIES):
        open_ones = world.unfinished()
        if not open_ones and any(version.state is State.RETIRED for version in world.versions(kind)):
            return
        named = ("rotate", "--resume", open_ones[0].id[:12], *more) if open_ones and (resume or more) else None
        ended = command(world.environ, world.folder, *(named or order(kind, forced=forced)))
        assert ended.code in {0, 4, 5}, ended.output
        said.append(ended.output)
        by_hand(world, kind)
        if f"Next: keysweep keys set {NAMES[kind]}\n" in ended.output:
            _make_by_hand(world, kind)
        resume = True
    raise AssertionError("not done after all: " + "\n".join(said))


def by_hand(world: World, kind: str) -> None:
    """End the old key at the vendor, where no call does."""
    if provider_of(kind) is Kind.MANUAL and world.sites[kind].accepts(world.planted[kind]):
        world.sites[kind].end(world.ids[kind])


def _make_by_hand(world: World, kind: str) -> None:
    made = world.vendors.seed(kind, AGENTS[kind])
    with world.open() as opened:
        replace_value(opened, NAMES[kind], Secret(made.value), key_id=made.id, standby=False, actor="cli:test")


def provider_of(kind: str) -> Kind:
    """Return the class of a provider."""
    return provider_catalog.get(kind).facts.kind


def check(world: World, kind: str, supervisor: int, *, promotions: int = 1) -> None:
    """Hold the world to every promise of a rotation that is done.

    Args:
        world: in which it happened.
        kind: of the key.
        supervisor: process id of the one that runs the agent.
        promotions: how often a new key became current at most, where a rotation was taken back in between.
    """
    held = _held(world, kind, supervisor)
    assert held != world.planted[kind], "the agent holds the old value"
    assert not world.accepts(kind, world.planted[kind]), "the old key is alive"
    _check_live(world, kind, held)
    versions = world.versions(kind)
    assert [version.state for version in versions].count(State.CURRENT) == 1, versions
    assert versions[0].state is State.RETIRED, versions
    assert all(version.state in _GONE for version in versions if version.state is not State.CURRENT), versions
    current = next(version for version in versions if version.state is State.CURRENT)
    assert attested_numbers(world, kind) == [current.ref.number], "not attested"
    actions = world.actions()
    once = ["key.dead", *(["key.revoked"] if provider_of(kind) is not Kind.MANUAL else [])]
    assert [actions.count(action) for action in once] == [1] * len(once), actions
    assert 1 <= actions.count("key.promoted") <= promotions, actions
    assert actions.count("incident.opened") <= 1, actions
    _check_store(world, held)


def check_back(world: World, kind: str, supervisor: int) -> None:
    """Hold the world to every promise of a rotation that was taken back: as if there had been none."""
    held = _held(world, kind, supervisor)
    assert held == world.planted[kind], "the agent does not hold the old value"
    _check_live(world, kind, held)
    first, *others = world.versions(kind)
    assert first.state is State.CURRENT, first
    assert all(version.state in _NOT_SERVING for version in others), others
    assert attested_numbers(world, kind) == [1], "not attested"
    _check_store(world, held)


def _held(world: World, kind: str, supervisor: int) -> str:
    """Return what the agent holds, which is the current value, and which its provider accepts."""
    held = held_value(supervisor, kind)
    assert held is not None, "no agent runs"
    assert held == world.current_value(kind), "the agent does not hold the current value"
    assert world.accepts(kind, held), "the key that the agent holds is not accepted"
    return held


def _check_live(world: World, kind: str, held: str) -> None:
    """One key is alive, and what was there before; a standby that nobody can switch off is sealed, and alive as well."""
    place = world.sites[kind]
    spares = {version.provider_key_id for version in world.versions(kind) if version.state is State.STANDBY}
    live = place.live([held, *world.planted.values()])
    alone = {place.id_of(held), *place.strangers}
    assert live - (spares if provider_of(kind) is Kind.MANUAL else set()) == alone, f"not exactly one key: {live}"


def _check_store(world: World, held: str) -> None:
    assert world.unfinished() == (), "a rotation is open"
    with world.open() as opened, opened.database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM cell WHERE sealed IS NOT NULL")).scalar() == 0
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA synchronous")).scalar() == 2, "a commit may be lost with the power"
    ended = command(world.environ, world.folder, "verify")
    assert ended.code == 0, ended.output
    found = leaks(world.folder, [*world.planted.values(), held])
    assert found == [], found
