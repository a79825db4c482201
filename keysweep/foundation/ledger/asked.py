"""Which entries of the ledger somebody asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from keysweep.foundation.ledger.entry import Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an entry must be; None and empty text ask for nothing."""

    since: datetime | None = None
    until: datetime | None = None
    """The entry was before this."""
    subject: str | None = None
    action: str = ""
    """`key.stored`, or a pattern such as `key.*`."""
    actor: str = ""
    """`cli:root`, or a pattern such as `agent:*`."""

    def among(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Yield those that are asked for."""
        return (entry for entry in entries if self._wants(entry))

    @property
    def everything(self) -> bool:
        """Nothing is left out."""
        return self == Asked()

    def _wants(self, entry: Entry) -> bool:
        return (
            (self.since is None or self.since <= entry.at)
            and (self.until is None or entry.at < self.until)
            and self.subject in {None, entry.subject}
            and fnmatchcase(entry.action, self.action or "*")
            and fnmatchcase(entry.actor, self.actor or "*")
        )
