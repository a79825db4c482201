"""What happened: exposures and their end, every rotation."""

from __future__ import annotations

from statistics import median

from keysweep.reports import charts
from keysweep.reports.document import (
    Cell,
    Chart,
    Column,
    Mark,
    Section,
    Table,
)
from keysweep.reports.evidence import TARGET_S, Evidence, ExposureRow, RotationRow
from keysweep.reports.phrases import count, duration, moment

_NEWEST = 40
"""Rotations that the log prints; all of them are attached."""
_EXPOSURES, _SPANS, _TIMELINES = 60, 20, 6


def leaks(evidence: Evidence) -> Section:
    """Return the chapter from leak to proof of death."""
    forced = [r for r in evidence.rotations if r.mode == "forced" and r.at_ms("prove-dead") is not None]
    slowest = max((r.at_ms("prove-dead") or 0 for r in forced), default=0)
    alive = sum(e.dead_at is None for e in evidence.exposures)
    fate = "every one proven dead" if not alive else f"{alive} not proven dead"
    leaked = (
        f"{count(len(evidence.exposures), 'stored key')} leaked, {fate}"
        if evidence.exposures
        else "No stored key leaked"
    )
    lead = (
        f"{leaked}; the slowest of {count(len(forced), 'forced rotation')} took {slowest / 1000:.2f} s from acceptance to the proof of "
        f"death, against a target of {TARGET_S} s."
        if forced
        else f"{leaked}; no forced rotation was completed in the period."
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
            Cell(
                text=duration(e.seconds) if e.seconds is not None else "dead before" if e.dead_at else "–", number=True
            ),
        )
        for e in sorted(evidence.exposures, key=lambda e: e.dead_at is not None)[:_EXPOSURES]
    )
    table = Table(
        title="Exposures of stored keys",
        columns=(Column(title="Credential", share=22), Column(title="Where", share=31), Column(title="First seen (UTC)", share=17),
                 Column(title="Proven dead (UTC)", share=19), Column(title="Took", share=11, number=True)),
        rows=rows,
        empty="No stored key was seen outside the vault." if evidence.scans else "Not evaluated: no scan in the period.",
        source=(
            f"{_EXPOSURES} of {len(evidence.exposures):,} are printed, those alive first; EV-03 holds all."
            if len(evidence.exposures) > _EXPOSURES
            else "From the first scan that saw it to a refused call with the old key. Source EV-03."
        ),
    )  # fmt: skip
    ended = [e for e in evidence.exposures if e.seconds is not None][:_SPANS]
    whole = tuple(
        Chart(
            title="From the first sighting to the proof of death",
            svg=charts.spans([_span(e) for e in ended]),
            source="Each bar starts when a scan first saw the key. Source EV-03.",
        )
        for _ in ended[:1]
    )
    pictures = tuple(
        Chart(
            title=f"{r.credential}: steps since acceptance",
            svg=charts.timeline([(s.step, s.at_ms) for s in r.steps if s.ok], limit_ms=TARGET_S * 1000),
            half=True,
        )
        for r in forced[:_TIMELINES]
    )
    return Section(
        title="From leak to proof of death",
        about="Every stored key that leaked, and each measured step of its replacement",
        lead=lead,
        blocks=(*whole, table, *pictures),
    )


def rotation_log(evidence: Evidence) -> Section:
    """Return the chapter that lists rotations: every forced and failed one, and the newest planned ones."""
    weighty = [r for r in evidence.rotations if r.mode == "forced" or r.outcome != "done"]
    planned = [r for r in evidence.rotations if r not in weighty][-_NEWEST:]
    shown = sorted([*weighty, *planned], key=lambda r: r.started_at)
    done = sum(r.outcome == "done" for r in evidence.rotations)
    lead = f"{count(len(evidence.rotations), 'rotation')} in the period, {done} completed; {len(shown)} are printed, all are attached."
    table = Table(
        title="Rotations",
        columns=(Column(title="Started (UTC)", share=17), Column(title="Credential", share=25), Column(title="Mode", share=8),
                 Column(title="Old and new key", share=18), Column(title="Agent on it", share=10, number=True),
                 Column(title="Dead", share=9, number=True), Column(title="Outcome", share=13)),
        rows=tuple(_rotation(r) for r in shown),
        empty="No rotation in the period.",
        source="Times since acceptance. Source EV-02, which has every step.",
    )  # fmt: skip
    return Section(
        title="Rotation log",
        about="Volume, duration and outcome; forced and failed rotations",
        lead=lead,
        blocks=(_volume(evidence), table),
    )


def _span(row: ExposureRow) -> charts.Span:
    took = row.seconds or 0.0
    accepted = (row.opened_at - row.first_seen).total_seconds() if row.opened_at else took
    return charts.Span(name=row.credential, accepted_s=min(max(accepted, 0.0), took), dead_s=took)


def _volume(evidence: Evidence) -> Table:
    """Return counts and times by mode."""
    rows = []
    for mode in sorted({r.mode for r in evidence.rotations}):
        of_mode = [r for r in evidence.rotations if r.mode == mode]
        times = sorted(at for r in of_mode if (at := r.at_ms("prove-dead")) is not None)
        middle, last = (f"{median(times) / 1000:.2f} s", f"{times[-1] / 1000:.2f} s") if times else ("–", "–")
        done = sum(r.outcome == "done" for r in of_mode)
        texts = (str(len(of_mode)), str(done), str(len(of_mode) - done), middle, last)
        rows.append((Cell(text=mode.capitalize()), *(Cell(text=text, number=True) for text in texts)))
    heads = ("Started", "Done", "Not done", "Median to dead", "Slowest to dead")
    return Table(
        title="Volume, outcome and time",
        columns=(Column(title="Mode", share=25), *(Column(title=head, share=15, number=True) for head in heads)),
        rows=tuple(rows),
        empty="No rotation in the period.",
    )


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
