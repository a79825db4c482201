"""The first chapter: the answer on one page; and the legend that stands before it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median

from keysweep.reports import charts, completeness, frames
from keysweep.reports.controls import Assessed
from keysweep.reports.document import Cell, Chart, Column, Figures, KeyFigure, Mark, Note, Points, Section, Table
from keysweep.reports.evidence import Evidence
from keysweep.reports.open_items import Kind, OpenItem, open_items, past_limit
from keysweep.reports.phrases import count, duration, moment, share
from keysweep.rotation.engine.steps import Outcome

_MOST = 3
"""Points of each kind that the first page names; the chapters have all."""


def summary(evidence: Evidence, results: Sequence[Assessed]) -> Section:
    """Return the first chapter: the answer, the figures, what needs attention.

    Args:
        evidence: what is reported.
        results: the tested controls of the chosen frameworks.
    """
    limit = evidence.policy.max_age_days
    tests = tuple((r.title, sum(a.mark is r.mark for a in results), r.colour) for r in _RESULTS)
    blocks = (
        _figures(evidence),
        Chart(
            title=f"Key age, {count(len(evidence.in_use), 'credential')} in use",
            svg=charts.age_histogram(frames.histogram(evidence), limit_days=limit, bar_days=frames.bar_width(limit)),
            source=f"Bars of {frames.bar_width(limit)} days; the last is open. Source EV-01.",
        ),
        _attention(evidence, results),
        Chart(title=f"Tests by result, {len(results)} controls", svg=charts.counts(tests), half=True),
        Note(
            title="Management response",
            text="To be written by management before the report is handed over; the tool writes none.",
            lines=3,
        ),
    )
    return Section(
        title="Executive summary",
        about="Results at a glance, matters for attention, management response",
        lead=_answer(evidence),
        blocks=blocks,
    )


def legend() -> Table:
    """Return how the marks are to be read."""
    rows = (
        (
            Mark.OK,
            "No exceptions · Supports “In Place”",
            "The test ran on the whole population and found no deviation.",
        ),
        (
            Mark.DEVIATION,
            "Exceptions noted · Deviations noted",
            "At least one deviation; each is counted, excused or not.",
        ),
        (
            Mark.NOT_APPLICABLE,
            "Not applicable",
            "The requirement does not cover this kind of key; the reason is stated.",
        ),
        (Mark.NOT_EVALUATED, "Not evaluated", "There is no evidence of the period: neither good nor bad."),
    )
    return Table(
        title="How to read the results",
        columns=(Column(title="Mark", share=36), Column(title="Meaning in this report", share=64)),
        rows=tuple((Cell(text=word, mark=mark), Cell(text=meaning)) for mark, word, meaning in rows),
        source=(
            "The words left of the dot are used for SOC 2, those right of it for PCI DSS. The service auditor and the assessor decide; "
            "strength says how far the evidence carries: direct, supporting or partial."
        ),
    )


class _Result:
    """How one result is drawn."""

    def __init__(self, mark: Mark, title: str, colour: str) -> None:
        self.mark, self.title, self.colour = mark, title, colour


_RESULTS = (
    _Result(Mark.OK, "No exceptions", charts.GREEN),
    _Result(Mark.DEVIATION, "Exceptions noted", charts.RED),
    _Result(Mark.NOT_APPLICABLE, "Not applicable", charts.GREY),
    _Result(Mark.NOT_EVALUATED, "Not evaluated", charts.GREY),
)


def _answer(evidence: Evidence) -> str:
    keys, overdue = evidence.in_use, evidence.overdue
    if not keys:
        return "The inventory holds no credential in use at the freeze, so key age was not evaluated."
    alive = sum(e.dead_at is None for e in evidence.exposures)
    leaks = (
        f"{count(len(evidence.exposures), 'stored key')} leaked, {len(evidence.exposures) - alive} proven dead"
        if evidence.exposures
        else "no stored key was seen outside the vault"
    )
    return (
        f"{len(keys) - len(overdue)} of {count(len(keys), 'credential')} were inside the policy at the freeze, {len(overdue)} overdue; "
        f"{leaks}. {completeness.statement(evidence)}"
    )


def _figures(evidence: Evidence) -> Figures:
    keys, overdue = evidence.in_use, evidence.overdue
    times = [e.seconds for e in evidence.exposures if e.seconds is not None]
    alive = sum(e.dead_at is None for e in evidence.exposures)
    forced = sum(r.mode == "forced" for r in evidence.rotations)
    tone = None if not keys else Mark.DEVIATION if overdue else Mark.OK
    percent, percent_unit = share(len(keys) - len(overdue), len(keys)).partition(" ")[::2]
    took, took_unit = duration(median(times)).split(" ") if times else ("–", "")
    return Figures(
        figures=(
            KeyFigure(value=f"{len(keys):,}", unit="", label="Credentials in use",
                      note=count(len({k.provider for k in keys}), "provider")),
            KeyFigure(value=percent, unit=percent_unit, label="Within policy", note=f"limit {evidence.policy.max_age_days} days", tone=tone),
            KeyFigure(value=f"{len(overdue):,}", unit="", label="Overdue at the freeze",
                      note=f"oldest {max((k.age_days for k in keys), default=0)} days", tone=tone),
            KeyFigure(value=str(round(median(k.age_days for k in keys))) if keys else "–", unit="d" if keys else "",
                      label="Median key age", note=f"{count(len(evidence.spells), 'value')} ever overdue"),
            KeyFigure(value=took, unit=took_unit, label="Median, leak seen to key dead",
                      note=f"{count(len(evidence.exposures), 'leak')}, {alive} alive"),
            KeyFigure(value=f"{len(evidence.rotations):,}", unit="", label="Rotations", note=f"{forced} forced"),
        )
    )  # fmt: skip


def _completeness(evidence: Evidence, under: str) -> list[tuple[str, str]]:
    rows = completeness.by_provider(evidence)
    unknown, absent = sum(row.unknown for row in rows), sum(row.not_there for row in rows)
    without = [row.provider for row in rows if not row.compared]
    points = []
    if unknown:
        points.append(
            (
                f"{count(unknown, 'key')} accepted at a provider and unknown here.",
                f"The completeness chapter names them.{under}",
            )
        )
    if absent:
        points.append(
            (
                f"{count(absent, 'key')} in use here and not in the provider's list.",
                f"The completeness chapter names them.{under}",
            )
        )
    if without:
        points.append(
            (
                f"{count(len(without), 'provider')} without a current list.",
                f"{', '.join(without[:_MOST])}{' …' if len(without) > _MOST else ''}.{under}",
            )
        )
    return points


def _open(evidence: Evidence, under: Callable[[str], str]) -> list[tuple[str, str]]:
    """Return what is open of leaked keys, and the rotations and expired keys past their limit; the longest past it first."""
    items = open_items(evidence)
    late = past_limit(items, evidence.end)
    points = []
    for of_kind, control in (
        ([item for item in items if item.kind is Kind.LEAK], "leaks_ended"),
        ([item for item in items if item.kind is Kind.ROTATION and (item.compromised or item in late)], "followed_up"),
        ([item for item in late if item.kind is Kind.EXPIRED], "followed_up"),
    ):
        points += [
            (
                _said(item),
                f"Open since {moment(item.since)}, {item.decides or 'nobody is named who'} decides; next: {item.command}.{under(control)}",
            )
            for item in of_kind[:_MOST]
        ]
        if len(of_kind) > _MOST:
            points.append(
                (f"{len(of_kind) - _MOST} more: {of_kind[0].kind.value}.", "The chapter on open items lists them.")
            )
    return points


def _said(item: OpenItem) -> str:
    match item.kind:
        case Kind.LEAK:
            return f"{item.subject} leaked and is not proven dead: {item.state}."
        case Kind.ROTATION:
            return f"The rotation of {item.subject} has not ended: {item.state}."
        case _:
            return f"{item.subject} is {item.state} at the provider."


def _attention(evidence: Evidence, results: Sequence[Assessed]) -> Points:
    causing = {
        name: ", ".join(a.control.id for a in results if a.mark is Mark.DEVIATION and a.control.test.__name__ == name)
        for name in ("age_within_policy", "leaks_ended", "coverage_complete", "lists_agree", "followed_up")
    }

    def under(name: str) -> str:
        return f" Noted under {causing[name]}." if causing[name] else ""

    overdue = evidence.overdue
    points = [
        (f"{key.name} is {count(key.age_days - key.limit_days, 'day')} over its limit.",
         f"Owner: {key.owner or 'not stated'}.{under('age_within_policy')}")
        for key in overdue[:_MOST]
    ]  # fmt: skip
    if len(overdue) > _MOST:
        points.append((f"{len(overdue) - _MOST} more credentials are overdue.", "Chapter 3 lists them."))
    points += _open(evidence, under)
    points += [
        (
            f"The rotation of {r.credential} was rolled back.",
            f"Started {moment(r.started_at)}; the old key is in use again.",
        )
        for r in evidence.rotations
        if r.outcome == Outcome.ROLLED_BACK
    ][:_MOST]
    points += _completeness(evidence, under("lists_agree"))
    gaps = sum(len(scan.gaps) for scan in evidence.scans)
    if gaps:
        points.append(
            (
                f"{count(gaps, 'item')} could not be scanned.",
                f"The coverage chapter lists them.{under('coverage_complete')}",
            )
        )
    if not evidence.policy.risk_analysis:
        points.append(("No risk analysis is stated.", "PCI DSS 12.3.1 asks for the one that sets the age limit."))
    return Points(title="Matters for attention", points=tuple(points), empty="None.")
