"""Carry rows over to the next generation of the master key: values and journal cells sealed anew, fingerprints carried on.

A batch is one transaction, which also says which rows have moved.  A value that does not open, or is not what its fingerprint
says, stops the rotation: nothing is lost, and the old master key stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    exists,
    func,
    insert,
    select,
    tuple_,
    update,
)

from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.foundation.secret import Secret
from keysweep.rotation.vault.envelope import HEAD, Binding, generation_of, head_of, seal, unseal
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner.group import finding_id

_Place = tuple[Any, ...]
"""Primary key of the last row of a batch."""


def carry_over(opened: OpenVault, batch: int, progress: Callable[[int], None]) -> None:
    """Move every row that has not moved, in batches of their own transactions.

    Raises:
        IntegrityError: names the value that is not what was written.
    """
    for carry in (_carry_versions, _carry_cells, _carry_findings):
        place: _Place | None = ()
        while place is not None:
            with opened.database.write() as connection:
                place, count = carry(connection, opened.ring, batch, place)
            progress(count)


def is_left(connection: Connection) -> bool:
    """Whether a row has not moved; the caller holds the lock of writers."""
    number = connection.execute(select(tables.generation.c.number).where(tables.generation.c.state == "next")).scalar()
    if number is None:
        msg = "no rotation of the master key is under way"
        raise IntegrityError(msg, hint="keysweep vault slots")
    return any(
        connection.execute(query.limit(1)).first() is not None
        for query in (_versions(), _cells(head_of(number)), _findings())
    )


def check(opened: OpenVault, batch: int) -> int:
    """Open every value that has moved and compare it with its fingerprint; return how many there are.

    Raises:
        IntegrityError: names the one that is not what was written.
    """
    ring, count = opened.ring, 0
    place: _Place = ()
    while True:
        with opened.database.read() as connection:
            ring.refresh(connection)
            number, wrap_key = _next(ring)
            query = _after(_values().where(func.substr(tables.version.c.sealed, 1, HEAD) == head_of(number)), place)
            rows = connection.execute(query.limit(batch)).all()
            cells = [] if rows else connection.execute(_every_cell(head_of(number))).all()
        newest = ring.newest_fingerprinter()
        for row in rows:
            _opened(row, wrap_key, ring.tenant, newest).wipe()
        for row in cells:
            unseal(wrap_key, _cell_binding(row, ring.tenant), row.sealed).wipe()
        count += len(rows) + len(cells)
        if not rows:
            return count
        place = (rows[-1].credential_id, rows[-1].number)


def _carry_versions(connection: Connection, ring: KeyRing, batch: int, place: _Place) -> tuple[_Place | None, int]:
    rows = connection.execute(_after(_versions(), place).limit(batch)).all()
    if not rows:
        return None, 0
    number, wrap_key = _next(ring)
    now, newest = ring.fingerprinter(), ring.newest_fingerprinter()
    values, marks = [], []
    for row in rows:
        sealed = None
        if row.sealed is not None:
            key = ring.opening(generation_of(row.sealed))
            value = _opened(row, key or b"", ring.tenant, now)
            sealed = seal(wrap_key, _binding(row, ring.tenant), value, generation=number)
            value.wipe()
        forward = newest.forward(Fingerprint(row.fingerprint), now.generation)
        values.append({"c": row.credential_id, "n": row.number, "f": forward.digest, "s": sealed})
        marks.append({"kind": "version", "id": row.credential_id, "part": str(row.number)})
    version = tables.version
    connection.execute(
        update(version)
        .where(version.c.credential_id == bindparam("c"), version.c.number == bindparam("n"))
        .values(fingerprint=bindparam("f"), sealed=bindparam("s")),
        values,
    )
    _carry_prints(connection, [(row.credential_id, row.number) for row in rows], now, newest)
    connection.execute(insert(tables.moved), marks)
    return (rows[-1].credential_id, rows[-1].number), len(rows)


def _carry_prints(
    connection: Connection, versions: list[tuple[str, int]], now: Fingerprinter, newest: Fingerprinter
) -> None:
    prints = tables.version_print
    rows = connection.execute(select(prints).where(tuple_(prints.c.credential_id, prints.c.number).in_(versions))).all()
    if rows:
        connection.execute(
            update(prints)
            .where(
                prints.c.credential_id == bindparam("c"),
                prints.c.number == bindparam("n"),
                prints.c.kind == bindparam("k"),
                prints.c.position == bindparam("p"),
            )
            .values(digest=bindparam("d")),
            [
                {
                    "c": row.credential_id,
                    "n": row.number,
                    "k": row.kind,
                    "p": row.position,
                    "d": newest.forward(Fingerprint(row.digest), now.generation).digest,
                }
                for row in rows
            ],
        )


def _carry_cells(connection: Connection, ring: KeyRing, batch: int, place: _Place) -> tuple[_Place | None, int]:  # noqa: ARG001  what has moved is no longer listed
    number, wrap_key = _next(ring)
    rows = connection.execute(_cells(head_of(number)).limit(batch)).all()
    cell = tables.cell
    for row in rows:
        binding = _cell_binding(row, ring.tenant)
        value = unseal(ring.opening(generation_of(row.sealed)) or b"", binding, row.sealed)
        connection.execute(
            update(cell)
            .where(cell.c.rotation_id == row.rotation_id, cell.c.name == row.name)
            .values(sealed=seal(wrap_key, binding, value, generation=number))
        )
        value.wipe()
    return (() if rows else None), len(rows)


def _carry_findings(connection: Connection, ring: KeyRing, batch: int, place: _Place) -> tuple[_Place | None, int]:  # noqa: ARG001  what has moved is no longer listed
    """Name findings after their new fingerprints; the former names are still answered."""
    finding, alias, sighting = tables.finding, tables.finding_alias, tables.sighting
    now, newest = ring.fingerprinter(), ring.newest_fingerprinter()
    rows = connection.execute(_findings().limit(batch)).all()
    for row in rows:
        forward = newest.forward(Fingerprint(row.fingerprint), now.generation)
        name = finding_id(forward)
        known = connection.execute(select(finding.c.first_seen).where(finding.c.id == name)).first()
        if known is None:
            connection.execute(insert(finding).values({**row._asdict(), "id": name, "fingerprint": forward.digest}))
            connection.execute(insert(tables.moved).values(kind="finding", id=name, part=""))
        else:  # a scan that began before the key moved has seen it again
            connection.execute(update(finding).where(finding.c.id == name).values(last_seen=row.last_seen))
            doubled = select(sighting.c.place).where(sighting.c.finding_id == name)
            connection.execute(delete(sighting).where(sighting.c.finding_id == row.id, sighting.c.place.in_(doubled)))
        connection.execute(update(sighting).where(sighting.c.finding_id == row.id).values(finding_id=name))
        connection.execute(update(alias).where(alias.c.finding_id == row.id).values(finding_id=name))
        if connection.execute(select(alias.c.former).where(alias.c.former == row.id)).first() is None:
            connection.execute(insert(alias).values(former=row.id, finding_id=name))
        connection.execute(delete(finding).where(finding.c.id == row.id))
    return (() if rows else None), len(rows)


def _values() -> Select[Any]:
    version, credential = tables.version, tables.credential
    return (
        select(
            version.c.credential_id,
            version.c.number,
            version.c.fingerprint,
            version.c.sealed,
            version.c.created_at,
            credential.c.provider,
        )
        .join(credential, credential.c.id == version.c.credential_id)
        .order_by(version.c.credential_id, version.c.number)
    )


def _after(query: Select[Any], place: _Place) -> Select[Any]:
    key = tuple_(tables.version.c.credential_id, tables.version.c.number)
    return query.where(key > tuple_(*place)) if place else query


def _versions() -> Select[Any]:
    version, moved = tables.version, tables.moved
    return _values().where(
        ~exists().where(
            moved.c.kind == "version",
            moved.c.id == version.c.credential_id,
            moved.c.part == cast(version.c.number, Text),
        )
    )


def _every_cell(head: bytes) -> Select[Any]:
    return _cell_rows().where(func.substr(tables.cell.c.sealed, 1, HEAD) == head)


def _cells(head: bytes) -> Select[Any]:
    """Journal cells are written again in place: what they are under tells whether they have moved."""
    return _cell_rows().where(func.substr(tables.cell.c.sealed, 1, HEAD) != head)


def _cell_rows() -> Select[Any]:
    cell, rotation, credential = tables.cell, tables.rotation, tables.credential
    return (
        select(
            cell.c.rotation_id, cell.c.name, cell.c.sealed, cell.c.created_at, credential.c.id, credential.c.provider
        )
        .join(rotation, rotation.c.id == cell.c.rotation_id)
        .join(credential, credential.c.id == rotation.c.credential_id)
        .where(cell.c.sealed.is_not(None))
        .order_by(cell.c.rotation_id, cell.c.name)
    )


def _findings() -> Select[Any]:
    finding, moved = tables.finding, tables.moved
    return select(finding).where(~exists().where(moved.c.kind == "finding", moved.c.id == finding.c.id))


def _next(ring: KeyRing) -> tuple[int, bytes]:
    following = ring.following
    if following is None or following.keys is None:
        msg = "the rotation of the master key was ended by someone else"
        raise IntegrityError(msg, hint="keysweep vault rotate-master")
    return following.number, following.keys.wrap


def _opened(row: Row[Any], wrap_key: bytes, tenant: str, fingerprinter: Fingerprinter) -> Secret:
    value = unseal(wrap_key, _binding(row, tenant), row.sealed)
    if fingerprinter.of(value).digest != row.fingerprint:
        value.wipe()
        msg = f"version {row.number} of the credential {row.credential_id} has another fingerprint than its value"
        raise IntegrityError(msg, hint="keysweep verify")
    return value


def _binding(row: Row[Any], tenant: str) -> Binding:
    return Binding(
        tenant=tenant,
        credential_id=row.credential_id,
        version=row.number,
        provider=row.provider,
        field="value",
        created_at=row.created_at,
    )


def _cell_binding(row: Row[Any], tenant: str) -> Binding:
    return Binding(
        tenant=tenant,
        credential_id=row.id,
        version=0,
        provider=row.provider,
        field=f"cell/{row.rotation_id}/{row.name}",
        created_at=row.created_at,
    )
