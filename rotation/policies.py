"""Age limits and exceptions as stored, with who approved them.  Rows are added, never changed: the past can be asked about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, Table, func, insert, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.rotation.age_limit import DEFAULT_CLASS, LONGEST_EXCEPTION, AgeLimit, Exemption, Policies, Source
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.stated import checked, stated
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_LONGEST_DAYS = 3650


def as_of(connection: Connection, moment: datetime, *, default_days: int) -> Policies:
    """Return every policy and exception that was recorded by *moment*.

    Args:
        connection: an open store.
        moment: what was recorded later is not seen.
        default_days: the settings' limit, for a store without a default policy.
    """
    limits = connection.execute(_newest(tables.policy, "class", moment)).mappings()
    classes = {row["class"]: _limit(row) for row in limits}
    exemptions = {
        row.credential_id: Exemption(
            until=from_text(row.until),
            reason=row.reason,
            approved_by=row.approved_by,
            recorded_at=from_text(row.recorded_at),
        )
        for row in connection.execute(_newest(tables.policy_exception, "credential_id", moment))
        if row.until > row.recorded_at
    }
    default = classes.pop(DEFAULT_CLASS, None) or AgeLimit(max_age_days=default_days, source=Source.SETTINGS)
    return Policies(default=default, classes=classes, exemptions=exemptions)


def excepted_at(moment: datetime) -> Select[Any]:
    """Return the query for the ids of the credentials that may be older at a moment."""
    newest = _newest(tables.policy_exception, "credential_id", moment).subquery()
    return select(newest.c.credential_id).where(
        newest.c.until > newest.c.recorded_at, newest.c.until >= to_text(moment)
    )


def overview(opened: OpenVault) -> tuple[Policies, tuple[tuple[str, Exemption], ...]]:
    """Return what counts now, and the exceptions with the names of their credentials, in order."""
    now = opened.clock()
    with opened.database.read() as connection:
        known = as_of(connection, now, default_days=opened.settings.report.max_age_days)
        named = [
            (store.credential_by_id(connection, CredentialId(identifier)).name, exemption)
            for identifier, exemption in known.exemptions.items()
            if exemption.until >= now
        ]
    return known, tuple(sorted(named, key=lambda pair: pair[0]))


def set_limit(
    opened: OpenVault,
    *,
    policy_class: str,
    days: int,
    risk_analysis: str,
    approved_by: str,
    approved_at: datetime | None,
    actor: str,
) -> AgeLimit:
    """Record the age limit of a class.

    Raises:
        UsageError: it has no approver or no risk analysis, or is no sensible number of days.
    """
    if not 0 < days <= _LONGEST_DAYS:
        msg = f"an age limit is between 1 and {_LONGEST_DAYS} days"
        raise UsageError(msg)
    now = opened.clock()
    if approved_at is not None and approved_at > now:
        msg = "the approval lies in the future"
        raise UsageError(msg)
    facts = {
        "class": checked(opened, policy_class, what="class"),
        "risk_analysis": stated(opened, risk_analysis, what="risk analysis"),
        "approved_by": stated(opened, approved_by, what="approver"),
        "approved_at": to_text(approved_at or now),
    }
    with opened.database.write() as connection:
        row = facts | {"max_age_days": days, "recorded_at": to_text(now), "recorded_by": actor}
        connection.execute(insert(tables.policy).values({"seq": _next(connection, tables.policy)} | row))
        subject = f"policy:{facts['class'] or 'default'}"
        opened.ledger.append(
            connection, actor=actor, action="policy.set", subject=subject, detail={**facts, "max_age_days": days}
        )
        return as_of(connection, now, default_days=days).limit_of(facts["class"], None)


def except_credential(
    opened: OpenVault, name: str, *, until: datetime, reason: str, approved_by: str, actor: str
) -> Exemption:
    """Record that a credential may be older until a day; one in the past ends an earlier exception.

    Raises:
        UsageError: no reason, no approver, longer than a year, or no such credential.
    """
    now = opened.clock()
    if until - now > LONGEST_EXCEPTION:
        msg = "an exception lasts a year at most"
        raise UsageError(
            msg,
            hint=f"keysweep policy except NAME --until {now + timedelta(days=365):%F} --reason TEXT --approved-by NAME",
        )
    said, approver = stated(opened, reason, what="reason"), stated(opened, approved_by, what="approver")
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        connection.execute(
            insert(tables.policy_exception).values(
                seq=_next(connection, tables.policy_exception),
                credential_id=credential.id,
                until=to_text(until),
                reason=said,
                approved_by=approver,
                recorded_at=to_text(now),
                recorded_by=actor,
            )
        )
        opened.ledger.append(
            connection,
            actor=actor,
            action="policy.excepted" if until > now else "policy.exception-ended",
            subject=name,
            detail={"until": to_text(until), "reason": said, "approved_by": approver},
        )
    return Exemption(until=until, reason=said, approved_by=approver, recorded_at=now)


def _newest(table: Table, key: str, moment: datetime) -> Select[Any]:
    """Return the newest row of each key that was recorded by *moment*."""
    last = select(func.max(table.c.seq)).where(table.c.recorded_at <= to_text(moment)).group_by(table.c[key])
    return select(table).where(table.c.seq.in_(last)).order_by(table.c.seq)


def _next(connection: Connection, table: Table) -> int:
    connection.execute(select(tables.store.c.id).with_for_update())
    return int(connection.execute(select(func.max(table.c.seq))).scalar() or 0) + 1


def _limit(row: RowMapping) -> AgeLimit:
    return AgeLimit(
        max_age_days=row["max_age_days"],
        source=Source.CLASS if row["class"] else Source.DEFAULT,
        policy_class=row["class"],
        risk_analysis=row["risk_analysis"],
        approved_by=row["approved_by"],
        approved_at=from_text(row["approved_at"]),
    )
