"""The trigger seam: one sender of alarms a file, exporting `TRIGGER`: verify the raw bytes, then parse them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.secret import Secret


class Refusal(StrEnum):
    """Why an event was not believed; counted."""

    NO_SIGNATURE = "no-signature"
    BAD_SIGNATURE = "bad-signature"
    STALE = "stale"
    TOO_LARGE = "too-large"


class UnverifiedError(DeniedError):
    """An event does not come from whom it says; nothing of it was read."""

    def __init__(self, message: str, *, reason: Refusal) -> None:
        super().__init__(message)
        self.reason = reason


class MalformedPayloadError(UsageError):
    """An event is not what its sender documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an event says: a key, a fingerprint or a name is exposed."""

    event_id: str
    reason: str
    incident: str
    """The sender's own reference; may be empty."""
    secret: Secret | None = None
    fingerprint: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One sender."""

    title: str
    verify: Callable[[Mapping[str, str], bytes, Sequence[bytes], datetime], None]
    """Given headers (lower case), raw body, active signing secrets and the time: raise UnverifiedError unless it is real."""
    parse: Callable[[bytes], Alert]
    """Read a body that was verified; raises MalformedPayloadError."""
