"""The inventory as a table: one row a credential, without any value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keysweep.foundation.clock import to_text
from keysweep.rotation import instances
from keysweep.rotation.credential import State
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One credential."""

    name: str
    provider: str
    owner: str
    environment: str
    is_admin: bool
    version: int | None
    """Number of the current version; None if there is none."""
    fingerprint: str
    since: datetime
    """When its current value became current, or was first stored."""
    age_days: int
    agents: tuple[str, ...]
    standby: int
    """How many standby values are sealed."""

    @property
    def version_text(self) -> str:
        """`v3`, or `none`."""
        return f"v{self.version}" if self.version else "none"

    @property
    def age_text(self) -> str:
        """`12 d`."""
        return f"{self.age_days} d"

    def as_json(self) -> dict[str, object]:
        """Return the row for `--format json`."""
        return {
            "name": self.name,
            "provider": self.provider,
            "owner": self.owner,
            "environment": self.environment,
            "admin": self.is_admin,
            "version": self.version,
            "fingerprint": self.fingerprint,
            "since": to_text(self.since),
            "age_days": self.age_days,
            "agents": list(self.agents),
            "standby": self.standby,
        }


def listing(opened: OpenVault) -> tuple[Row, ...]:
    """Return every credential, by name."""
    now = opened.clock()
    rows = []
    with opened.database.read() as connection:
        for credential in store.credentials(connection):
            versions = store.versions(connection, credential.id)
            current = next((v for v in versions if v.state is State.CURRENT), None)
            since = credential.rotated_at or credential.created_at
            rows.append(
                Row(
                    name=credential.name,
                    provider=credential.provider,
                    owner=credential.owner,
                    environment=credential.environment,
                    is_admin=credential.is_admin,
                    version=current.ref.number if current else None,
                    fingerprint=current.fingerprint.short if current else "",
                    since=since,
                    age_days=max((now - since).days, 0),
                    agents=tuple(agent.name for agent in instances.agents_of(connection, credential.id)),
                    standby=sum(v.state is State.STANDBY for v in versions),
                )
            )
    return tuple(rows)
