"""Check the live ledger with everything the store can prove: hashes, keys, signed checkpoints."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger.checkpoint import checkpoints
from keysweep.foundation.ledger.verify import Row, verify
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedLedger:
    """A ledger that is whole."""

    entries: int
    head: bytes
    checkpoints: int


def check_ledger(opened: OpenVault) -> CheckedLedger:
    """Check the chain, the MAC of every entry and the signature of every checkpoint.

    Raises:
        IntegrityError: names the first bad entry.
    """
    with opened.database.read() as connection:
        signed = checkpoints(connection)
        for checkpoint in signed:
            checkpoint.check()
            if checkpoint.public_key != opened.signer.public_key:
                msg = f"the checkpoint at entry {checkpoint.seq} was signed with another key"
                raise IntegrityError(msg)
        query = select(tables.ledger.c.seq, tables.ledger.c.body, tables.ledger.c.previous, tables.ledger.c.hash)
        rows = (Row(*row) for row in connection.execute(query.order_by(tables.ledger.c.seq)))
        result = verify(rows, [(checkpoint.seq, checkpoint.head) for checkpoint in signed])
        if result.bad is not None:
            msg = f"ledger entry {result.bad}: {result.why}"
            raise IntegrityError(msg)
        if (forged := opened.ledger.bad_mac(connection)) is not None:
            msg = f"ledger entry {forged}: it was not written with this store's key"
            raise IntegrityError(msg)
    return CheckedLedger(entries=result.entries, head=result.head, checkpoints=len(signed))
