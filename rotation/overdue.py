"""What is overdue, as a condition that the engine decides: of tens of thousands only those of a page are read."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, and_, case, literal, or_, select

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.rotation import policies
from keysweep.rotation.age_limit import DEFAULT_CLASS, Policies


def condition(connection: Connection, known: Policies, now: datetime) -> ColumnElement[bool]:
    """Return whether a row of `listed` is in use and older than its limit, with no exception, or was ended by its provider.

    Args:
        connection: an open store.
        known: the limits that count.
        now: the moment that is asked about.
    """
    row = tables.listed.c
    limits = {name: _latest(known, name, now) for name in known.classes}
    default = _latest(known, DEFAULT_CLASS, now)
    own = {days: to_text(now - timedelta(days=days + 1)) for days in _own_days(connection)}
    by_class = case(limits, value=row["class"], else_=default) if limits else literal(default)
    late = row.since <= by_class
    if own:  # an own limit that is longer than its policy's is met by no value that is not late already
        late = or_(late, and_(row.own_days.is_not(None), row.since <= case(own, value=row.own_days)))
    too_old = and_(
        row.since <= max(default, *limits.values(), *own.values(), ""),
        late,
        row.credential_id.not_in(policies.excepted_at(now)),
    )
    ended = ended_by(now)
    if connection.execute(ended.limit(1)).first() is None:
        return and_(too_old, row.has_value == 1)  # in which an index finds its way
    return and_(or_(too_old, row.credential_id.in_(ended)), row.has_value == 1)


def ended_by(moment: datetime) -> Select[tuple[str]]:
    """Return the query for the ids of the credentials that their providers end by a moment."""
    ends = tables.credential.c.expires_at
    return select(tables.credential.c.id).where(ends.is_not(None), ends <= to_text(moment))


def _latest(known: Policies, policy_class: str, now: datetime) -> str:
    return to_text(known.overdue_from(policy_class, None, now))


def _own_days(connection: Connection) -> list[int]:
    days = tables.listed.c.own_days
    return list(connection.execute(select(days).where(days.is_not(None)).distinct()).scalars())
