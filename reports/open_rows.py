"""What had not ended at the freeze, as evidence: rotations, and leaked keys that are not stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keysweep.rotation.engine.steps import Mode, Outcome, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRotation:
    """One rotation as its journal left it at the freeze, in whatever period it began."""

    id: str
    credential: str
    provider: str
    number: int
    """The version that shall go."""
    mode: Mode
    policy: Policy
    """Of a forced one."""
    guided: bool
    """Its provider has no API for keys: a person makes and ends them."""
    started_at: datetime
    last_at: datetime
    """When something was last written down of it."""
    outcome: Outcome | None
    """HALF_WAY or CONTAINED; None for one that was under way or interrupted."""
    promoted_at: datetime | None
    """When the new key became the one in use."""
    waits_until: datetime | None
    """When the grace of the old key is over; None for one that does not wait for that."""
    dead_at: datetime | None
    """When the old key was proven dead."""
    lacks_key: bool
    """It cannot go on before a person hands a new key in."""
    why: str
    """What the step said that failed last and was not done since; empty if none did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrangerRow:
    """A leaked key that is no stored credential."""

    finding_id: str
    rule: str
    provider: str
    confidence: str
    places: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime
