"""What happened, as values: the whole population of credentials, rotations, exposures and scans of a period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from keysweep.reports.listed import ListRow
from keysweep.reports.open_rows import OpenRotation, StrangerRow
from keysweep.rotation.age_limit import AgeLimit, Exemption

TARGET_S = 60
"""Seconds from acceptance to proof of death that the product promises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rule that the evidence is held against: the organisation's own, not a standard's."""

    max_age_days: int
    organisation: str
    prepared_by: str
    risk_analysis: str
    approved_by: str
    run_by: str = ""
    """Who ran the report."""
    asked: bool = False
    """The limit was asked for on the command line, and is not replaced by the stored policy."""
    classes: tuple[AgeLimit, ...] = ()
    """Stored limits of classes of their own, each with its risk analysis and approver."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """One credential at the freeze."""

    name: str
    provider: str
    owner: str
    environment: str
    is_admin: bool
    created_at: datetime
    """When it was first issued, or first stored."""
    version: int | None
    fingerprint: str
    since: datetime
    """When the value that was in use at the freeze became current, or was first issued."""
    age_days: int
    limit_days: int
    agents: tuple[str, ...]
    policy_class: str = ""
    risk_analysis: str = ""
    """What its limit follows from; empty if none is stated."""
    approved_by: str = ""
    exemption: Exemption | None = None
    """The exception that counted at the freeze."""
    expires_at: datetime | None = None
    """When its provider ends it; None where that is not known."""

    @property
    def overdue(self) -> bool:
        """Older than its limit, with no exception."""
        return self.version is not None and self.age_days > self.limit_days and self.exemption is None

    @property
    def excused(self) -> bool:
        """Older than its limit, and an approved exception says that it may be."""
        return self.version is not None and self.age_days > self.limit_days and self.exemption is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class UseRow:
    """One value of a credential, for as long as it was the one in use."""

    credential: str
    owner: str
    version: int
    fingerprint: str
    since: datetime
    until: datetime | None
    """When another value took its place or it died; None if it was still in use at the freeze."""
    limit_days: int

    @property
    def overdue_from(self) -> datetime:
        """The first moment at which it was, or would be, older than its limit."""
        return self.since + timedelta(days=self.limit_days + 1)

    def days_over(self, freeze: datetime) -> int:
        """Return how far it went beyond its limit, in days; negative if it did not."""
        return ((self.until or freeze) - self.since).days - self.limit_days


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One finished step of a rotation."""

    step: str
    at_ms: int
    """Since the rotation was accepted."""
    ok: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationRow:
    """One rotation."""

    id: str
    credential: str
    provider: str
    mode: str
    reason: str
    started_at: datetime
    outcome: str
    """done, rolled-back, half-way, or running; as it was at the freeze."""
    steps: tuple[StepRow, ...]
    incident_id: str | None
    old_fingerprint: str
    new_fingerprint: str

    def at_ms(self, step: str) -> int | None:
        """Return when a step succeeded, None if it did not."""
        return next((row.at_ms for row in self.steps if row.step == step and row.ok), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposureRow:
    """One stored value that leaked."""

    credential: str
    version: int
    finding_id: str
    places: tuple[str, ...]
    first_seen: datetime
    opened_at: datetime | None
    """When the incident was accepted."""
    dead_at: datetime | None
    """When the leaked value was proven dead."""
    standby: bool = False
    """It was never in use, so nothing serves on it."""

    @property
    def seconds(self) -> float | None:
        """From the first sighting to the proof of death; None while it lives, and where it was dead before it was seen."""
        if self.dead_at is None or self.dead_at < self.first_seen:
            return None
        return (self.dead_at - self.first_seen).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRow:
    """One scan."""

    targets: tuple[str, ...]
    finished_at: datetime
    complete: bool
    files: int
    bytes: int
    gaps: tuple[tuple[str, str], ...]
    """Path and reason of what was not read."""
    findings: int
    mapped: int
    rules: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything that a report says is computed from this."""

    start: datetime
    end: datetime
    """The freeze: ages are as of this moment."""
    policy: Policy
    keys: tuple[KeyRow, ...]
    uses: tuple[UseRow, ...]
    """Every value that was in use at any time of the period."""
    rotations: tuple[RotationRow, ...]
    exposures: tuple[ExposureRow, ...]
    scans: tuple[ScanRow, ...]
    events: dict[str, int]
    """Ledger entries of the period by action."""
    ledger_seq: int
    ledger_head: bytes
    oldest_entry: datetime | None
    lists: tuple[ListRow, ...] = ()
    """The newest list of each provider's account that was asked before the freeze."""
    listable: tuple[str, ...] = ()
    """Providers whose keys can be listed."""
    adapters: tuple[str, ...] = ()
    """Providers whose keys are rotated here; a person replaces those of others."""
    open_rotations: tuple[OpenRotation, ...] = ()
    """Rotations that had not ended at the freeze, in whatever period they began."""
    strangers: tuple[StrangerRow, ...] = ()
    """Leaked keys that are not stored here."""

    @property
    def in_use(self) -> tuple[KeyRow, ...]:
        """Credentials that had a value in use at the freeze."""
        return tuple(key for key in self.keys if key.version is not None)

    @property
    def overdue(self) -> tuple[KeyRow, ...]:
        """Those past their limit at the freeze, oldest first."""
        return tuple(sorted((key for key in self.keys if key.overdue), key=lambda k: (-k.age_days, k.name)))

    @property
    def expired(self) -> tuple[tuple[KeyRow, datetime], ...]:
        """Those in use though their provider's own end had come, each with that end."""
        return tuple((key, key.expires_at) for key in self.in_use if key.expires_at and key.expires_at <= self.end)

    @property
    def spells(self) -> tuple[UseRow, ...]:
        """Values that were past their limit at any moment of the period, closed spells among them."""
        return tuple(
            use
            for use in self.uses
            if use.overdue_from <= min(use.until or self.end, self.end)
            and (use.until is None or use.until >= self.start)
        )
