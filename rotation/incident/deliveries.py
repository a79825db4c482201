"""Deliveries of signed events: each is acted on once, and answered from what is written here when it comes again.  A repository.

Only what was verified is kept: whoever cannot sign must not be able to use up the name of somebody's delivery.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery that was verified."""

    sender: str
    delivery_id: str
    received_at: datetime
    answered_at: datetime | None
    """None while something that it led to has not ended well: then it is taken up again."""
    answer: str


def receive(connection: Connection, sender: str, delivery_id: str, at: datetime) -> Delivery:
    """Return the delivery of that name, which is stored if it is new."""
    row = connection.execute(select(tables.delivery).where(*_is(sender, delivery_id))).first()
    if row is not None:
        return Delivery(
            sender=row.sender,
            delivery_id=row.delivery_id,
            received_at=from_text(row.received_at),
            answered_at=from_text(row.answered_at) if row.answered_at else None,
            answer=row.answer,
        )
    connection.execute(
        insert(tables.delivery).values(sender=sender, delivery_id=delivery_id, received_at=to_text(at), answer="")
    )
    return Delivery(sender=sender, delivery_id=delivery_id, received_at=at, answered_at=None, answer="")


def answer(connection: Connection, delivery: Delivery, said: str, at: datetime) -> None:
    """Record what a delivery led to, all of which has ended well."""
    connection.execute(
        update(tables.delivery)
        .where(*_is(delivery.sender, delivery.delivery_id))
        .values(answered_at=to_text(at), answer=said)
    )


def _is(sender: str, delivery_id: str) -> tuple[Any, Any]:
    return tables.delivery.c.sender == sender, tables.delivery.c.delivery_id == delivery_id
