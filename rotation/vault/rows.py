"""From rows of the store to values.  Callers bring the row, whatever it was joined to."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Row, RowMapping

from keysweep.foundation.clock import from_text
from keysweep.foundation.fingerprint import Fingerprint, Preview
from keysweep.rotation.credential import Credential, CredentialId, State, Version, VersionRef


def credential_of(row: Row[Any]) -> Credential:
    """Read a row that is not a mapping yet."""
    return read_credential(row._mapping)  # noqa: SLF001  the public way from a row to its mapping


def version_of(row: Row[Any]) -> Version:
    """The same for a row of `version`."""
    return read_version(row._mapping)  # noqa: SLF001  the same


def read_credential(row: RowMapping) -> Credential:
    """Read a row of `credential`."""
    return Credential(
        id=CredentialId(row["id"]),
        name=row["name"],
        provider=row["provider"],
        owner=row["owner"],
        environment=row["environment"],
        is_admin=bool(row["is_admin"]),
        admin=row["admin"],
        settings=json.loads(row["settings"]),
        max_age_days=row["max_age_days"],
        created_at=from_text(row["created_at"]),
        rotated_at=_moment(row["rotated_at"]),
        expires_at=_moment(row["expires_at"]),
        retired_at=_moment(row["retired_at"]),
    )


def read_version(row: RowMapping) -> Version:
    """Read a row of `version`; the value itself is left where it is."""
    return Version(
        ref=VersionRef(credential_id=CredentialId(row["credential_id"]), number=row["number"]),
        state=State(row["state"]),
        fingerprint=Fingerprint(row["fingerprint"]),
        preview=Preview(prefix=row["prefix"], length=row["length"]),
        provider_key_id=row["provider_key_id"],
        created_at=from_text(row["created_at"]),
        promoted_at=_moment(row["promoted_at"]),
        revoked_at=_moment(row["revoked_at"]),
        dead_at=_moment(row["dead_at"]),
    )


def _moment(text: str | None) -> datetime | None:
    return from_text(text) if text else None
