"""Credentials and their versions: what travels between functions instead of plaintext."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from keysweep.foundation.fingerprint import Fingerprint, Preview

CredentialId = NewType("CredentialId", str)


class State(StrEnum):
    """Where a version stands in its life."""

    PENDING = "pending"
    """Minted and sealed by a rotation that has not promoted it yet."""
    CURRENT = "current"
    """What agents get.  At most one of a credential."""
    STANDBY = "standby"
    """Sealed ahead of time, for a provider that has no call to mint."""
    RETIRING = "retiring"
    """Replaced; not yet proven dead."""
    RETIRED = "retired"
    """Proven dead.  Its value is destroyed, its fingerprint stays."""
    DISCARDED = "discarded"
    """Minted and never promoted; revoked again."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class VersionRef:
    """Names a version; holds no plaintext."""

    credential_id: CredentialId
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One value of a credential, without the value."""

    ref: VersionRef
    state: State
    fingerprint: Fingerprint
    preview: Preview
    provider_key_id: str | None
    created_at: datetime
    promoted_at: datetime | None = None
    revoked_at: datetime | None = None
    dead_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What an agent uses, whatever its value is now."""

    id: CredentialId
    name: str
    provider: str
    owner: str = ""
    environment: str = ""
    is_admin: bool = False
    """It mints and revokes others, and is never handed to an agent."""
    admin: str | None = None
    """Name of the credential that administers this one."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Public facts for the provider adapter."""
    max_age_days: int | None = None
    created_at: datetime
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    retired_at: datetime | None = None
