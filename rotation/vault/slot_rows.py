"""The slots of a store: open one, list, add, replace and remove them.  The last one that is known to open is never removed."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, delete, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.rotation.vault import kek
from keysweep.rotation.vault.generation import write_mac
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, kind


class UnknownSlotError(UsageError):
    """No slot has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRow:
    """One slot as it is listed."""

    id: str
    kind: str
    label: str
    params: Params
    created_at: datetime
    tested_at: datetime | None
    """When it was last seen to open the store."""

    @property
    def short(self) -> str:
        """The first eight digits of the name, for people."""
        return self.id[:8]


def slots(connection: Connection) -> tuple[SlotRow, ...]:
    """Return every slot, oldest first."""
    return tuple(_slot(row) for row in rows(connection))


def slot_named(connection: Connection, name: str) -> SlotRow:
    """Return a slot by its id, an unambiguous beginning of it, or its label.

    Raises:
        UnknownSlotError: none, or more than one, is called so.
    """
    found = [one for one in slots(connection) if name and (one.id.startswith(name) or one.label == name)]
    if len(found) != 1:
        msg = f"no single slot is called {name!r}"
        raise UnknownSlotError(msg, hint="keysweep vault slots")
    return found[0]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Prepared:
    """A key that was made for a slot and that the store does not know yet."""

    slot: str
    kind: str
    label: str
    made: NewKey


def prepare(tenant: str, means: Means, kind_name: str, label: str) -> Prepared:
    """Make the key of a new slot; asks a person where the kind does, so no transaction may be open.

    Raises:
        UsageError: a key of that kind cannot be made here.
    """
    slot = uuid.uuid4().hex
    made = kind(kind_name).make(means, Place(tenant=tenant, slot=slot, label=label), None)
    return Prepared(slot=slot, kind=kind_name, label=label, made=made)


def prepare_anew(tenant: str, means: Means, slot: SlotRow) -> Prepared:
    """Make a key that replaces that of a slot; until the store knows of it, the old one opens the slot.

    Raises:
        UsageError: a key of that kind cannot be made here.
    """
    made = kind(slot.kind).make(means, Place(tenant=tenant, slot=slot.id, label=slot.label), slot.params)
    return Prepared(slot=slot.id, kind=slot.kind, label=slot.label, made=made)


def first_slot(connection: Connection, prepared: Prepared, tenant: str, at: datetime) -> bytes:
    """Store a store's first slot, its first generation and its master key; return the master key."""
    master = kek.new_master_key()
    keys = kek.SubKeys.derive(master, tenant)
    public = _insert(connection, prepared, tenant, at)
    _first_generation(connection, keys, at)
    _seal(connection, prepared.slot, public, tenant, {1: master})
    write_mac(connection, keys.ring)
    return master


def add_slot(connection: Connection, ring: KeyRing, prepared: Prepared, at: datetime) -> SlotRow:
    """Add a slot that opens the store as well.

    Raises:
        UsageError: the label is taken.
    """
    if prepared.label and any(prepared.label == one.label for one in slots(connection)):
        msg = f"there is a slot called {prepared.label!r}"
        raise UsageError(msg, hint="keysweep vault slots")
    bring_up_to_date(connection, ring, at)
    public = _insert(connection, prepared, ring.tenant, at)
    _seal(connection, prepared.slot, public, ring.tenant, ring.masters(connection))
    ring.write_mac(connection)
    return slot_named(connection, prepared.slot)


def replace_key(connection: Connection, ring: KeyRing, prepared: Prepared, at: datetime) -> None:
    """Give a slot a new key and a new key pair; only the master key is sealed anew.

    Whoever calls this calls `prepared.made.done` when the transaction is committed, and not before: it lets go of the old key.
    """
    bring_up_to_date(connection, ring, at)
    params, wrapped, public = _wrapped(prepared.made, prepared.slot, ring.tenant)
    masters = ring.masters(connection)
    slot, pair = tables.kek_slot, tables.slot_key
    connection.execute(update(slot).where(slot.c.id == prepared.slot).values(params=params, wrapped=wrapped))
    connection.execute(update(pair).where(pair.c.slot_id == prepared.slot).values(public=public, tested_at=to_text(at)))
    connection.execute(delete(tables.slot_master).where(tables.slot_master.c.slot_id == prepared.slot))
    _seal(connection, prepared.slot, public, ring.tenant, masters)
    ring.write_mac(connection)


