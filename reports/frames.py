"""Evidence as data frames: pandas stays in this module and the renderers of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keysweep.foundation.clock import to_text
from keysweep.reports.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

BANDS = ((0, 30), (31, 60), (61, 90), (91, 180), (181, 100_000))
"""Age bands in days, both ends included; the last is open."""
_BARS = 20
_SOON_DAYS = 10
_COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""


def population(evidence: Evidence) -> pd.DataFrame:
    """Return one row a credential, by name."""
    import pandas as pd

    columns = ["name", "provider", "owner", "environment", "administers", "version", "fingerprint", "since", "age_days",
               "limit_days", "overdue", "agents", "class", "risk_analysis", "approved_by", "excepted_until", "expires_at"]  # fmt: skip
    rows = [
        [k.name, k.provider, k.owner, k.environment, k.is_admin, k.version, k.fingerprint, to_text(k.since), k.age_days,
         k.limit_days, k.overdue, " ".join(k.agents), k.policy_class, k.risk_analysis, k.approved_by,
         to_text(k.exemption.until) if k.exemption else "", to_text(k.expires_at) if k.expires_at else ""]
        for k in evidence.keys
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"version": "Int64"}).sort_values("name", ignore_index=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar of the histogram: credentials in use of an age."""

    low: int
    high: int | None
    """Last day that it counts; None for the open bar at the end."""
    within: int
    due_soon: int
    """Reach their limit within ten days."""
    overdue: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.within + self.due_soon + self.overdue


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """Ages of the credentials in use of one provider, or of all."""

    name: str
    bands: tuple[int, ...]
    """Counts, in the order of `BANDS`."""
    total: int
    median: int
    oldest: int
    overdue: int


def band_title(band: tuple[int, int]) -> str:
    """Return `31–60 d`, or `> 180 d` for the open band."""
    low, high = band
    return f"{low}–{high} d" if high < BANDS[-1][1] else f"> {low - 1} d"


def histogram(evidence: Evidence) -> list[Bar]:
    """Return the ages of all credentials in use in twenty bars; the policy's limit ends the ninth."""
    width = bar_width(evidence.policy.max_age_days)
    bars = []
    for number in range(_BARS):
        keys = [k for k in evidence.in_use if min(max(k.age_days - 1, 0) // width, _BARS - 1) == number]
        overdue = sum(k.overdue for k in keys)
        soon = sum(not k.overdue and k.limit_days - k.age_days < _SOON_DAYS for k in keys)
        bars.append(
            Bar(
                low=number * width + (number > 0),
                high=(number + 1) * width if number < _BARS - 1 else None,
                within=len(keys) - overdue - soon,
                due_soon=soon,
                overdue=overdue,
            )
        )
    return bars


def bar_width(limit_days: int) -> int:
    """Return how many days one bar of the histogram counts."""
    return max(1, round(limit_days / 9))


def ageing(evidence: Evidence, by: str) -> list[Ageing]:
    """Return one row a provider or environment, and a last one for all; empty where no credential is in use."""
    frame = population(evidence)
    frame = frame[frame["version"].notna()]
    if frame.empty:
        return []
    groups = [(str(name) or "not stated", rows) for name, rows in frame.groupby(by, sort=True)]
    return [_ageing(name, rows) for name, rows in [*groups, ("All", frame)]]


def _ageing(name: str, rows: pd.DataFrame) -> Ageing:
    ages = rows["age_days"]
    return Ageing(
        name=name,
        bands=tuple(int(ages.between(low, high).sum()) for low, high in BANDS),
        total=len(rows),
        median=round(float(ages.median())),
        oldest=int(ages.max()),
        overdue=int(rows["overdue"].sum()),
    )


def spells(evidence: Evidence) -> pd.DataFrame:
    """Return one row a value that was past its limit at any moment of the period."""
    import pandas as pd

    columns = [
        "credential",
        "version",
        "fingerprint",
        "in_use_since",
        "overdue_from",
        "until",
        "days_over",
        "limit_days",
    ]
    rows = [
        [u.credential, u.version, u.fingerprint, to_text(u.since), to_text(u.overdue_from),
         to_text(u.until) if u.until else "", u.days_over(evidence.end), u.limit_days]
        for u in evidence.spells
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def rotations(evidence: Evidence) -> pd.DataFrame:
    """Return one row a finished step of each rotation, in order."""
    import pandas as pd

    columns = ["rotation", "credential", "mode", "started_at", "outcome", "step", "at_ms", "ok"]
    rows = [
        [r.id, r.credential, r.mode, to_text(r.started_at), r.outcome, s.step, s.at_ms, s.ok]
        for r in evidence.rotations
        for s in r.steps
    ]
    return pd.DataFrame(rows, columns=columns)


def exposures(evidence: Evidence) -> pd.DataFrame:
    """Return one row a leaked stored value."""
    import pandas as pd

    columns = ["finding", "credential", "version", "first_seen", "incident_opened", "proven_dead", "seconds", "places"]
    rows = [
        [e.finding_id, e.credential, e.version, to_text(e.first_seen), to_text(e.opened_at) if e.opened_at else "",
         to_text(e.dead_at) if e.dead_at else "", e.seconds, " | ".join(e.places)]
        for e in evidence.exposures
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def coverage(evidence: Evidence) -> pd.DataFrame:
    """Return one row a scan."""
    import pandas as pd

    columns = ["finished_at", "targets", "complete", "files", "bytes", "findings", "mapped", "gaps", "rules"]
    rows = [
        [to_text(s.finished_at), " ".join(s.targets), s.complete, s.files, s.bytes, s.findings, s.mapped,
         " | ".join(f"{path}: {reason}" for path, reason in s.gaps), s.rules]
        for s in evidence.scans
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Return RFC 4180 CSV in UTF-8 with LF; cells that a spreadsheet would compute are made text."""
    safe = frame.map(lambda cell: _text(cell) if isinstance(cell, str) else cell)
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")


def _text(cell: str) -> str:
    """Return a cell that stays text; a lone carriage return would end the row, for it is not quoted."""
    safe = f"'{cell}" if cell.startswith(_COMPUTED) else cell
    return safe.replace("\r\n", "\n").replace("\r", "\n")
