"""On which terms a rotation was asked for: its policy, the grace of the old key, the time of its agents.  Its repository, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, insert, select, update

from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.rotation.engine.steps import Policy

LONGEST_GRACE = timedelta(hours=24)
"""What proves the old key dead afterwards is sealed for so long and not longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was asked for."""

    policy: Policy = Policy.SWAP
    """Of a forced rotation."""
    grace: timedelta = timedelta(0)
    """How long the old key lives on once the new one is current."""
    agents: timedelta = timedelta(seconds=60)
    """Within which each agent shall hold the new key; longer is recorded, and changes nothing else."""
    reference: str = ""
    """Ticket or incident of the person who asked."""

    def __post_init__(self) -> None:
        """Refuse a grace that outlives what it needs."""
        if not timedelta(0) <= self.grace <= LONGEST_GRACE:
            msg = "the old key can live on for 24 hours at the most: what proves it dead is kept for no longer"
            raise UsageError(msg, hint="--grace 24h")


def put(connection: Connection, rotation_id: str, terms: Terms) -> None:
    """Store the terms of a rotation, in place of earlier ones."""
    values = {
        "policy": terms.policy.value,
        "grace_s": round(terms.grace.total_seconds()),
        "agents_ms": round(terms.agents.total_seconds() * 1000),
        "reference": terms.reference,
    }
    where = tables.rotation_terms.c.rotation_id == rotation_id
    if connection.execute(update(tables.rotation_terms).where(where).values(**values)).rowcount == 0:
        connection.execute(insert(tables.rotation_terms).values(rotation_id=rotation_id, **values))


def of(connection: Connection, rotation_id: str) -> Terms:
    """Return the terms of a rotation; the usual ones for one that was begun before there were any."""
    row = connection.execute(
        select(tables.rotation_terms).where(tables.rotation_terms.c.rotation_id == rotation_id)
    ).first()
    if row is None:
        return Terms()
    return Terms(
        policy=Policy(row.policy),
        grace=timedelta(seconds=row.grace_s),
        agents=timedelta(milliseconds=row.agents_ms),
        reference=row.reference,
    )
