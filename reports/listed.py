"""What providers listed of their keys, as evidence: one row a list, one a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedRow:
    """One key as its provider listed it."""

    key_id: str
    name: str
    hint: str
    owner: str
    active: bool
    """The provider accepts it."""
    created_at: datetime | None
    last_used_at: datetime | None
    first_seen: datetime | None
    """First list that it stood in."""
    credential: str
    """The stored credential that it is; empty if it is not stored."""
    number: int | None
    """Version of that credential."""

    @property
    def unknown(self) -> bool:
        """Accepted there, and not stored here."""
        return self.active and not self.credential


@dataclass(frozen=True, slots=True, kw_only=True)
class ListRow:
    """The newest list of one account before the freeze, as it was compared."""

    provider: str
    account: str
    """Name of the credential that the list was asked with."""
    method: str
    read_at: datetime | None
    """None where every attempt failed."""
    failed_at: datetime | None
    """A later attempt that brought no list."""
    failure: str
    listed: int
    matched: int
    unknown: int
    gone: int
    lists_admins: bool
    keys: tuple[ListedRow, ...]
    """Those of this list; fewer than `listed` where the account was read again after the freeze."""

    @property
    def whole(self) -> bool:
        """Each of its keys is still known by name."""
        return len(self.keys) == self.listed