def remove_slot(connection: Connection, ring: KeyRing, slot: SlotRow, at: datetime) -> None:
    """Take a slot away.

    Raises:
        UsageError: it is the last one, or none that is left was ever seen to open the store.
    """
    bring_up_to_date(connection, ring, at)
    left = [one for one in slots(connection) if one.id != slot.id]
    if not left:
        msg = "this is the store's last slot: without it nothing opens it"
        raise UsageError(msg, hint="keysweep vault add-slot key-file --out FILE")
    if not any(one.tested_at or one.id == ring.slot for one in left):
        msg = "none of the slots that would be left was ever seen to open the store"
        raise UsageError(msg, hint="keysweep vault slots --test")
    for table in (tables.slot_master, tables.slot_key):
        connection.execute(delete(table).where(table.c.slot_id == slot.id))
    connection.execute(delete(tables.kek_slot).where(tables.kek_slot.c.id == slot.id))
    ring.write_mac(connection)


def mark_tested(connection: Connection, ring: KeyRing, names: tuple[str, ...], at: datetime) -> None:
    """Record that slots were seen to open the store."""
    bring_up_to_date(connection, ring, at)
    connection.execute(
        update(tables.slot_key).where(tables.slot_key.c.slot_id.in_(names)).values(tested_at=to_text(at))
    )
    ring.write_mac(connection)


def bring_up_to_date(connection: Connection, ring: KeyRing, at: datetime) -> None:
    """Give the slot of a store from before there were generations its key pair, and the store its first generation.

    Raises:
        UsageError: the store has further slots, which this process did not open.
    """
    ring.check(connection)
    if not ring.is_old:
        return
    row, *others = rows(connection)
    if others:
        msg = "the store has several slots of an older form"
        raise UsageError(msg, hint="keysweep verify")
    key, master = ring.old_keys()
    private, public = kek.new_pair()
    wrapped = kek.wrap_private(key, private, slot=row.id, tenant=ring.tenant, params=row.params)
    connection.execute(update(tables.kek_slot).where(tables.kek_slot.c.id == row.id).values(wrapped=wrapped))
    connection.execute(insert(tables.slot_key).values(slot_id=row.id, label="", public=public, tested_at=to_text(at)))
    _first_generation(connection, kek.SubKeys.derive(master, ring.tenant), at)
    _seal(connection, row.id, public, ring.tenant, {1: master})
    ring.adopt(connection, private)


def seal_for_all(connection: Connection, tenant: str, generation: int, master: bytes) -> int:
    """Seal a new master key to every slot; return how many there are."""
    rows = connection.execute(select(tables.slot_key.c.slot_id, tables.slot_key.c.public)).all()
    for row in rows:
        _seal(connection, row.slot_id, row.public, tenant, {generation: master})
    return len(rows)


def rows(connection: Connection) -> list[Row[tuple[object, ...]]]:
    """Return the rows of all slots with those of their key pairs, oldest first."""
    slot, pair = tables.kek_slot, tables.slot_key
    return list(
        connection.execute(
            select(slot, pair.c.label, pair.c.public, pair.c.tested_at)
            .join(pair, pair.c.slot_id == slot.c.id, isouter=True)
            .order_by(slot.c.created_at, slot.c.id)
        ).all()
    )


def _slot(row: Row[tuple[object, ...]]) -> SlotRow:
    return SlotRow(
        id=row.id,
        kind=row.kind,
        label=row.label or "",
        params=json.loads(row.params),
        created_at=from_text(row.created_at),
        tested_at=from_text(row.tested_at) if row.tested_at else None,
    )


def _wrapped(made: NewKey, slot: str, tenant: str) -> tuple[str, bytes, bytes]:
    params = json.dumps(dict(made.params), sort_keys=True)
    private, public = kek.new_pair()
    return params, kek.wrap_private(made.key, private, slot=slot, tenant=tenant, params=params), public


def _insert(connection: Connection, prepared: Prepared, tenant: str, at: datetime) -> bytes:
    params, wrapped, public = _wrapped(prepared.made, prepared.slot, tenant)
    connection.execute(
        insert(tables.kek_slot).values(
            id=prepared.slot, kind=prepared.kind, params=params, wrapped=wrapped, created_at=to_text(at)
        )
    )
    connection.execute(insert(tables.slot_key).values(slot_id=prepared.slot, label=prepared.label, public=public))
    return public


def _first_generation(connection: Connection, keys: kek.SubKeys, at: datetime) -> None:
    from keysweep.foundation.ledger.checkpoint import Signer

    connection.execute(
        insert(tables.generation).values(
            number=1,
            state="current",
            first_seq=1,
            public_key=Signer(keys.signing).public_key,
            created_at=to_text(at),
        )
    )


def _seal(connection: Connection, slot: str, public: bytes, tenant: str, masters: dict[int, bytes]) -> None:
    connection.execute(
        insert(tables.slot_master),
        [
            {
                "slot_id": slot,
                "generation": number,
                "sealed": kek.seal_master(public, master, slot=slot, tenant=tenant, generation=number),
            }
            for number, master in masters.items()
        ],
    )
