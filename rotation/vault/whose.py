"""Whose a value is: the vault's rows asked by keyed fingerprints, whole or of a component."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select

from keysweep.foundation.database import tables
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.credential import Credential, CredentialId, State, Version, VersionRef
from keysweep.rotation.vault import store
from keysweep.rotation.vault.rows import version_of


def by_fingerprint(connection: Connection, *fingerprints: Fingerprint) -> tuple[Credential, Version] | None:
    """Return the version with one of these fingerprints; the live one where several have it."""
    digests = [fingerprint.digest for fingerprint in fingerprints]
    return _best(connection, select(tables.version).where(tables.version.c.fingerprint.in_(digests)))


def by_parts(connection: Connection, parts: Sequence[Fingerprint]) -> tuple[Credential, Version] | None:
    """Return the version that has one of these components, or is one of them as a whole."""
    digests = [part.digest for part in parts]
    printed = (
        select(tables.version)
        .join(
            tables.version_print,
            (tables.version_print.c.credential_id == tables.version.c.credential_id)
            & (tables.version_print.c.number == tables.version.c.number),
        )
        .where(tables.version_print.c.kind == "part", tables.version_print.c.digest.in_(digests))
    )
    return _best(connection, printed) or _best(
        connection, select(tables.version).where(tables.version.c.fingerprint.in_(digests))
    )


def among(connection: Connection, digests: Sequence[bytes]) -> frozenset[bytes]:
    """Return which of these are fingerprints of stored values or of their components: most of what is asked about is neither."""
    whole = select(tables.version.c.fingerprint).where(tables.version.c.fingerprint.in_(digests))
    parts = select(tables.version_print.c.digest).where(
        tables.version_print.c.kind == "part", tables.version_print.c.digest.in_(digests)
    )
    return frozenset(bytes(found) for query in (whole, parts) for found in connection.execute(query).scalars())


def unshaped(connection: Connection, *, least: int) -> tuple[tuple[int, bytes], ...]:
    """Return length and fingerprint of every value of *least* bytes or more that has no public prefix."""
    version = tables.version.c
    query = select(version.length, version.fingerprint).where(version.prefix == "", version.length >= least)
    return tuple((length, bytes(digest)) for length, digest in connection.execute(query))


def key_ids(connection: Connection) -> tuple[tuple[str, VersionRef, State], ...]:
    """Return every id that a provider gave to a stored value, with the value's place and state."""
    version = tables.version.c
    query = select(version.provider_key_id, version.credential_id, version.number, version.state).where(
        version.provider_key_id.is_not(None)
    )
    return tuple(
        (key_id, VersionRef(credential_id=CredentialId(credential), number=number), State(state))
        for key_id, credential, number, state in connection.execute(query)
    )


def _best(connection: Connection, query: Any) -> tuple[Credential, Version] | None:
    found = [version_of(row) for row in connection.execute(query)]
    if not found:
        return None
    chosen = min(found, key=lambda v: (v.state not in store.LIVE, v.state is not State.CURRENT, -v.ref.number))
    return store.credential_by_id(connection, chosen.ref.credential_id), chosen
