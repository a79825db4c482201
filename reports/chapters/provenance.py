"""Where the figures come from, what was not read, and how to verify all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from keysweep.reports import completeness
from keysweep.reports.document import (
    Attachment,
    Cell,
    Column,
    Commands,
    Facts,
    Mark,
    Note,
    Section,
    SignOff,
    Table,
)
from keysweep.reports.evidence import Evidence
from keysweep.reports.phrases import count, moment

_NEWEST = 40
"""Scans and gaps that are printed; all of them are attached."""


def method(evidence: Evidence, dataset: str) -> Section:
    """Return the chapter on how the figures were made, and what was not read."""
    gaps = [(s, path, reason) for s in evidence.scans for path, reason in s.gaps]
    lead = (
        f"{count(len(evidence.scans), 'scan')} read {sum(s.files for s in evidence.scans):,} items; "
        + (f"{count(len(gaps), 'item')} could not be read." if gaps else "none was left unread.")
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
            ("Detection rules", Cell(text=evidence.scans[-1].rules if evidence.scans else "none", sub=_rules(evidence), code=True)),
            ("Report logic", Cell(text=f"keysweep {version('keysweep')}, WeasyPrint {_renderer()}")),
            ("Run by", Cell(text=evidence.policy.run_by or "not stated")),
            ("Dataset", Cell(text=f"sha256:{dataset}", sub="over the digests of EV-01 to EV-09, in order", code=True)),
        ),
    )  # fmt: skip
    compared = Note(
        title="What the population was compared with",
        text=f"The population is the inventory of the store; a key that was never stored is not in it. {completeness.statement(evidence)}",
    )
    return Section(
        title="Method and completeness",
        about="Scan coverage and its gaps, how the figures were made, what they were compared with",
        lead=lead,
        blocks=(scans, not_read, produced, compared),
    )


def integrity(evidence: Evidence, files: Sequence[Attachment]) -> Section:
    """Return the chapter that ties the report to the ledger and its attachments."""
    lead = (
        f"The ledger had {count(evidence.ledger_seq, 'entry', 'entries')} when this report was built; its head is printed here and signed "
        "together with this file. The files below travel inside the PDF."
    )
    chain = Facts(
        title="Audit ledger",
        rows=(
            ("Entries", Cell(text=str(evidence.ledger_seq))),
            ("Head", Cell(text=evidence.ledger_head.hex(), code=True)),
            ("Oldest entry", Cell(text=moment(evidence.oldest_entry) if evidence.oldest_entry else "none")),
            ("Checked", Cell(text="chain, keyed hashes and signed checkpoints, before this report was built")),
            (
                "Seal",
                Cell(text="beside this file, as its name with .seal.json: Ed25519 over its SHA-256 and the head above"),
            ),
        ),
    )
    attached = Table(
        title="Attached evidence",
        columns=(
            Column(title="File", share=26),
            Column(title="What it is", share=27),
            Column(title="Rows", share=7, number=True),
            Column(title="SHA-256", share=40),
        ),
        rows=tuple(
            (
                Cell(text=f.name, code=True),
                Cell(text=f.description),
                Cell(text="–" if f.rows is None else f"{f.rows:,}", number=True),
                Cell(text=hashlib.sha256(f.content).hexdigest(), code=True),
            )
            for f in files
        ),
    )
    verify = Commands(
        title="Check it yourself",
        lines=(
            "pdfdetach -saveall REPORT.pdf && sha256sum -c manifest.sha256",
            "keysweep verify REPORT.pdf        # seal, signature, ledger, and the head above",
        ),
    )
    signs = SignOff(
        title="Sign-off", roles=(("Prepared", evidence.policy.prepared_by), ("Reviewed", ""), ("Approved", ""))
    )
    return Section(
        title="Integrity and sign-off",
        about="Attached files and their hashes, the audit ledger's head, how to verify, signatures",
        lead=lead,
        blocks=(attached, chain, verify, signs),
    )


def _rules(evidence: Evidence) -> str:
    sets = len({scan.rules for scan in evidence.scans})
    return f"{count(sets, 'rule set')} in the period; the newest" if sets > 1 else ""


def _renderer() -> str:
    try:
        return version("weasyprint")
    except PackageNotFoundError:
        return "not installed"
