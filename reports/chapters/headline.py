"""The first chapters: the answer in one page, and key age against the policy."""

from __future__ import annotations

from statistics import median

from keysweep.reports import charts, frames
from keysweep.reports.document import (
    Block,
    Cell,
    Chart,
    Column,
    Facts,
    Figures,
    KeyFigure,
    Mark,
    Points,
    Section,
    Table,
)
from keysweep.reports.evidence import Evidence
from keysweep.reports.phrases import count, duration, moment, share


def summary(evidence: Evidence) -> Section:
    """Return the first chapter: the answer, the figures, what needs attention."""
    keys = [key for key in evidence.keys if key.version is not None]
    overdue = [key for key in keys if key.overdue]
    alive = [e for e in evidence.exposures if e.dead_at is None]
    if not keys:
        lead = "The inventory holds no credential in use, so nothing was evaluated."
    else:
        leaks = f"{count(len(evidence.exposures), 'leak')} of stored keys, {len(evidence.exposures) - len(alive)} proven dead"
        lead = f"{len(keys) - len(overdue)} of {count(len(keys), 'credential')} were inside the policy at the freeze; {leaks}."
    times = [e.seconds for e in evidence.exposures if e.seconds is not None]
    forced = [r for r in evidence.rotations if r.mode == "forced"]
    figures = (
        KeyFigure(value=str(len(keys)), unit="", label="Credentials in use", note=f"{len({k.provider for k in keys})} providers"),
        KeyFigure(
            value=share(len(keys) - len(overdue), len(keys)), unit="", label="Within policy",
            note=f"limit {evidence.policy.max_age_days} days", tone=_tone(len(overdue), len(keys)),
        ),
        KeyFigure(
            value=str(len(overdue)), unit="", label="Overdue", tone=_tone(len(overdue), len(keys)),
            note=f"oldest {max((k.age_days for k in keys), default=0)} days",
        ),
        KeyFigure(
            value=str(round(median(k.age_days for k in keys))) if keys else "–", unit="d", label="Median key age", note="at the freeze"
        ),
        KeyFigure(
            value=duration(median(times)) if times else "–", unit="", label="Median leak to death",
            note=f"{count(len(evidence.exposures), 'leak')}, {len(alive)} alive",
        ),
        KeyFigure(value=str(len(evidence.rotations)), unit="", label="Rotations", note=f"{len(forced)} forced"),
    )  # fmt: skip
    return Section(
        title="Executive summary",
        lead=lead,
        blocks=(Figures(figures=figures), *_summary_charts(evidence), _attention(evidence)),
    )


def ages(evidence: Evidence) -> Section:
    """Return the chapter on key age."""
    keys = [key for key in evidence.keys if key.version is not None]
    overdue = sorted((key for key in keys if key.overdue), key=lambda k: -k.age_days)
    limit = evidence.policy.max_age_days
    lead = (
        f"{count(len(overdue), 'credential')} of {len(keys)} older than the limit of {limit} days; median age "
        f"{round(median(k.age_days for k in keys))} days."
        if keys
        else "No credential is in use: not evaluated."
    )
    providers = Table(
        title="By provider",
        columns=(Column(title="Provider", share=40), Column(title="Credentials", share=15, number=True),
                 Column(title="Median age", share=15, number=True), Column(title="Oldest", share=15, number=True),
                 Column(title="Overdue", share=15, number=True)),
        rows=tuple(
            (Cell(text=name), *(Cell(text=f"{value} d" if at in {1, 2} else str(value), number=True) for at, value in enumerate(values)))
            for name, *values in frames.by_provider(evidence)
        ),
    )  # fmt: skip
    late = Table(
        title="Overdue at the freeze",
        columns=(Column(title="Credential", share=30), Column(title="Provider", share=17), Column(title="Owner", share=23),
                 Column(title="In use since", share=16), Column(title="Days over", share=14, number=True)),
        rows=tuple(
            (Cell(text=k.name, code=True, mark=Mark.DEVIATION), Cell(text=k.provider), Cell(text=k.owner or "not stated"),
             Cell(text=f"{k.since:%-d %b %Y}"), Cell(text=str(k.age_days - k.limit_days), number=True))
            for k in overdue[:50]
        ),
        empty="No credential is overdue." if keys else "Not evaluated: no credential is in use.",
    )  # fmt: skip
    due = Facts(
        title="Falling due",
        rows=tuple(
            (
                f"Within {days} days",
                Cell(text=count(sum(0 <= k.limit_days - k.age_days <= days for k in keys), "credential")),
            )
            for days in (7, 14, 30)
        ),
    )
    return Section(title="Key age", lead=lead, blocks=(providers, late, due))


def inventory(evidence: Evidence, *, most: int) -> Section:
    """Return the appendix: every credential, or for a long list the overdue ones and where the whole is."""
    keys = evidence.keys if len(evidence.keys) <= most else tuple(k for k in evidence.keys if k.overdue)[:most]
    whole = len(keys) == len(evidence.keys)
    lead = (
        f"All {count(len(keys), 'credential')}." if whole
        else f"{len(keys)} overdue of {len(evidence.keys):,} credentials are printed; EV-01 holds all of them."
    )  # fmt: skip
    table = Table(
        title="Inventory",
        columns=(Column(title="Credential", share=23), Column(title="Provider", share=13), Column(title="Agents", share=16),
                 Column(title="Key in use", share=21), Column(title="Since", share=13), Column(title="Age", share=14, number=True)),
        rows=tuple(
            (Cell(text=k.name, code=True, sub="administers others" if k.is_admin else k.owner, mark=Mark.DEVIATION if k.overdue else None),
             Cell(text=k.provider), Cell(text=", ".join(k.agents) or "–"),
             Cell(text=f"v{k.version} {k.fingerprint}" if k.version else "none", code=True),
             Cell(text=f"{k.since:%-d %b %Y}"), Cell(text=f"{k.age_days} / {k.limit_days} d", number=True))
            for k in keys
        ),
        empty="The inventory is empty.",
    )  # fmt: skip
    return Section(title="Appendix: inventory", lead=lead, blocks=(table,))


def _summary_charts(evidence: Evidence) -> tuple[Block, ...]:
    bands = frames.bands(evidence)
    limit = evidence.policy.max_age_days
    over = next((at for at, (low, _) in enumerate(frames.BANDS) if low > limit), len(bands))
    return (Chart(title="Credentials by age", svg=charts.age_histogram(bands, limit_days=limit, over_from=over)),)


def _attention(evidence: Evidence) -> Points:
    overdue = sorted((key for key in evidence.keys if key.overdue), key=lambda k: -k.age_days)
    points = [
        (f"{key.name} is {key.age_days - key.limit_days} days over its limit.", f"Owner: {key.owner or 'not stated'}.")
        for key in overdue[:5]
    ]
    points += [
        (f"{e.credential} v{e.version} leaked and is not proven dead.", f"First seen {moment(e.first_seen)}.")
        for e in evidence.exposures
        if e.dead_at is None
    ][:5]
    points += [
        (f"The rotation of {r.credential} ended {r.outcome}.", f"Started {moment(r.started_at)}.")
        for r in evidence.rotations
        if r.outcome != "done"
    ][:5]
    return Points(title="Matters for attention", points=tuple(points), empty="None.")


def _tone(bad: int, total: int) -> Mark | None:
    return None if total == 0 else Mark.DEVIATION if bad else Mark.OK
