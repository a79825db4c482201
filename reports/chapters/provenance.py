"""Where the figures come from, what was not read, and how to verify all of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from keysweep.reports.document import (
    Attachment,
    Cell,
    Column,
    Facts,
    Mark,
    Section,
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
