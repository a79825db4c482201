"""Key age against the policy: at the freeze, over the period, and credential by credential."""

from __future__ import annotations

from statistics import median

from keysweep.reports import frames
from keysweep.reports.document import Cell, Column, Facts, Mark, Note, Section, Table
from keysweep.reports.evidence import Evidence
from keysweep.reports.phrases import count, day

_LONGEST = 50
"""Overdue rows that are printed; all of them are attached."""


def ages(evidence: Evidence) -> Section:
    """Return the chapter on key age at the freeze."""
    keys, limit = evidence.in_use, evidence.policy.max_age_days
    set_by = f", set by {evidence.policy.risk_analysis}" if evidence.policy.risk_analysis else ""
    lead = (
        f"Age counts whole days from the moment a key became the one in use to the freeze. The policy's maximum is {limit} days{set_by}; "
        f"the median age is {round(median(k.age_days for k in keys))} days."
        if keys
        else "No credential is in use at the freeze: key age is not evaluated."
    )
    inside = [k for k in keys if not k.overdue]
    due = Table(
        title="Falling due: keys that reach their limit next",
        columns=(
            Column(title="Within", share=40),
            *(Column(title=f"{d} days", share=20, number=True) for d in _HORIZONS),
        ),
        rows=(
            (
                Cell(text="Credentials"),
                *(
                    Cell(text=f"{sum(k.limit_days - k.age_days < days for k in inside)}", number=True)
                    for days in _HORIZONS
                ),
            ),
        ),
        source="Each number includes those left of it. keysweep rotate --due --within 30d rotates them.",
    )
    limits = sorted({k.limit_days for k in keys} - {limit})
    tables = (_ages_by(evidence, "provider"), _ages_by(evidence, "environment"))
    blocks = (*tables, due) if keys else tables
    if limits:
        own = sum(k.limit_days != limit for k in keys)
        text = f"{count(own, 'credential')} of their own limit: {', '.join(map(str, limits))} days. Overdue is counted against it."
        return Section(title="Key age", about=_ABOUT, lead=lead, blocks=(*blocks, Note(title="Own limits", text=text)))
    return Section(title="Key age", about=_ABOUT, lead=lead, blocks=blocks)


_ABOUT = "Ages at the freeze by provider and environment, and what falls due next"
_HORIZONS = (7, 14, 30)


def overdue(evidence: Evidence) -> Section:
    """Return the chapter on credentials past their limit: at the freeze, and at any time of the period."""
    keys, late, spells = evidence.in_use, evidence.overdue, evidence.spells
    closed = sum(use.until is not None for use in spells)
    lead = (
        f"{count(len(late), 'credential')} past the limit at the freeze; {count(len(spells), 'value')} past it at some time of the period, "
        f"{closed} of them replaced since."
        if keys or spells
        else "No credential was in use: not evaluated."
    )
    now = Table(
        title="Past the policy maximum at the freeze, oldest first",
        columns=(Column(title="Credential", share=24), Column(title="Provider", share=15), Column(title="Agents", share=18),
                 Column(title="Owner", share=17), Column(title="In use since", share=13), Column(title="Days over", share=13, number=True)),
        rows=tuple(
            (Cell(text=k.name, sub=k.environment, code=True, mark=Mark.DEVIATION), Cell(text=k.provider),
             Cell(text=", ".join(k.agents) or ("administers others" if k.is_admin else "–")),
             Cell(text=k.owner or "not stated"), Cell(text=day(k.since)),
             Cell(text=f"{k.age_days - k.limit_days:,}", sub=f"age {k.age_days}", number=True))
            for k in late[:_LONGEST]
        ),
        empty="No credential is past its limit." if keys else "Not evaluated: no credential is in use.",
        source=_rest(len(late), "EV-01"),
    )  # fmt: skip
    ever = Table(
        title="Past it at any time of the period",
        columns=(Column(title="Value", share=38), Column(title="In use since", share=15), Column(title="Overdue from", share=15),
                 Column(title="Replaced", share=17), Column(title="Longest over", share=15, number=True)),
        rows=tuple(
            (Cell(text=f"v{u.version} of {u.credential}", sub=u.fingerprint, code=True), Cell(text=day(u.since)),
             Cell(text=day(u.overdue_from)),
             Cell(text=day(u.until) if u.until else "still in use", mark=None if u.until else Mark.DEVIATION),
             Cell(text=f"{u.days_over(evidence.end):,} d", number=True))
            for u in sorted(spells, key=lambda u: (-u.days_over(evidence.end), u.credential, u.version))[:_LONGEST]
        ),
        empty="No value went past its limit." if evidence.uses else "Not evaluated: no value was in use.",
        source=_rest(len(spells), "EV-06") + " Measured against the limits as they stand at the freeze.",
    )  # fmt: skip
    added = [k for k in evidence.keys if k.created_at >= evidence.start]
    period = Facts(
        title="The population over the period",
        rows=(
            ("Credentials added", Cell(text=f"{len(added):,}")),
            ("Values put into use", Cell(text=f"{sum(u.since >= evidence.start for u in evidence.uses):,}")),
            ("Values that went out of use", Cell(text=f"{sum(u.until is not None for u in evidence.uses):,}")),
        ),
    )
    excepted = [k for k in evidence.keys if k.exemption is not None]
    register = Table(
        title="Exceptions that counted at the freeze",
        columns=(Column(title="Credential", share=24), Column(title="Age / limit", share=13, number=True),
                 Column(title="Until", share=13), Column(title="Approved by", share=18), Column(title="Reason", share=32)),
        rows=tuple(
            (Cell(text=k.name, code=True), Cell(text=f"{k.age_days} / {k.limit_days}", number=True),
             Cell(text=day(k.exemption.until)), Cell(text=k.exemption.approved_by), Cell(text=k.exemption.reason))
            for k in excepted[:_LONGEST] if k.exemption is not None
        ),
        empty="No exception was approved: every credential past its limit counts as a deviation.",
        source=_rest(len(excepted), "EV-01") + f" {sum(k.excused for k in excepted)} of them are past their limit.",
    )  # fmt: skip
    return Section(
        title="Overdue credentials and exceptions",
        about="Every credential past the policy maximum, at the freeze and at any time of the period",
        lead=lead,
        blocks=(now, ever, period, register),
    )


