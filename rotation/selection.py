"""Which credentials: filtered, sorted, a page at a time.  The repository behind the inventory's table; cost is that of the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.rotation import profiles
from keysweep.rotation.credential import Credential, CredentialId, State, Version
from keysweep.rotation.overdue import ended_by
from keysweep.rotation.profiles import Profile
from keysweep.rotation.vault.rows import read_credential, read_version

_BATCH = 500
"""Ids in one question; engines bound the number of parameters."""


class Sort(StrEnum):
    """In which order; names decide between equals."""

    NAME = "name"
    AGE = "age"
    """Oldest value first."""
    PROVIDER = "provider"
    USED = "used"
    """Longest unused first, never used before all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What is wanted; empty fields want everything."""

    provider: str = ""
    owner: str = ""
    environment: str = ""
    agent: str = ""
    policy_class: str | None = None
    until: datetime | None = None
    """Only those whose current value became current by then, or that have a limit of their own."""
    ends: datetime | None = None
    """With *until*: also those that their provider ends by then."""
    retired: bool = False
    """Also those that were taken out of use."""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """One credential with what is shown beside it."""

    credential: Credential
    profile: Profile
    current: Version | None
    standby: int
    agents: tuple[str, ...]


def count(connection: Connection, wanted: Filter, *, only: ColumnElement[bool] | None = None) -> int:
    """Return how many there are; *only* is a condition on `listed` beside the filter."""
    counted = select(func.count()).select_from(tables.listed)
    return int(connection.execute(_where(counted, wanted, only)).scalar() or 0)


def pick(
    connection: Connection,
    wanted: Filter,
    *,
    sort: Sort = Sort.NAME,
    limit: int | None = None,
    offset: int = 0,
    only: ColumnElement[bool] | None = None,
    total: int | None = None,
) -> tuple[Picked, ...]:
    """Return credentials in order.

    Args:
        connection: an open store.
        wanted: which.
        sort: in which order.
        limit: how many at most; None for all.
        offset: how many to leave out before.
        only: a condition on `listed` beside the filter.
        total: how many there are, where that is known: a page behind the middle is then read from the end.
    """
    chosen, order = _where(select(tables.listed.c.credential_id), wanted, only), _ORDER[sort]
    if total is None or limit is None or offset <= total // 2:
        ids = list(connection.execute(chosen.order_by(*order).limit(limit).offset(offset)).scalars())
    else:
        here = max(min(limit, total - offset), 0)
        behind = chosen.order_by(*(column.desc() for column in order)).limit(here).offset(max(total - offset - here, 0))
        ids = list(connection.execute(behind).scalars())[::-1]
    return whole(connection, [CredentialId(row) for row in ids])


def whole(connection: Connection, ids: Sequence[CredentialId]) -> tuple[Picked, ...]:
    """Return everything that is shown of some credentials, in the order of their ids."""
    found = _found(connection, ids)
    current, standby, agents = _current(connection, ids), _standby(connection, ids), _agents(connection, ids)
    return tuple(
        Picked(
            credential=credential,
            profile=profile,
            current=current.get(credential.id),
            standby=standby.get(credential.id, 0),
            agents=tuple(agents.get(credential.id, ())),
        )
        for credential, profile in found
    )


_JOINED = tables.credential.outerjoin(tables.profile, tables.profile.c.credential_id == tables.credential.c.id)
_PROFILE = [column for column in tables.profile.c if column.name != "credential_id"]
_ORDER: Mapping[Sort, Sequence[ColumnElement[Any]]] = {
    Sort.NAME: [tables.listed.c.name],
    Sort.AGE: [tables.listed.c.since, tables.listed.c.name],
    Sort.PROVIDER: [tables.listed.c.provider, tables.listed.c.name],
    Sort.USED: [tables.listed.c.used_at, tables.listed.c.name],
}


def _where(query: Select[Any], wanted: Filter, only: ColumnElement[bool] | None) -> Select[Any]:
    row = tables.listed.c
    for column, value in (
        (row.provider, wanted.provider),
        (row.owner, wanted.owner),
        (row.environment, wanted.environment),
        (row.name, wanted.name),
    ):
        if value:
            query = query.where(column == value)
    if wanted.policy_class is not None:
        query = query.where(row["class"] == wanted.policy_class)
    if wanted.agent:
        bound = select(tables.binding.c.credential_id).where(tables.binding.c.agent == wanted.agent)
        query = query.where(row.credential_id.in_(bound))
    if wanted.until is not None:
        old = or_(row.since <= to_text(wanted.until), row.own_days.is_not(None))
        query = query.where(or_(old, row.credential_id.in_(ended_by(wanted.ends))) if wanted.ends else old)
    if only is not None:
        query = query.where(only)
    return query if wanted.retired else query.where(row.retired == 0)


def _found(connection: Connection, ids: Sequence[CredentialId]) -> list[tuple[Credential, Profile]]:
    """Return whole rows in the order of *ids*: only names and times are sorted, not everything that a row holds."""
    known = {}
    for some in _batches(ids):
        query = select(tables.credential, *_PROFILE).select_from(_JOINED).where(tables.credential.c.id.in_(some))
        for row in connection.execute(query).mappings():
            known[CredentialId(row["id"])] = read_credential(row), profiles.read(row)
    return [known[identifier] for identifier in ids if identifier in known]


def _current(connection: Connection, ids: Sequence[CredentialId]) -> dict[CredentialId, Version]:
    found = {}
    for some in _batches(ids):
        query = select(tables.version).where(
            tables.version.c.credential_id.in_(some), tables.version.c.state == State.CURRENT.value
        )
        for row in connection.execute(query).mappings():
            version = read_version(row)
            found[version.ref.credential_id] = version
    return found


def _standby(connection: Connection, ids: Sequence[CredentialId]) -> dict[CredentialId, int]:
    found: dict[CredentialId, int] = {}
    for some in _batches(ids):
        query = (
            select(tables.version.c.credential_id, func.count().label("number"))
            .where(tables.version.c.credential_id.in_(some), tables.version.c.state == State.STANDBY.value)
            .group_by(tables.version.c.credential_id)
        )
        found |= {CredentialId(row.credential_id): row.number for row in connection.execute(query)}
    return found


def _agents(connection: Connection, ids: Sequence[CredentialId]) -> dict[CredentialId, list[str]]:
    found: dict[CredentialId, list[str]] = defaultdict(list)
    for some in _batches(ids):
        query = (
            select(tables.binding.c.credential_id, tables.binding.c.agent)
            .where(tables.binding.c.credential_id.in_(some))
            .distinct()
            .order_by(tables.binding.c.agent)
        )
        for row in connection.execute(query):
            found[CredentialId(row.credential_id)].append(row.agent)
    return found


def _batches(ids: Sequence[CredentialId]) -> list[Sequence[CredentialId]]:
    return [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
