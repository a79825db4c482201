"""Key age and credential lifecycle: ages against the policy, leak to revocation, controls, completeness, integrity."""

from __future__ import annotations

import hashlib

from keysweep.reports import frames
from keysweep.reports.catalog import Framework, Report
from keysweep.reports.chapters import headline, provenance, record, results
from keysweep.reports.document import Attachment, Cell, Document, Section
from keysweep.reports.evidence import Evidence

_DISCLAIMER = (
    "Management's own evidence, prepared for use by the service auditor and the assessor. It is not an opinion, an attestation or a "
    "Report on Compliance. Each figure can be recomputed from the files attached to this PDF; the last chapters say how."
)
_MOST_PRINTED = 1000
"""Credentials that the appendix prints; a longer list is attached in full and the report says so."""


def _build(evidence: Evidence, framework: Framework) -> Document:
    files = _attachments(evidence)
    dataset = hashlib.sha256(b"".join(hashlib.sha256(f.content).digest() for f in files)).hexdigest()
    sections: list[Section] = [headline.summary(evidence), headline.ages(evidence)]
    if framework in {Framework.SOC2, Framework.BOTH}:
        sections.append(results.soc2(evidence))
    if framework in {Framework.PCI_DSS, Framework.BOTH}:
        sections.append(results.pci_dss(evidence))
    sections += [
        record.leaks(evidence),
        record.rotation_log(evidence),
        provenance.method(evidence, dataset),
        provenance.integrity(evidence, files),
        headline.inventory(evidence, most=_MOST_PRINTED),
    ]
    identifier = f"KAR-{evidence.end:%Y%m%d}-{dataset[:8].upper()}"
    return Document(
        id=identifier,
        kind={"soc2": "Evidence report · SOC 2", "pci-dss": "Evidence report · PCI DSS"}.get(
            framework.value, "Evidence report · SOC 2 and PCI DSS"
        ),
        title="Key age and credential lifecycle of AI agents",
        subtitle=(
            f"Every credential issued to an AI agent, its age against the {evidence.policy.max_age_days}-day policy, how leaks were "
            "contained, and what was rotated when."
        ),
        organisation=evidence.policy.organisation or "Organisation not stated",
        cover=_cover(evidence, framework, identifier, dataset),
        disclaimer=_DISCLAIMER,
        sections=tuple(sections),
        attachments=files,
        as_of=evidence.end,
    )


def _cover(evidence: Evidence, framework: Framework, identifier: str, dataset: str) -> tuple[tuple[str, Cell], ...]:
    criteria = {
        Framework.SOC2: "AICPA Trust Services Criteria 2017 (2022 points of focus)",
        Framework.PCI_DSS: "PCI DSS v4.0.1",
        Framework.BOTH: "AICPA Trust Services Criteria 2017 (2022 points of focus), PCI DSS v4.0.1",
    }[framework]
    providers = len({key.provider for key in evidence.keys})
    return (
        ("Period of review", Cell(text=f"{evidence.start:%-d %B %Y} to {evidence.end:%-d %B %Y} (UTC)")),
        ("Population", Cell(text=f"{len(evidence.keys)} credentials, frozen {evidence.end:%-d %B %Y %H:%M:%S} UTC")),
        ("Criteria", Cell(text=criteria)),
        ("Scope", Cell(text=f"Credentials of agents at {providers} providers, administering keys among them")),
        ("Prepared by", Cell(text=evidence.policy.prepared_by or "not stated")),
        ("Report and dataset", Cell(text=f"{identifier} from dataset {dataset[:16]}", code=True)),
    )


def _attachments(evidence: Evidence) -> tuple[Attachment, ...]:
    tables = (
        ("EV-01-population.csv", "Every credential at the freeze", frames.population(evidence)),
        ("EV-02-rotations.csv", "Every finished step of every rotation", frames.rotations(evidence)),
        ("EV-03-exposures.csv", "Every leaked stored value", frames.exposures(evidence)),
        ("EV-04-coverage.csv", "Every scan, and what it did not read", frames.coverage(evidence)),
    )
    files = [Attachment(name=n, description=d, content=frames.csv_bytes(frame)) for n, d, frame in tables]
    events = "action,entries\n" + "".join(f"{action},{count}\n" for action, count in evidence.events.items())
    head = f"# ledger: {evidence.ledger_seq} entries, head {evidence.ledger_head.hex()}\n"
    files.append(
        Attachment(
            name="EV-05-ledger.csv",
            description="Ledger entries by action, and its head",
            content=(events + head).encode(),
        )
    )
    return tuple(files)


REPORT = Report(id="key_age", title="Key age and credential lifecycle", build=_build)
