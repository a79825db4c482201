"""Evidence as data frames: pandas stays in this module and the renderers of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keysweep.foundation.clock import to_text
from keysweep.reports.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

BANDS = ((0, 30), (31, 60), (61, 90), (91, 180), (181, 100_000))
"""Age bands in days, both ends included; the last is open."""


def population(evidence: Evidence) -> pd.DataFrame:
    """Return one row a credential, by name."""
    import pandas as pd

    columns = ["name", "provider", "owner", "environment", "administers", "version", "fingerprint", "since", "age_days",
               "limit_days", "overdue", "agents"]  # fmt: skip
    rows = [
        [k.name, k.provider, k.owner, k.environment, k.is_admin, k.version, k.fingerprint, to_text(k.since), k.age_days,
         k.limit_days, k.overdue, " ".join(k.agents)]
        for k in evidence.keys
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns).astype({"version": "Int64"}).sort_values("name", ignore_index=True)


def bands(evidence: Evidence) -> list[tuple[str, int]]:
    """Return how many credentials in use fall into each age band."""
    frame = population(evidence)
    ages = frame.loc[frame["version"].notna(), "age_days"]
    return [
        (f"{low}–{high} d" if high < BANDS[-1][1] else f"over {low - 1} d", int(ages.between(low, high).sum()))
        for low, high in BANDS
    ]


def by_provider(evidence: Evidence) -> list[tuple[str, int, int, int, int]]:
    """Return (provider, credentials, median age, oldest, overdue) by provider."""
    frame = population(evidence)
    if frame.empty:
        return []
    grouped = frame.groupby("provider", sort=True)
    return [
        (str(name), len(rows), int(rows["age_days"].median()), int(rows["age_days"].max()), int(rows["overdue"].sum()))
        for name, rows in grouped
    ]


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
    safe = frame.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell[:1] in set("=+-@\t\r") else cell)
    return safe.to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")
