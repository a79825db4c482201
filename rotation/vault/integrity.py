"""Check the store with everything it can prove: the ledger's hashes, keys, signed checkpoints, and every row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger.checkpoint import Checkpoint, checkpoints
from keysweep.foundation.ledger.verify import Row, verify
from keysweep.rotation.vault.row_check import check_rows
from keysweep.rotation.vault.unlock import OpenVault

_RESTORED = "if the store was put back from a backup on purpose: keysweep verify --accept-restored"


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLedger:
    """A ledger that is whole."""

    entries: int
    head: bytes
    checkpoints: int
    rows: int | None
    """Rows that are what was written; None where nothing was stated of any yet."""


def check_ledger(
    opened: OpenVault, kept: Sequence[Checkpoint] = (), seen: Sequence[tuple[int, bytes]] = ()
) -> CheckedLedger:
    """Check the chain, the MAC of every entry, the signature of every checkpoint, and that every row is what was written.

    Args:
        opened: the store.
        kept: checkpoints that were taken off it, and must hold all the same.
        seen: (place, head) pairs that this machine has seen.

    Raises:
        IntegrityError: names the first bad entry, or the forged rows.
    """
    with opened.database.read() as connection:
        signed = (*checkpoints(connection), *kept)
        for checkpoint in signed:
            checkpoint.check()
            if checkpoint.public_key != opened.ring.public_key(checkpoint.seq):
                msg = f"the checkpoint at entry {checkpoint.seq} was signed with another key"
                raise IntegrityError(msg)
        query = select(tables.ledger.c.seq, tables.ledger.c.body, tables.ledger.c.previous, tables.ledger.c.hash)
        entries = (Row(*row) for row in connection.execute(query.order_by(tables.ledger.c.seq)))
        result = verify(entries, [*((checkpoint.seq, checkpoint.head) for checkpoint in signed), *seen])
        if result.bad is not None and not result.why.startswith("forked"):
            msg = f"ledger entry {result.bad}: {result.why}"
            raise IntegrityError(msg, hint=_RESTORED)
        if (forged := opened.ledger.bad_mac(connection)) is not None:
            msg = f"ledger entry {forged}: it was not written with this store's key"
            raise IntegrityError(msg)
        if result.bad is not None:  # each entry is of this store: an old copy was put back, and went on from there
            msg = f"ledger entry {result.bad}: {result.why}"
            raise IntegrityError(msg, hint=_RESTORED)
        rows = check_rows(connection)
    return CheckedLedger(entries=result.entries, head=result.head, checkpoints=len(signed), rows=rows)
