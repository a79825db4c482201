"""The cap on what is kept of an old value: a day after it left its place it is destroyed, proven dead or not.

Each sealed copy has a data key of its own, which goes with it.  A rotation that comes back later ends as contained, not proven.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, Row, case, or_, select

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.rotation.credential import CredentialId, State, VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.run import OLD
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

CAP = timedelta(hours=24)
"""How long an old value may be kept after it was replaced or revoked, or its grace is over."""


def expire(opened: OpenVault) -> int:
    """Destroy every copy of an old value that is older than the cap, and say so in the ledger; return how many."""
    with opened.database.read() as connection:
        due = _due(connection, opened.clock())
    if not due:
        return 0
    with opened.database.write() as connection:
        now = opened.clock()
        due = _due(connection, now)
        for row in due:
            old = VersionRef(credential_id=CredentialId(row.credential_id), number=row.old_number)
            journal.shred_cells(connection, row.id, now, name=OLD)
            if store.version(connection, old).state in {State.RETIRING, State.RETIRED}:
                store.shred_value(connection, old)
            opened.ledger.append(
                connection,
                actor="engine",
                action="key.shredded",
                subject=store.credential_by_id(connection, old.credential_id).name,
                detail={
                    "version": old.number,
                    "rotation": row.id,
                    "why": f"kept for {CAP.total_seconds() / 3600:.0f} h; not proven dead",
                },
            )
    return len(due)


def _due(connection: Connection, now: datetime) -> list[Row[tuple[str, str, int]]]:
    """Return the rotations that keep a copy which is too old: in a cell, or where there was no new key to take its place.

    An old key that is in its grace is no old one yet: its copy is kept until the first attempt to end it, for a day at the most.
    """
    cell, rotation, version = tables.cell.c, tables.rotation.c, tables.version.c
    before, in_grace_before = to_text(now - CAP), to_text(now - 2 * CAP)
    waits = rotation.outcome == Outcome.WAITING.value
    in_a_cell = (
        select(cell.rotation_id)
        .where(
            cell.rotation_id == rotation.id,
            cell.name == OLD,
            cell.sealed.is_not(None),
            cell.created_at < case((waits, in_grace_before), else_=before),
        )
        .exists()
    )
    in_its_place = (
        select(version.number)
        .where(
            version.credential_id == rotation.credential_id,
            version.number == rotation.old_number,
            version.state.in_([State.RETIRING.value, State.RETIRED.value]),
            version.sealed.is_not(None),
            version.revoked_at < before,
        )
        .exists()
    )
    return list(
        connection.execute(
            select(rotation.id, rotation.credential_id, rotation.old_number).where(or_(in_a_cell, in_its_place))
        )
    )
