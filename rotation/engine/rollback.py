"""Return to the old key: planned mode only, and only before the old key was revoked."""

from __future__ import annotations

import logging

from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import AgentError, Holding
from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine import journal, orphans
from keysweep.rotation.engine.demote import demote
from keysweep.rotation.engine.run import Run, StepFailedError
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.providers import Kind
from keysweep.rotation.vault import store

_PATIENCE_S = 30.0
_LOG = logging.getLogger(__name__)


def roll_back(run: Run) -> None:
    """Make the old key the accepted one, the agents hold it again, and the new key gone.  May run again.

    Raises:
        ProviderError: the provider did not do its part.
        StepFailedError: an agent did not come back.
    """
    number = run.record().new_number
    new = run.new() if number is not None else None
    if new is not None and new.state is State.CURRENT:
        demote(run, new)
        new = run.new()
    dropped = new is not None and new.state is State.DISCARDED
    if new is not None and not dropped and run.provider.facts.kind is Kind.SET_VALUE and run.provider.set_value:
        current, old = run.value(new.ref), run.value(run.old().ref)
        run.provider.set_value(run.account, current, old)
        current.wipe()
        old.wipe()
    if _started(run, Step.ACTIVATE):
        _restore_agents(run)
    if new is not None:
        _drop(run, new)
    orphans.sweep(run)
    with run.opened.database.write() as connection:
        run.journal.renew(connection)
        journal.shred_cells(connection, run.rotation_id, run.opened.clock())


def _started(run: Run, step: Step) -> bool:
    with run.opened.database.read() as connection:
        return any(event.step is step for event in journal.events(connection, run.rotation_id))


def _restore_agents(run: Run) -> None:
    until = run.monotonic() + _PATIENCE_S
    waiting = list(run.deliveries(run.old()))
    for agent, delivery in waiting:
        try:
            agent.deliver(delivery)
            agent.activate(delivery)
        except AgentError as error:
            _LOG.warning("agent %s: %s", delivery.agent, error.message)  # it may come back all the same: see below
    while waiting:
        for agent, delivery in list(waiting):
            if agent.nudge is not None:
                agent.nudge(delivery)
            if agent.attest(delivery).holding is not Holding.OTHER:
                waiting.remove((agent, delivery))
        if waiting and run.monotonic() > until:
            msg = f"agent {waiting[0][1].agent!r} did not come back to the old key"
            raise StepFailedError(msg)
        run.sleep(min((agent.poll_s for agent, _ in waiting), default=0.0))


def _drop(run: Run, new: Version) -> None:
    """End the new key at the provider and forget it; a standby goes back to the shelf instead."""
    if run.provider.facts.kind in {Kind.DEACTIVATE_ONLY, Kind.MANUAL}:
        if run.provider.deactivate and new.provider_key_id:
            run.provider.deactivate(run.account, new.provider_key_id)
        _leave(run, new, State.STANDBY, shred=False)
        return
    facts = run.provider.facts
    if run.provider.mint and run.provider.revoke:
        run.provider.revoke(run.account, new.provider_key_id, Secret(b""))
    elif run.provider.revoke and facts.kind is Kind.SET_VALUE and not facts.old_dies_on_set and _is_kept(run, new):
        value = run.value(new.ref)  # the provider had both: the return of the old one did not end it
        run.provider.revoke(run.account, new.provider_key_id, value)
        value.wipe()
    _leave(run, new, State.DISCARDED, shred=True)


def _is_kept(run: Run, version: Version) -> bool:
    with run.opened.database.read() as connection:
        return store.sealed_value(connection, version.ref) is not None


def _leave(run: Run, new: Version, state: State, *, shred: bool) -> None:
    with run.opened.database.write() as connection:
        run.journal.renew(connection)
        store.change_version(connection, new.ref, state)
        if shred:
            store.shred_value(connection, new.ref)
