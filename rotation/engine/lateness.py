"""Agents that take longer than their target to hold a new key: that is written down, and nothing else follows from it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from keysweep.rotation.engine import journal, terms
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Step


def late(run: Run) -> int | None:
    """Return how many milliseconds ago the agents were first asked to take the new key, if that is longer than their target."""
    with run.opened.database.read() as connection:
        target = terms.of(connection, run.rotation_id).agents
        asked = next((e.at for e in journal.events(connection, run.rotation_id) if e.step is Step.ACTIVATE), None)
    since = run.opened.clock() - asked if asked else None
    return round(since.total_seconds() * 1000) if since is not None and since > target else None


def record(run: Run, connection: Connection, slow: Mapping[str, int]) -> None:
    """Write into the ledger which agents were late, in the caller's transaction."""
    for agent, ms in sorted(slow.items()):
        target = terms.of(connection, run.rotation_id).agents
        run.record_in_ledger(
            connection,
            "agent.late",
            {"agent": agent, "took_ms": ms, "target_ms": round(target.total_seconds() * 1000)},
        )
