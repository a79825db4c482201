"""What is not finished: every open item with its age against the policy, who decides, and the command that goes on."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime

from keysweep.reports.document import Cell, Column, Figures, KeyFigure, Mark, Section, Table
from keysweep.reports.evidence import Evidence
from keysweep.reports.open_items import Kind, OpenItem, open_items, past_limit
from keysweep.reports.phrases import count, day, duration

_MOST = 60
"""Items that are printed; all of them are attached."""
_LINE = 29
"""Characters of a command on one line of its column, so that no option is cut at its hyphens."""
_ABOUT_KIND = {
    Kind.LEAK: "A scan saw the stored value; no rotation is at it and nobody proved it dead",
    Kind.ROTATION: "It waits, was interrupted, stopped half way, or ended without a proof of death",
    Kind.EXPIRED: "Its provider's own end has come, and it is the value in use",
    Kind.UNKNOWN: "A gap in the population: accepted at the provider, and not stored here",
    Kind.STRANGER: "A gap in the population: a leaked key that nobody stored; no limit is set for it",
}


def chapter(evidence: Evidence) -> Section:
    """Return the chapter on open items."""
    items = open_items(evidence)
    late = past_limit(items, evidence.end)
    evaluated = bool(evidence.keys or evidence.scans or items)
    return Section(
        title="Open items",
        about="Leaks, rotations and keys that somebody has to finish: since when, who decides, the next command",
        lead=_lead(items, late, evaluated=evaluated),
        blocks=(
            *((_figures(items, late, evidence.end),) if items else ()),
            _by_kind(items, evidence.end),
            _all(items, evidence.end, evaluated=evaluated),
        ),
    )


def _lead(items: Sequence[OpenItem], late: Sequence[OpenItem], *, evaluated: bool) -> str:
    if not evaluated:
        return "Nothing was stored and nothing was scanned: open items are not evaluated."
    if not items:
        return "Nothing was open at the freeze: every leak, rotation and listed key that came up is settled."
    ownerless = sum(not item.decides for item in items)
    return f"{count(len(items), 'item')} open at the freeze, {len(late)} past the limit; " + (
        f"for {ownerless} of them nobody is named who decides." if ownerless else "each has somebody who decides."
    )


def _figures(items: Sequence[OpenItem], late: Sequence[OpenItem], freeze: datetime) -> Figures:
    oldest = max(item.days(freeze) for item in items)
    by_kind = {kind: sum(item.kind is kind for item in items) for kind in Kind}
    gaps = by_kind[Kind.UNKNOWN] + by_kind[Kind.STRANGER]
    return Figures(
        figures=(
            KeyFigure(value=f"{len(items):,}", unit="", label="Open items", note=f"oldest {count(oldest, 'day')}"),
            KeyFigure(value=f"{len(late):,}", unit="", label="Past their limit", note="longest first below",
                      tone=Mark.DEVIATION if late else Mark.OK),
            KeyFigure(value=f"{by_kind[Kind.LEAK]:,}", unit="", label="Leaked, not rotated", note="stored values alive"),
            KeyFigure(value=f"{by_kind[Kind.ROTATION]:,}", unit="", label="Rotations not ended", note="waiting or stopped"),
            KeyFigure(value=f"{gaps:,}", unit="", label="Gaps in the population", note="keys that nobody stored"),
        )
    )  # fmt: skip


def _by_kind(items: Sequence[OpenItem], freeze: datetime) -> Table:
    rows = []
    for kind in Kind:
        of_kind = [item for item in items if item.kind is kind]
        if of_kind:
            numbers = (len(of_kind), len(past_limit(of_kind, freeze)), max(item.days(freeze) for item in of_kind))
            texts = (f"{numbers[0]:,}", f"{numbers[1]:,}", f"{numbers[2]:,} d")
            rows.append(
                (
                    Cell(text=kind.value.capitalize(), sub=_ABOUT_KIND[kind], strong=True),
                    *(Cell(text=text, number=True) for text in texts),
                )
            )
    heads = ("Open", "Past limit", "Oldest")
    return Table(
        title="By kind",
        columns=(
            Column(title="What is open", share=64),
            *(Column(title=head, share=12, number=True) for head in heads),
        ),
        rows=tuple(rows),
        empty="None.",
    )


def _all(items: Sequence[OpenItem], freeze: datetime, *, evaluated: bool) -> Table:
    return Table(
        title="Each of them, the longest past its limit first",
        columns=(Column(title="Item", share=24), Column(title="State", share=24), Column(title="Open since", share=10),
                 Column(title="Against the limit", share=16), Column(title="Next command, who decides", share=26)),
        rows=tuple(_row(item, freeze) for item in items[:_MOST]),
        empty="Nothing is open." if evaluated else "Not evaluated.",
        source=f"{_MOST} of {len(items):,} are printed; EV-09 holds all." if len(items) > _MOST else "Source EV-09.",
    )  # fmt: skip


def _row(item: OpenItem, freeze: datetime) -> tuple[Cell, ...]:
    past = item.past(freeze)
    if past is not None:
        against = Cell(text=f"{duration(past.total_seconds())} past", sub=item.limit, mark=Mark.DEVIATION)
    elif item.due_at is not None:
        left = duration((item.due_at - freeze).total_seconds())
        against = Cell(text=f"{left} left", sub=item.limit)
    else:
        against = Cell(text="none is set", sub=item.limit, quiet=True)
    return (
        Cell(text=item.subject, sub=item.reference, code=True),
        Cell(text=item.state, sub=item.why),
        Cell(text=day(item.since), sub=f"{item.days(freeze):,} d"),
        against,
        Cell(text=_wrapped(item.command), sub=item.decides or "nobody is named", code=True),
    )


def _wrapped(command: str) -> str:
    return textwrap.fill(command, _LINE, break_long_words=False, break_on_hyphens=False)