def inventory(evidence: Evidence, *, most: int) -> Section:
    """Return the appendix: every credential, or for a long list the overdue ones and where the whole is."""
    keys = evidence.keys if len(evidence.keys) <= most else evidence.overdue[:most]
    whole = len(keys) == len(evidence.keys)
    lead = (
        f"All {count(len(keys), 'credential')} at the freeze (EV-01)." if whole
        else f"{len(keys):,} overdue of {len(evidence.keys):,} credentials are printed; EV-01 holds all of them."
    )  # fmt: skip
    table = Table(
        title="Credentials",
        columns=(Column(title="Credential", share=18), Column(title="Provider", share=11), Column(title="Agents", share=14),
                 Column(title="Environment", share=10), Column(title="Owner", share=12), Column(title="Key in use", share=14),
                 Column(title="Since", share=8), Column(title="Age / limit", share=6, number=True), Column(title="Status", share=7)),
        rows=tuple(
            (Cell(text=k.name, code=True), Cell(text=k.provider),
             Cell(text=", ".join(k.agents) or ("administers others" if k.is_admin else "–")),
             Cell(text=k.environment or "–"), Cell(text=k.owner or "not stated"),
             Cell(text=f"v{k.version} {k.fingerprint}" if k.version else "none", code=True), Cell(text=day(k.since)),
             Cell(text=f"{k.age_days} / {k.limit_days}", number=True),
             Cell(text="Overdue", mark=Mark.DEVIATION) if k.overdue
             else Cell(text="Excepted", sub=f"to {day(k.exemption.until)}") if k.excused and k.exemption
             else Cell(text="Within" if k.version else "Not in use", quiet=True))
            for k in keys
        ),
        empty="The inventory is empty.",
    )  # fmt: skip
    return Section(
        title="Appendix: inventory", about="Every credential of the population", lead=lead, blocks=(table,), wide=True
    )


def _ages_by(evidence: Evidence, by: str) -> Table:
    rows = tuple(_ageing(row) for row in frames.ageing(evidence, by))
    heads = (
        by.capitalize(),
        *(frames.band_title(band) for band in frames.BANDS),
        "Total",
        "Median",
        "Oldest",
        "Overdue",
    )
    shares = (20, 9, 9, 9, 9, 9, 8, 9, 9, 9)
    return Table(
        title=f"Ageing by {by}",
        columns=tuple(
            Column(title=head, share=part, number=at > 0)
            for at, (head, part) in enumerate(zip(heads, shares, strict=True))
        ),
        rows=rows[:-1],
        total=rows[-1] if rows else (),
        empty="Not evaluated: no credential is in use.",
        source="Credentials in use at the freeze. Source EV-01.",
    )


def _ageing(row: frames.Ageing) -> tuple[Cell, ...]:
    numbers = (*map(str, row.bands), str(row.total), f"{row.median} d", f"{row.oldest} d", str(row.overdue))
    return (Cell(text=row.name), *(Cell(text=text, number=True) for text in numbers))


def _rest(total: int, exhibit: str) -> str:
    return f"{_LONGEST} of {total:,} are printed; {exhibit} holds all." if total > _LONGEST else f"Source {exhibit}."
