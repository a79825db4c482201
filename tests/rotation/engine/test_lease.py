"""The lease: one worker a credential, and a fence that keeps a worker out that was paused past its lease."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from keysweep.foundation.clock import Clock, system_clock
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import Journal, RotationRecord
from keysweep.rotation.engine.lease import TERM, BusyError, FencedError, Lease, acquire, release
from keysweep.rotation.engine.steps import Mode, Result, Step
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.stores import World


def _later(by: timedelta) -> Clock:
    return lambda: system_clock() + by


def _take(opened: OpenVault, world: World, clock: Clock = system_clock) -> Lease:
    with opened.database.write() as connection:
        return acquire(connection, world.credential("openai").id, clock)


def _begun(opened: OpenVault, world: World) -> str:
    with opened.database.write() as connection:
        journal.begin(
            connection,
            RotationRecord(
                id="r" * 32,
                credential_id=world.credential("openai").id,
                old_number=1,
                new_number=None,
                mode=Mode.PLANNED,
                steps=(Step.PREPARE,),
                reason="",
                incident_id=None,
                tag="keysweep-test",
                started_at=system_clock(),
                finished_at=None,
                outcome=None,
            ),
        )
    return "r" * 32


def test_a_second_worker_is_told_to_wait(world: World) -> None:
    """While a living worker holds the lease nobody else gets it."""
    with world.open() as opened:
        _take(opened, world)
        with pytest.raises(BusyError):
            _take(opened, world)


def test_a_lease_that_was_given_back_is_free(world: World) -> None:
    """After a release the next worker need not wait, and its fence is higher."""
    with world.open() as opened:
        first = _take(opened, world)
        with opened.database.write() as connection:
            release(connection, first)
        assert _take(opened, world).fence == first.fence + 1


def test_a_lease_that_ran_out_is_taken_over_with_a_higher_fence(world: World) -> None:
    """A worker that did not renew for the whole term loses the lease."""
    with world.open() as opened:
        first = _take(opened, world)
        assert _take(opened, world, _later(TERM + timedelta(seconds=1))).fence == first.fence + 1


def test_a_journal_row_renews_the_lease(world: World) -> None:
    """A worker that writes keeps its lease: the term counts from its last row."""
    with world.open() as opened:
        lease = _take(opened, world)
        identifier = _begun(opened, world)
        with opened.database.write() as connection:
            Journal(identifier, lease, _later(TERM)).intent(connection, Step.PREPARE)
        with pytest.raises(BusyError):
            _take(opened, world, _later(TERM + timedelta(seconds=1)))


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda paused, connection: paused.intent(connection, Step.PREPARE), id="intent"),
        pytest.param(lambda paused, connection: paused.outcome(connection, Step.PREPARE, 1, Result.OK), id="outcome"),
        pytest.param(lambda paused, connection: paused.renew(connection), id="renewal"),
        pytest.param(lambda paused, connection: paused.fresh(connection), id="look"),
    ],
)
def test_a_worker_that_was_paused_past_its_lease_writes_nothing(
    write: Callable[[Journal, Connection], object], world: World
) -> None:
    """Whatever it tries to write after a takeover, it is told so and no row of it is in the journal."""
    with world.open() as opened:
        paused = Journal(_begun(opened, world), _take(opened, world), system_clock)
        _take(opened, world, _later(TERM + timedelta(seconds=1)))
        with opened.database.write() as connection, pytest.raises(FencedError):
            write(paused, connection)
        assert world.events("r" * 32) == ()


def test_who_waits_renews_the_lease_when_a_third_of_it_is_over(world: World) -> None:
    """Not with every look, which may be twenty in a second; and early enough that nobody can take it over meanwhile."""
    with world.open() as opened:
        lease = _take(opened, world)
        identifier = _begun(opened, world)
        with opened.database.read() as connection:
            assert Journal(identifier, lease, _later(TERM / 3 - timedelta(seconds=2))).fresh(connection)
            assert not Journal(identifier, lease, _later(TERM / 3)).fresh(connection)


def test_a_release_by_the_fenced_worker_takes_nothing_away(world: World) -> None:
    """The one that was fenced out cannot give back a lease that is not its own any more."""
    with world.open() as opened:
        first = _take(opened, world)
        _take(opened, world, _later(TERM + timedelta(seconds=1)))
        with opened.database.write() as connection:
            release(connection, first)
        with pytest.raises(BusyError):
            _take(opened, world)


def test_a_step_is_recorded_as_done_once(world: World) -> None:
    """The store refuses a second good outcome of a step: a revocation cannot be on record twice, whoever writes it."""
    with world.open() as opened:
        written = Journal(_begun(opened, world), _take(opened, world), system_clock)
        with opened.database.write() as connection:
            written.outcome(connection, Step.REVOKE, 1, Result.FAILED)
            written.outcome(connection, Step.REVOKE, 2, Result.OK)
        with opened.database.write() as connection, pytest.raises(IntegrityError):
            written.outcome(connection, Step.REVOKE, 3, Result.OK)
