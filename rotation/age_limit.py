"""How old a key may be, who says so, and whether it is.  Pure: the listing, the report and `rotate --due` all ask here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

DEFAULT_CLASS = ""
"""The class of credentials that have none of their own."""
LONGEST_EXCEPTION = timedelta(days=366)


def rotate_by(since: datetime, ends_at: datetime, margin: timedelta) -> datetime:
    """Return by when a key is rotated that its provider ends: the margin before, or a tenth of its life if that is shorter."""
    return ends_at - min(margin, max(ends_at - since, timedelta(0)) / 10)


class Source(StrEnum):
    """Where a limit comes from."""

    OWN = "own"
    """Of the credential itself, shorter than what its policy allows."""
    CLASS = "class"
    """The policy of its class."""
    DEFAULT = "default"
    """The policy of all that have none of their own."""
    SETTINGS = "settings"
    """The settings: no policy is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeLimit:
    """An age limit with the names behind it."""

    max_age_days: int
    source: Source
    policy_class: str = DEFAULT_CLASS
    risk_analysis: str = ""
    """Name of the risk analysis that it follows from; empty if none is stated."""
    approved_by: str = ""
    approved_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemption:
    """A credential may be older until a day."""

    until: datetime
    reason: str
    approved_by: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a credential stands against its limit at one moment."""

    age_days: int
    limit: AgeLimit
    due_at: datetime
    """The first moment at which it is, or would be, older than its limit."""
    due: bool
    """As old as its limit, with no exception that counts now: time to rotate it."""
    overdue: bool
    """Older than its limit, with no exception that counts now: the policy is broken."""
    exemption: Exemption | None
    """The exception that counts now, needed or not."""

    @property
    def excused(self) -> bool:
        """Older than its limit, and an exception says that it may be."""
        return self.exemption is not None and self.age_days > self.limit.max_age_days


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Every limit and exception as they stood at one moment."""

    default: AgeLimit
    classes: Mapping[str, AgeLimit] = field(default_factory=dict)
    exemptions: Mapping[str, Exemption] = field(default_factory=dict)
    """By the id of the credential."""

    @property
    def shortest_days(self) -> int:
        """The shortest limit of any policy."""
        return min(limit.max_age_days for limit in (self.default, *self.classes.values()))

    def limit_of(self, policy_class: str, own_days: int | None) -> AgeLimit:
        """Return the limit of a credential: its class's, and its own where that is shorter.

        A class without a policy has the default's limit.  An own limit cannot lengthen: that takes an exception.
        """
        limit = self.classes.get(policy_class, self.default)
        if own_days is not None and own_days < limit.max_age_days:
            return replace(limit, max_age_days=own_days, source=Source.OWN)
        return limit

    def overdue_from(self, policy_class: str, own_days: int | None, now: datetime) -> datetime:
        """Return the latest moment for which a value is overdue now that became current then."""
        return now - timedelta(days=self.limit_of(policy_class, own_days).max_age_days + 1)

    def exemption_at(self, credential: str, now: datetime) -> Exemption | None:
        """Return the exception that counts for a credential at a moment, None if none does."""
        exemption = self.exemptions.get(credential)
        return exemption if exemption is not None and exemption.recorded_at <= now <= exemption.until else None

    def standing(
        self, credential: str, *, since: datetime, now: datetime, policy_class: str, own_days: int | None
    ) -> Standing:
        """Return how a credential stands.

        Args:
            credential: its id.
            since: when its current value became current.
            now: the moment that is asked about.
            policy_class: its class.
            own_days: its own limit.
        """
        limit = self.limit_of(policy_class, own_days)
        exemption = self.exemption_at(credential, now)
        age = max((now - since).days, 0)
        return Standing(
            age_days=age,
            limit=limit,
            due_at=since + timedelta(days=limit.max_age_days + 1),
            due=age >= limit.max_age_days and exemption is None,
            overdue=age > limit.max_age_days and exemption is None,
            exemption=exemption,
        )
