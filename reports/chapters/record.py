"""What happened: exposures and their end, every rotation."""

from __future__ import annotations

from keysweep.reports import charts
from keysweep.reports.controls import tests
from keysweep.reports.document import (
    Cell,
    Chart,
    Column,
    Mark,
    Section,
    Table,
)
from keysweep.reports.evidence import Evidence, RotationRow
from keysweep.reports.phrases import count, duration, moment

_NEWEST = 40
"""Rotations that the log prints; all of them are attached."""
_TIMELINES = 6


def leaks(evidence: Evidence) -> Section:
    """Return the chapter from leak to proof of death."""
    forced = [r for r in evidence.rotations if r.mode == "forced" and r.at_ms("prove-dead") is not None]
    slowest = max((r.at_ms("prove-dead") or 0 for r in forced), default=0)
    lead = (
        f"{count(len(forced), 'forced rotation')}; the slowest was proven dead {slowest / 1000:.2f} s after it was accepted, against a "
        f"target of {tests.TARGET_S} s."
        if forced
        else "No forced rotation was completed in the period."
    )
    rows = tuple(
        (
            Cell(text=e.credential, sub=f"version {e.version} · {e.finding_id}", code=True),
            Cell(
                text=e.places[0] if e.places else "",
                sub=f"and {len(e.places) - 1} more" if len(e.places) > 1 else "",
                code=True,
            ),
            Cell(text=moment(e.first_seen)),
            Cell(text=moment(e.dead_at) if e.dead_at else "alive", mark=Mark.OK if e.dead_at else Mark.DEVIATION),
            Cell(text=duration(e.seconds) if e.seconds is not None else "–", number=True),
        )
        for e in evidence.exposures[:60]
    )
    table = Table(
        title="Exposures of stored keys",
        columns=(Column(title="Credential", share=22), Column(title="Where", share=31), Column(title="First seen (UTC)", share=17),
                 Column(title="Proven dead (UTC)", share=19), Column(title="Took", share=11, number=True)),
        rows=rows,
        empty="No stored key was seen outside the vault.",
    )  # fmt: skip
    pictures = tuple(
        Chart(
            title=f"{r.credential}: from acceptance to proof of death, measured",
            svg=charts.timeline([(s.step, s.at_ms) for s in r.steps if s.ok], limit_ms=tests.TARGET_S * 1000),
        )
        for r in forced[:_TIMELINES]
    )
    return Section(title="From leak to proof of death", lead=lead, blocks=(table, *pictures))


def rotation_log(evidence: Evidence) -> Section:
    """Return the chapter that lists rotations: every forced and failed one, and the newest planned ones."""
    weighty = [r for r in evidence.rotations if r.mode == "forced" or r.outcome != "done"]
    planned = [r for r in evidence.rotations if r not in weighty][-_NEWEST:]
    shown = sorted([*weighty, *planned], key=lambda r: r.started_at)
    done = sum(r.outcome == "done" for r in evidence.rotations)
    lead = f"{count(len(evidence.rotations), 'rotation')} in the period, {done} completed; {len(shown)} are printed, all are attached."
    table = Table(
        title="Rotations",
        columns=(Column(title="Started (UTC)", share=17), Column(title="Credential", share=19), Column(title="Mode", share=10),
                 Column(title="Old and new key", share=24), Column(title="Attested", share=10, number=True),
                 Column(title="Dead", share=10, number=True), Column(title="Outcome", share=10)),
        rows=tuple(_rotation(r) for r in shown),
        empty="No rotation in the period.",
    )  # fmt: skip
    return Section(title="Rotation log", lead=lead, blocks=(table,))


def _rotation(row: RotationRow) -> tuple[Cell, ...]:
    def at(step: str) -> Cell:
        value = row.at_ms(step)
        return Cell(text=f"{value / 1000:.2f} s" if value is not None else "–", number=True)

    mark = Mark.OK if row.outcome == "done" else Mark.DEVIATION
    return (
        Cell(text=moment(row.started_at)),
        Cell(text=row.credential, sub=row.reason, code=True),
        Cell(text=row.mode),
        Cell(text=row.old_fingerprint, sub=row.new_fingerprint or "–", code=True),
        at("attest"),
        at("prove-dead"),
        Cell(text=row.outcome, mark=mark),
    )
