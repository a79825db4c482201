"""Results by control, framework by framework."""

from __future__ import annotations

from types import ModuleType

from keysweep.reports.controls import Control
from keysweep.reports.controls import pci_dss as pci
from keysweep.reports.controls import soc2 as soc
from keysweep.reports.document import (
    Block,
    Cell,
    Column,
    Facts,
    Mark,
    Note,
    Section,
    Table,
)
from keysweep.reports.evidence import Evidence


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
