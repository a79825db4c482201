"""Key age and credential lifecycle: ages against the policy, leak to revocation, controls, completeness, integrity."""

from __future__ import annotations

import hashlib

from keysweep.reports import frames, list_frames
from keysweep.reports.catalog import Framework, Report
from keysweep.reports.chapters import ageing, completeness, headline, open_items, provenance, record, results
from keysweep.reports.controls import assess
from keysweep.reports.controls.pci_dss import PCI_DSS
from keysweep.reports.controls.soc2 import SOC2
from keysweep.reports.document import Attachment, Cell, Document, Section
from keysweep.reports.evidence import Evidence
from keysweep.reports.phrases import count

_DISCLAIMER = (
    "Management's own evidence, prepared for use by the service auditor and the assessor, who draw their own conclusions from it. "
    "Each figure can be recomputed from the files attached to this PDF; the last chapters say how."
)
_MOST_PRINTED = 1000
"""Credentials that the appendix prints; a longer list is attached in full and the report says so."""


def _build(evidence: Evidence, framework: Framework) -> Document:
    evidences = _attachments(evidence)
    files = (*evidences, _manifest(evidences))
    dataset = hashlib.sha256(b"".join(hashlib.sha256(f.content).digest() for f in evidences)).hexdigest()
    soc2 = assess(SOC2, evidence) if framework is not Framework.PCI_DSS else ()
    pci_dss = assess(PCI_DSS, evidence) if framework is not Framework.SOC2 else ()
    sections: list[Section] = [
        headline.summary(evidence, (*soc2, *pci_dss)),
        ageing.ages(evidence),
        ageing.overdue(evidence),
    ]
    if soc2:
        sections.append(results.soc2(soc2))
    if pci_dss:
        sections.append(results.pci_dss(evidence, pci_dss))
    sections += [
        record.leaks(evidence),
        record.rotation_log(evidence),
        open_items.chapter(evidence),
        completeness.lists(evidence, (*soc2, *pci_dss)),
        provenance.method(evidence, dataset),
        provenance.integrity(evidence, files),
        ageing.inventory(evidence, most=_MOST_PRINTED),
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
        legend=headline.legend(),
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
    admins = sum(key.is_admin for key in evidence.keys)
    return (
        (
            "Period of review",
            Cell(
                text=f"{evidence.start:%-d %B %Y} to {evidence.end:%-d %B %Y} (UTC), {(evidence.end - evidence.start).days} days"
            ),
        ),
        (
            "Population",
            Cell(text=f"{count(len(evidence.keys), 'credential')}, frozen {evidence.end:%-d %B %Y %H:%M:%S} UTC"),
        ),
        ("Criteria", Cell(text=criteria)),
        (
            "Scope",
            Cell(
                text=f"Every stored credential, at {count(providers, 'provider')}; {admins} of them administer others"
            ),
        ),
        ("Prepared by", Cell(text=evidence.policy.prepared_by or "not stated")),
        ("Report and dataset", Cell(text=f"{identifier} from dataset {dataset[:16]}", code=True)),
    )


def _attachments(evidence: Evidence) -> tuple[Attachment, ...]:
    tables = (
        ("EV-01-population.csv", "Every credential at the freeze", frames.population(evidence)),
        ("EV-02-rotations.csv", "Every finished step of every rotation", frames.rotations(evidence)),
        ("EV-03-exposures.csv", "Every leaked stored value", frames.exposures(evidence)),
        ("EV-04-coverage.csv", "Every scan, and what it did not read", frames.coverage(evidence)),
        ("EV-06-overdue.csv", "Every value past its limit in the period", frames.spells(evidence)),
        ("EV-07-lists.csv", "Every provider's newest list, compared", list_frames.lists(evidence)),
        ("EV-08-listed-keys.csv", "Every key that these lists hold", list_frames.listed_keys(evidence)),
        ("EV-09-open-items.csv", "Everything that was open at the freeze", list_frames.open_items(evidence)),
    )
    files = [
        Attachment(name=n, description=d, content=frames.csv_bytes(frame), rows=len(frame)) for n, d, frame in tables
    ]
    events = "action,entries\n" + "".join(f"{action},{count}\n" for action, count in evidence.events.items())
    head = f"# ledger: {evidence.ledger_seq} entries, head {evidence.ledger_head.hex()}\n"
    files.append(
        Attachment(
            name="EV-05-ledger.csv",
            description="Ledger entries by action, and its head",
            content=(events + head).encode(),
            rows=len(evidence.events),
        )
    )
    return tuple(sorted(files, key=lambda file: file.name))


def _manifest(files: tuple[Attachment, ...]) -> Attachment:
    lines = "".join(f"{hashlib.sha256(file.content).hexdigest()}  {file.name}\n" for file in files)
    return Attachment(name="manifest.sha256", description="Digests of the files above", content=lines.encode())


REPORT = Report(id="key_age", title="Key age and credential lifecycle", build=_build)
