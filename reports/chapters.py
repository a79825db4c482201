"""The chapters of the key-age report.  Pure: every sentence is computed from the figures of its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from statistics import median
from types import ModuleType

from keysweep.reports import charts, frames
from keysweep.reports.controls import Control, tests
from keysweep.reports.controls import pci_dss as pci
from keysweep.reports.controls import soc2 as soc
from keysweep.reports.document import (
    Attachment,
    Block,
    Cell,
    Chart,
    Column,
    Facts,
    Figures,
    KeyFigure,
    Mark,
    Note,
    Points,
    Section,
    Table,
)
from keysweep.reports.evidence import Evidence, RotationRow
from keysweep.reports.phrases import count, duration, moment, share

_NEWEST = 40
"""Rotations that the log prints; all of them are attached."""
_TIMELINES = 6


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


def soc2(evidence: Evidence) -> Section:
    """Return the chapter on SOC 2."""
    return _controls(
        evidence, soc, "SOC 2 names no number of days: what is tested is the organisation's own policy.", ()
    )


def pci_dss(evidence: Evidence) -> Section:
    """Return the chapter on PCI DSS, with the risk analysis and why 3.6 and 3.7 do not apply."""
    policy = evidence.policy
    facts = Facts(
        title="Targeted risk analysis (12.3.1)",
        rows=(
            ("Identifier", Cell(text=policy.risk_analysis or "not stated")),
            (
                "Frequency that it sets",
                Cell(text=f"every {policy.max_age_days} days, and at once on suspicion of compromise"),
            ),
            ("Approved by", Cell(text=policy.approved_by or "not stated")),
        ),
    )
    note = Note(title="Why 3.6 and 3.7 are not applicable", text=pci.NOT_APPLICABLE)
    lead = "The frequency in 8.6.3 comes from the organisation's targeted risk analysis, not from the standard."
    return _controls(evidence, pci, lead, (facts, note))


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


def method(evidence: Evidence, dataset: str) -> Section:
    """Return the chapter on how the figures were made, and what was not read."""
    gaps = [(s, path, reason) for s in evidence.scans for path, reason in s.gaps]
    lead = (
        f"{count(len(evidence.scans), 'scan')} read {sum(s.files for s in evidence.scans):,} items; "
        f"{count(len(gaps), 'item')} could not be read."
        if evidence.scans
        else "No scan was recorded in the period: coverage is not evaluated."
    )
    scans = Table(
        title="Scan coverage",
        columns=(Column(title="Finished (UTC)", share=20), Column(title="Targets", share=40), Column(title="Items", share=12, number=True),
                 Column(title="Findings", share=12, number=True), Column(title="Coverage", share=16)),
        rows=tuple(
            (Cell(text=moment(s.finished_at)), Cell(text=", ".join(s.targets), code=True), Cell(text=f"{s.files:,}", number=True),
             Cell(text=str(s.findings), number=True),
             Cell(text="complete" if s.complete else count(len(s.gaps), "gap"), mark=Mark.OK if s.complete else Mark.DEVIATION))
            for s in evidence.scans[-_NEWEST:]
        ),
        empty="No scan in the period.",
    )  # fmt: skip
    not_read = Table(
        title="What was not read",
        columns=(Column(title="Item", share=70), Column(title="Reason", share=30)),
        rows=tuple((Cell(text=path, code=True), Cell(text=reason)) for _, path, reason in gaps[:_NEWEST]),
        empty="Everything was read." if evidence.scans else "Not evaluated.",
    )
    produced = Facts(
        title="How this report was produced",
        rows=(
            ("Population", Cell(text="every row of the inventory at the freeze; no sampling, no exclusion")),
            ("Parameters", Cell(text=f"from {moment(evidence.start)}, to {moment(evidence.end)}, limit {evidence.policy.max_age_days} d", code=True)),
            ("Control totals", Cell(text=f"{len(evidence.keys)} credentials; sum of ages {sum(k.age_days for k in evidence.keys):,} days; "
                                         f"{len(evidence.rotations)} rotations; {len(evidence.exposures)} exposures")),
            ("Rule set", Cell(text=evidence.scans[-1].rules[:23] + "…" if evidence.scans else "none", code=True)),
            ("Dataset", Cell(text=f"sha256:{dataset}", code=True)),
        ),
    )  # fmt: skip
    return Section(title="Method and completeness", lead=lead, blocks=(scans, not_read, produced))


def integrity(evidence: Evidence, files: Sequence[Attachment]) -> Section:
    """Return the chapter that ties the report to the ledger and its attachments."""
    lead = f"The ledger had {count(evidence.ledger_seq, 'entry', 'entries')} at the freeze; its head is printed here and signed with this file."
    chain = Facts(
        title="Audit ledger",
        rows=(
            ("Entries", Cell(text=str(evidence.ledger_seq))),
            ("Head", Cell(text=evidence.ledger_head.hex(), code=True)),
            ("Oldest entry", Cell(text=moment(evidence.oldest_entry) if evidence.oldest_entry else "none")),
            (
                "Verify",
                Cell(
                    text="keysweep verify REPORT.pdf",
                    sub="checks the chain, the signature of this file and the head above",
                    code=True,
                ),
            ),
        ),
    )
    attached = Table(
        title="Attached evidence",
        columns=(
            Column(title="File", share=27),
            Column(title="What it is", share=28),
            Column(title="SHA-256", share=45),
        ),
        rows=tuple(
            (
                Cell(text=f.name, code=True),
                Cell(text=f.description),
                Cell(text=hashlib.sha256(f.content).hexdigest(), code=True),
            )
            for f in files
        ),
    )
    signs = Table(
        title="Sign-off",
        columns=(
            Column(title="Role", share=25),
            Column(title="Name", share=35),
            Column(title="Date and signature", share=40),
        ),
        rows=tuple((Cell(text=role), Cell(text=""), Cell(text="")) for role in ("Preparer", "Reviewer", "Approver")),
    )
    return Section(title="Integrity and sign-off", lead=lead, blocks=(chain, attached, signs))


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
    points: list[tuple[str, str]] = []
    for key in sorted((k for k in evidence.keys if k.overdue), key=lambda k: -k.age_days)[:5]:
        points.append(
            (
                f"{key.name} is {key.age_days - key.limit_days} days over its limit.",
                f"Owner: {key.owner or 'not stated'}.",
            )
        )
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


def _controls(evidence: Evidence, framework: ModuleType, lead: str, more: tuple[Block, ...]) -> Section:
    controls: tuple[Control, ...] = framework.CONTROLS
    table = Table(
        title=framework.TITLE,
        columns=(Column(title="Control", share=9), Column(title="What it asks of credentials", share=29), Column(title="Test performed", share=27),
                 Column(title="Tested", share=8, number=True), Column(title="Deviat.", share=8, number=True), Column(title="Result", share=19)),
        rows=tuple(_control(control, evidence) for control in controls),
    )  # fmt: skip
    return Section(title=f"Results: {framework.TITLE}", lead=lead, blocks=(table, *more))


def _control(control: Control, evidence: Evidence) -> tuple[Cell, ...]:
    result = control.test(evidence)
    exhibits = ", ".join(control.exhibits)
    name = (Cell(text=control.id), Cell(text=control.asks, sub=control.focus))
    if result is None:
        blank = Cell(text="–", number=True, quiet=True)
        verdict = Cell(text="Not evaluated", sub=control.strength.value, mark=Mark.NOT_EVALUATED)
        return (*name, Cell(text="No evidence in the period", quiet=True), blank, blank, verdict)
    mark, word = (Mark.DEVIATION, "Exceptions noted") if result.deviations else (Mark.OK, "No exceptions")
    return (
        *name,
        Cell(text=result.performed, sub=exhibits),
        Cell(text=f"{result.tested:,}", number=True),
        Cell(text=f"{result.deviations:,}", number=True),
        Cell(text=word, sub=result.note or control.strength.value, mark=mark),
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


def _tone(bad: int, total: int) -> Mark | None:
    return None if total == 0 else Mark.DEVIATION if bad else Mark.OK
