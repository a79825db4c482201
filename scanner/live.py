"""The question whether a leaked key still works.  The scanner opens no socket: it is asked on the right, and only when the user wants it."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from keysweep.foundation.fingerprint import Fingerprint
    from keysweep.scanner.finding import Match


class Live(StrEnum):
    """What the provider says of a key."""

    ALIVE = "alive"
    UNKNOWN = "unknown"
    """Nobody could be asked, or the answer told neither."""
    DEAD = "dead"


class Verifier(Protocol):
    """Asks the provider whether a key works, sends it nowhere else, and never raises."""

    def live(self, match: Match, fingerprint: Fingerprint) -> Live:
        """Return what the provider says; asked again about the same fingerprint, the same without a call."""
        ...
