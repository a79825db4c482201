"""How a rotation ended, and what it waits with."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from keysweep.foundation.clock import Monotonic, Sleep
from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.engine.journal import RotationEvent, RotationRecord
from keysweep.rotation.engine.steps import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How one rotation ended."""

    credential: str
    outcome: Outcome
    rotation: RotationRecord | None
    """None where nothing had to be done: the version was dead already."""
    events: tuple[RotationEvent, ...] = ()
    failure: KeysweepError | None = None
    note: str = ""
    waits_until: datetime | None = None
    """When the grace of the old key is over; None for a rotation that does not wait."""
    unknown: tuple[str, ...] = ()
    """Keys of the same account that appeared since the leak and are not stored here, as they are shown to a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Monotonic time; tests bring their own."""

    monotonic: Monotonic = time.monotonic
    sleep: Sleep = time.sleep
