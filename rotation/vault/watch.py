"""What each command leaves behind for the next `verify`: how far this machine has seen the ledger, and checkpoints elsewhere."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from keysweep.foundation.ledger import anchor, checkpoint
from keysweep.foundation.ledger.checkpoint import Checkpoint
from keysweep.foundation.ledger.mark import HighWater
from keysweep.rotation.vault.unlock import OpenVault


def high_water(opened: OpenVault, folder: Path) -> HighWater:
    """Return the mark of this store on this machine."""
    return HighWater(folder, opened.ring.tenant)


def is_as_seen(opened: OpenVault, folder: Path) -> bool:
    """Raise the mark; return False if the ledger is not the one that was seen before: cut, rewritten, an old copy."""
    with opened.database.read() as connection:
        return high_water(opened, folder).raise_to(connection)


def carry_off(opened: OpenVault) -> bool:
    """Take a checkpoint to where the settings say, if it is time; return whether it was.

    Raises:
        UsageError: the settings name no place, or the checkpoint did not arrive.
    """
    wanted = opened.settings.audit
    if not wanted.anchor:
        return False
    with opened.database.read() as connection:
        due = anchor.is_due(
            connection,
            wanted.anchor,
            opened.clock(),
            entries=max(wanted.anchor_entries, 1),
            minutes=wanted.anchor_minutes,
        )
    if due:
        export(opened, wanted.anchor)
    return due


def export(opened: OpenVault, where: str, time_stamp: bytes | None = None) -> Checkpoint:
    """Sign the ledger as it stands, take the checkpoint somewhere, and note that.

    Raises:
        UsageError: there is no such place, or the checkpoint did not arrive.
    """
    sink = anchor.parse_sink(where)
    with opened.database.write() as connection:
        taken = signed_now(opened, connection)
    anchor.send(anchor.line_of(taken, opened.ring.tenant, time_stamp), sink, opened.clock())
    with opened.database.write() as connection:
        anchor.note(connection, taken.seq, where, opened.clock())
    return taken


def signed_now(opened: OpenVault, connection: Connection) -> Checkpoint:
    """Sign the ledger as it stands; the same head is signed once."""
    signer = opened.signer
    return checkpoint.take(connection, sign=signer.sign, public_key=signer.public_key, clock=opened.clock)
