"""The inventory as a table: one row a credential, without any value, with its age held against its limit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from keysweep.foundation.clock import to_text
from keysweep.foundation.database.listed import walk_indexes
from keysweep.rotation import policies, provider_catalog, selection
from keysweep.rotation.age_limit import Policies, Standing, rotate_by
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.overdue import condition
from keysweep.rotation.selection import Filter, Picked, Sort
from keysweep.rotation.vault.unlock import OpenVault

_EVERYTHING = Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One credential."""

    id: CredentialId
    name: str
    provider: str
    kind: str
    """What the rules take its value for; empty if none knows it."""
    owner: str
    environment: str
    policy_class: str
    is_admin: bool
    version: int | None
    """Number of the current version; None if there is none."""
    fingerprint: str
    key_id: str | None
    """The provider's id of the current value."""
    created_at: datetime
    since: datetime
    """When its current value became current, or was first stored."""
    last_used_at: datetime | None
    last_used_by: str | None
    expires_at: datetime | None
    rotate_by: datetime | None
    """When it is due because its provider ends it."""
    ends_soon: bool
    """That is now."""
    expired: bool
    """Its provider has ended it."""
    retired_at: datetime | None
    standing: Standing
    rotation: str
    """The class of the adapter that rotates it, or `guided`."""
    agents: tuple[str, ...]
    standby: int
    """How many standby values are sealed."""

    @property
    def age_days(self) -> int:
        """Whole days since its value became current."""
        return self.standing.age_days

    @property
    def overdue(self) -> bool:
        """In use, and older than its limit without an exception, or ended by its provider."""
        return self.version is not None and (self.standing.overdue or self.expired)

    @property
    def due_at(self) -> datetime:
        """The first moment at which it is, or would be, older than its limit, or too near to its end."""
        return min(filter(None, (self.standing.due_at, self.rotate_by)))

    @property
    def version_text(self) -> str:
        """`v3`, or `none`."""
        return f"v{self.version}" if self.version else "none"

    @property
    def age_text(self) -> str:
        """`12 d`."""
        return f"{self.age_days} d"

    def as_json(self) -> dict[str, object]:
        """Return the row for programs."""
        limit, exemption = self.standing.limit, self.standing.exemption
        return {
            "name": self.name,
            "provider": self.provider,
            "kind": self.kind or None,
            "owner": self.owner,
            "environment": self.environment,
            "class": self.policy_class,
            "admin": self.is_admin,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "provider_key_id": self.key_id,
            "created_at": to_text(self.created_at),
            "since": to_text(self.since),
            "age_days": self.age_days,
            "last_used_at": _text(self.last_used_at),
            "last_used_by": self.last_used_by,
            "expires_at": _text(self.expires_at),
            "expired": self.expired,
            "retired_at": _text(self.retired_at),
            "limit_days": limit.max_age_days,
            "limit_from": limit.source.value,
            "risk_analysis": limit.risk_analysis or None,
            "due_at": to_text(self.due_at),
            "overdue": self.overdue,
            "excepted_until": _text(exemption.until if exemption else None),
            "rotation": self.rotation,
            "agents": list(self.agents),
            "standby": self.standby,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, and how many there are in all."""

    rows: tuple[Row, ...]
    total: int


def listing(
    opened: OpenVault, wanted: Filter = _EVERYTHING, *, sort: Sort = Sort.NAME, admins: bool = True
) -> tuple[Row, ...]:
    """Return credentials in order; with *admins* also those that administer others."""
    now = opened.clock()
    with opened.database.read() as connection:
        known = _policies(opened, connection, now)
        picked = selection.pick(connection, wanted, sort=sort)
    margin = _margin(opened)
    return tuple(_row(one, known, now, margin) for one in picked if admins or not one.credential.is_admin)


def overdue(opened: OpenVault, wanted: Filter = _EVERYTHING, *, sort: Sort = Sort.AGE) -> tuple[Row, ...]:
    """Return those in use that are older than their limit, with no exception, or ended by their provider."""
    return overdue_page(opened, wanted, sort=sort, size=0, number=1).rows


def overdue_page(opened: OpenVault, wanted: Filter, *, sort: Sort, size: int, number: int) -> Page:
    """Return one page of what `overdue` returns, counted from 1; a size of 0 is one page with all."""
    return _page(opened, wanted, sort, size, number, late=True)


def due(opened: OpenVault, *, within: timedelta) -> tuple[Row, ...]:
    """Return those in use that reach their limit, or come near their end, before *within* has passed; none that administers others."""
    then = opened.clock() + within
    with opened.database.read() as connection:
        known = _policies(opened, connection, then)
        oldest = Filter(until=then - timedelta(days=known.shortest_days), ends=then + _margin(opened))
        picked = selection.pick(connection, oldest, sort=Sort.AGE)
    rows = (_row(one, known, then, _margin(opened)) for one in picked)
    late = (row for row in rows if row.standing.due or row.ends_soon)
    return tuple(row for row in late if row.version is not None and not row.is_admin)


def page(opened: OpenVault, wanted: Filter, *, sort: Sort, size: int, number: int) -> Page:
    """Return one page of the listing, counted from 1; a size of 0 is one page with all."""
    return _page(opened, wanted, sort, size, number, late=False)


def _page(opened: OpenVault, wanted: Filter, sort: Sort, size: int, number: int, *, late: bool) -> Page:
    now = opened.clock()
    with opened.database.read() as connection:
        known = _policies(opened, connection, now)
        only = condition(connection, known, now) if late else None
        total = selection.count(connection, wanted, only=only)
        if not wanted.agent:  # an agent's few are read one by one, and sorted
            walk_indexes(connection)
        picked = selection.pick(
            connection, wanted, sort=sort, limit=size or None, offset=(number - 1) * size, only=only, total=total
        )
    margin = _margin(opened)
    return Page(rows=tuple(_row(one, known, now, margin) for one in picked), total=total)


def _margin(opened: OpenVault) -> timedelta:
    return timedelta(days=opened.settings.rotation.expiry_margin_days)


def _policies(opened: OpenVault, connection: Connection, now: datetime) -> Policies:
    return policies.as_of(connection, now, default_days=opened.settings.report.max_age_days)


def _row(picked: Picked, known: Policies, now: datetime, margin: timedelta) -> Row:
    credential, profile, current = picked.credential, picked.profile, picked.current
    since, ends_at = credential.rotated_at or credential.created_at, credential.expires_at
    due_by_end = rotate_by(since, ends_at, margin) if ends_at else None
    return Row(
        id=credential.id,
        name=credential.name,
        provider=credential.provider,
        kind=profile.kind,
        owner=credential.owner,
        environment=credential.environment,
        policy_class=profile.policy_class,
        is_admin=credential.is_admin,
        version=current.ref.number if current else None,
        fingerprint=current.fingerprint.short if current else "",
        key_id=current.provider_key_id if current else None,
        created_at=credential.created_at,
        since=since,
        last_used_at=profile.last_used_at,
        last_used_by=profile.last_used_by,
        expires_at=ends_at,
        rotate_by=due_by_end,
        ends_soon=due_by_end is not None and due_by_end <= now,
        expired=ends_at is not None and ends_at <= now,
        retired_at=credential.retired_at,
        standing=known.standing(
            credential.id,
            since=since,
            now=now,
            policy_class=profile.policy_class,
            own_days=credential.max_age_days,
        ),
        rotation=provider_catalog.rotation_of(credential.provider),
        agents=picked.agents,
        standby=picked.standby,
    )


def _text(moment: datetime | None) -> str | None:
    return to_text(moment) if moment else None
