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

    def __init__(self, message: str, *, reason: Refusal, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.reason = reason


class MalformedPayloadError(UsageError):
    """An event is not what its sender documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sender keeps the key that its event does not hold."""

    repository: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """What an event says: a key, a fingerprint or a name is exposed; or nothing but where a person can look."""

    event_id: str
    reason: str
    incident: str
    """The sender's own reference; may be empty."""
    secret: Secret | None = None
    fingerprint: str | None = None
    credential: str | None = None
    place: Place | None = None
    """Where the key can be fetched, with a token."""
    look: str = ""
    """Page of the sender for a person."""


def lines(content: bytes) -> tuple[bytes, ...]:
    """Return signing secrets that stand in a file, one a line: several while they are rotated."""
    return tuple(line.strip() for line in content.splitlines() if line.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One sender."""

    title: str
    signature: str
    """Name of the header that carries its signature, in lower case."""
    verify: Callable[[Mapping[str, str], bytes, Sequence[bytes], datetime], None]
    """Given headers (lower case), raw body, active signing secrets and the time: raise UnverifiedError unless it is real."""
    claims: Callable[[object], bool]
    """Whether a parsed body looks like one of this sender; cheap, and decides nothing but who reads it."""
    parse: Callable[[object], tuple[Alert, ...]]
    """Read the parsed body; raises MalformedPayloadError.  No alert: an event about nothing that leaked just now."""
    delivery: Callable[[Mapping[str, str]], str] = lambda _: ""
    """Return the sender's own name of a delivery, from its headers; empty where it has none."""
    secrets: Callable[[bytes], Sequence[bytes]] = lines
    """Read the file of signing secrets, or of public keys."""
    public_secrets: bool = False
    """That file holds public keys: others may read it."""
    fetch: Callable[[Place, Mapping[str, str], Secret], Secret] | None = None
    """Ask the sender for the key itself, given the settings and a token; raises ProviderError."""
