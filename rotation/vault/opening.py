"""Open a store: try the slots that this process has a way to, those that ask a person last."""

from __future__ import annotations

import json
from functools import partial

from sqlalchemy import Connection, Row

from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import DeniedError, IntegrityError
from keysweep.rotation.vault import kek, slot_rows
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.slot_rows import SlotRow
from keysweep.rotation.vault.slots import LockedError, Means, Place, kind, kinds
from keysweep.rotation.vault.slots.passphrase import unattended


def open_ring(database: Database, tenant: str, means: Means) -> KeyRing:
    """Open the first slot that this process can open, and everything behind it.

    Raises:
        LockedError: there is none.
        IntegrityError: the store has no slot, or its slots are not what was written.
    """
    with database.read() as connection:
        rows = _by_rank(connection)
        if not rows:
            msg = "the store has no slot that keysweep knows"
            raise IntegrityError(msg, hint="install the newest keysweep, or restore the store from a backup")
        denied: list[DeniedError] = []
        for row in rows:
            ring = _tried(database, tenant, row, means, denied)
            if ring is not None:
                ring.refresh(connection)
                return ring
    if len(denied) == 1:
        raise denied[0]
    msg = "no slot of this store can be opened here: " + "; ".join(dict.fromkeys(error.message for error in denied))
    raise LockedError(msg, hint=denied[0].hint)


def opens(connection: Connection, database: Database, tenant: str, slot: SlotRow, means: Means) -> str | None:
    """Try one slot; return None if it opens the store, else why it does not."""
    row = next(row for row in slot_rows.rows(connection) if row.id == slot.id)
    denied: list[DeniedError] = []
    ring = _tried(database, tenant, row, means, denied)
    return None if ring is not None else denied[0].message


def _again(tenant: str, means: Means, connection: Connection) -> tuple[str, bytes] | None:
    """Open a slot once more, in a process that has run for a while and may ask nobody."""
    for row in _by_rank(connection):
        if row.public is None:
            continue
        try:
            keys = _candidates(row, means, tenant)
        except DeniedError:
            continue
        for key in keys:
            if private := kek.unwrap_private(key, row.wrapped, slot=row.id, tenant=tenant, params=row.params):
                return row.id, private
    return None


def _by_rank(connection: Connection) -> list[Row[tuple[object, ...]]]:
    known = kinds()
    return sorted(
        (row for row in slot_rows.rows(connection) if row.kind in known), key=lambda row: known.index(row.kind)
    )


def _tried(
    database: Database, tenant: str, row: Row[tuple[object, ...]], means: Means, denied: list[DeniedError]
) -> KeyRing | None:
    try:
        keys = _candidates(row, means, tenant)
    except DeniedError as error:
        denied.append(error)
        return None
    for key in keys:
        if row.public is None:
            if master := _old_master(key, row, tenant):
                return KeyRing(database, tenant, row.id, private=None, old=(key, master))
        elif private := kek.unwrap_private(key, row.wrapped, slot=row.id, tenant=tenant, params=row.params):
            return KeyRing(database, tenant, row.id, private=private, again=partial(_again, tenant, unattended(means)))
    denied.append(_unopened(row.kind, means, any_key=bool(keys)))
    return None


def _unopened(kind_name: str, means: Means, *, any_key: bool) -> DeniedError:
    if kind_name == "key-file":
        return DeniedError(
            f"the key file {means.key_file} does not open this store",
            hint="say which one does with --key-file or KEYSWEEP_KEY_FILE",
        )
    why = "does not open this store" if any_key else "is not at hand"
    return DeniedError(f"the {kind_name} {why}", hint="keysweep doctor")


def _candidates(row: Row[tuple[object, ...]], means: Means, tenant: str) -> tuple[bytes, ...]:
    try:
        params = json.loads(row.params)
        return kind(row.kind).keys(means, Place(tenant=tenant, slot=row.id, label=row.label or ""), params)
    except (ValueError, KeyError, TypeError) as error:
        msg = f"the parameters of the slot {row.id[:8]} are not what was written"
        raise IntegrityError(msg, hint="restore the store from a backup") from error


def _old_master(key: bytes, row: Row[tuple[object, ...]], tenant: str) -> bytes | None:
    return kek.unwrap_master(key, row.wrapped, slot=row.id, tenant=tenant)
