"""Rotate the master key: a new generation beside the old one, everything carried over in batches, then one switch.

Each step is one transaction, and what has moved is written down with it: a rotation that was killed goes on where it stood.
Values are readable throughout, because each names its generation.  Fingerprints are carried on without the value, also those
of values that are gone (ADR 0021).  The old generation goes when all has moved and was opened once more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.fingerprint import Fingerprinter
from keysweep.foundation.ledger import checkpoint
from keysweep.foundation.ledger.chain import head
from keysweep.rotation.vault import kek, match_key, moving, slot_rows
from keysweep.rotation.vault.generation import Generation, all_keys, seal_kept, write_mac
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.unlock import OpenVault, vault_with

Progress = Callable[[int], None]
"""Told how many rows have moved since it was told last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """A rotation of the master key that is done."""

    generation: int
    values: int
    """Sealed values that were opened and compared under the new key."""
    resumed: bool
    """An earlier run had begun it."""


def rotate_master(opened: OpenVault, *, actor: str, batch: int = 500, progress: Progress = lambda _: None) -> Rotated:
    """Give the store a new master key, or go on with what an earlier run began.

    Args:
        opened: the store.
        actor: for the ledger.
        batch: rows of one transaction.
        progress: told how far it is.

    Raises:
        IntegrityError: a sealed value is not what was written; what has moved stays, and the old master key with it.
    """
    resumed = _begin(opened, actor)
    while True:
        moving.carry_over(opened, batch, progress)
        values = moving.check(opened, batch)
        with opened.database.write() as connection:
            if moving.is_left(connection):
                continue  # a value was stored meanwhile
            number = _switch(connection, opened, actor, values)
        with opened.database.read() as connection:
            opened.ring.refresh(connection)
        opened.database.forget_log()
        return Rotated(generation=number, values=values, resumed=resumed)


def under_way(opened: OpenVault) -> bool:
    """Whether a rotation of the master key was begun and is not done."""
    with opened.database.read() as connection:
        opened.ring.refresh(connection)
    return opened.ring.following is not None


def _begin(opened: OpenVault, actor: str) -> bool:
    """Make the next generation unless there is one; return whether there was."""
    ring = opened.ring
    with opened.database.write() as connection:
        slot_rows.bring_up_to_date(connection, ring, opened.clock())
        if ring.following is not None:
            return True
        number, master = ring.current.number + 1, kek.new_master_key()
        keys = kek.SubKeys.derive(master, ring.tenant)
        connection.execute(
            insert(tables.generation).values(
                number=number,
                state="next",
                first_seq=0,
                public_key=checkpoint.Signer(keys.signing).public_key,
                created_at=to_text(opened.clock()),
            )
        )
        slots = slot_rows.seal_for_all(connection, ring.tenant, number, master)
        ring.write_mac(connection)
        opened.ledger.append(
            connection,
            actor=actor,
            action="master.rotation-begun",
            subject="store",
            detail={"generation": number, "slots": slots},
        )
    with opened.database.read() as connection:
        ring.refresh(connection)
    return False


def _switch(connection: Connection, opened: OpenVault, actor: str, values: int) -> int:
    """Make the next generation the current one, with everything that hangs on that, in one transaction.

    The entry that says so, and a checkpoint over it, are the last things that the old keys authenticate: whoever trusted the
    old public key learns the new one from it.
    """
    ring = opened.ring
    old, new = ring.current, _following(ring)
    new_keys = all_keys(new)
    after = match_key.Given(
        vault=vault_with(_Ahead(ring, new), ring.tenant, opened.clock),
        tenant=ring.tenant,
        fingerprinters=(ring.newest_fingerprinter(),),
        public_key=new.public_key,
    )
    match_keys = match_key.rewrap(connection, opened.vault, after)
    connection.execute(select(tables.store.c.id).with_for_update())  # as each entry does: nobody appends in between
    first_seq = head(connection)[0] + 2
    table = tables.generation
    for row in connection.execute(select(table.c.number).where(table.c.state != "next")).all():
        held = ring.generation(row.number)
        kept = seal_kept(new_keys, held.number, held.fingerprint, held.audit, ring.tenant)
        connection.execute(
            update(table).where(table.c.number == held.number).values(state="former", kept=kept, mac=None)
        )
    connection.execute(update(table).where(table.c.number == new.number).values(state="current", first_seq=first_seq))
    connection.execute(delete(tables.slot_master).where(tables.slot_master.c.generation != new.number))
    connection.execute(delete(tables.moved))
    write_mac(connection, new_keys.ring)
    opened.ledger.append(
        connection,
        actor=actor,
        action="master.rotated",
        subject="store",
        detail={
            "generation": new.number,
            "values": values,
            "match_keys": match_keys,
            "public_key": new.public_key.hex(),
        },
    )
    signer = checkpoint.Signer(all_keys(old).signing)
    checkpoint.take(connection, sign=signer.sign, public_key=old.public_key, clock=opened.clock)
    return new.number


class _Ahead:
    """The keys of a store as they are once the next generation is the current one."""

    def __init__(self, ring: KeyRing, new: Generation) -> None:
        self._ring = ring
        self._new = new

    def sealing(self) -> tuple[int, bytes]:
        """Return the next generation and its wrap key."""
        return self._new.number, all_keys(self._new).wrap

    def opening(self, number: int) -> bytes | None:
        """Return the wrap key of a generation."""
        return self._ring.opening(number)

    def fingerprinter(self) -> Fingerprinter:
        """Return what computes fingerprints then."""
        return self._ring.newest_fingerprinter()


def _following(ring: KeyRing) -> Generation:
    if ring.following is None:
        msg = "no rotation of the master key is under way"
        raise RuntimeError(msg)
    return ring.following
