"""Append to the ledger, in the same transaction as the change that it records."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, final

from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import Clock, from_text
from keysweep.foundation.database import row_states, tables
from keysweep.foundation.ledger.entry import GENESIS, Detail, Entry, entry_hash


class Note(NamedTuple):
    """What an entry is to say."""

    actor: str
    action: str
    subject: str
    detail: Detail


@final
class Ledger:
    """Writes and reads the chain.

    Args:
        mac_key: 32 bytes of this store, without which nobody can extend the chain unnoticed; or which of its keys an
            entry is written with, by the entry's place.
        clock: tells the time of an entry.
    """

    __slots__ = ("_clock", "_key_of")

    def __init__(self, mac_key: bytes | Callable[[int], bytes], clock: Clock) -> None:
        self._key_of = (lambda _: mac_key) if isinstance(mac_key, bytes) else mac_key
        self._clock = clock

    def append(
        self, connection: Connection, *, actor: str, action: str, subject: str, detail: Detail | None = None
    ) -> Entry:
        """Add one entry to the chain; it stands or falls with the caller's transaction."""
        return self.append_all(connection, [Note(actor, action, subject, detail or {})])[-1]

    def append_all(self, connection: Connection, notes: Sequence[Note]) -> tuple[Entry, ...]:
        """Add many entries at once; the first of them names what is stated of the rows that the transaction wrote."""
        connection.execute(select(tables.store.c.id).with_for_update())  # one writer at a time, on PostgreSQL too
        seq, previous = head(connection)
        rows = row_states.state(connection)
        added, values = [], []
        for note in notes:
            seq += 1
            entry = Entry(seq=seq, at=self._clock(), **note._asdict(), rows=rows)
            body = entry.body()
            digest = entry_hash(seq, previous, body)
            mac = hmac.digest(self._key_of(seq), digest, "sha256")
            values.append({"seq": seq, "body": body, "previous": previous, "hash": digest, "mac": mac})
            added.append(entry)
            previous, rows = digest, ""
        connection.execute(insert(tables.ledger), values)
        return tuple(added)

    def witness(self, connection: Connection) -> None:
        """Add an entry for rows that a transaction wrote and no entry of it names yet, at the transaction's end."""
        if count := row_states.unstated(connection):
            self.append(connection, actor="store", action="rows.written", subject="", detail={"rows": count})

    def bad_mac(self, connection: Connection) -> int | None:
        """Return the first entry that was not written with this store's key, None if all were."""
        for row in connection.execute(select(tables.ledger).order_by(tables.ledger.c.seq)):
            if not hmac.compare_digest(row.mac, hmac.digest(self._key_of(row.seq), row.hash, "sha256")):
                return int(row.seq)
        return None


def head(connection: Connection) -> tuple[int, bytes]:
    """Return the place and hash of the newest entry; (0, zeros) for an empty ledger."""
    last = connection.execute(
        select(tables.ledger.c.seq, tables.ledger.c.hash).order_by(tables.ledger.c.seq.desc()).limit(1)
    ).first()
    return (last.seq, last.hash) if last else (0, GENESIS)


def entries(connection: Connection, *, subject: str | None = None, after: int = 0) -> Iterator[Entry]:
    """Yield entries in order.

    Args:
        connection: an open store.
        subject: only those about this name.
        after: only those behind this place.
    """
    for row in connection.execute(
        select(tables.ledger.c.body).where(tables.ledger.c.seq > after).order_by(tables.ledger.c.seq)
    ):
        record = json.loads(row.body)
        if subject in (None, record["subject"]):
            yield Entry(
                seq=record["seq"],
                at=from_text(record["at"]),
                actor=record["actor"],
                action=record["action"],
                subject=record["subject"],
                detail=record["detail"],
                rows=record.get("rows", ""),
            )


def export(connection: Connection) -> Iterator[dict[str, str | int]]:
    """Yield entries as `verify.py` reads them: place, body and the hashes in hexadecimal."""
    for row in connection.execute(select(tables.ledger).order_by(tables.ledger.c.seq)):
        yield {
            "seq": row.seq,
            "body": row.body,
            "previous": row.previous.hex(),
            "hash": row.hash.hex(),
            "mac": row.mac.hex(),
        }
