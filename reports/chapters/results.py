"""Results by control, framework by framework."""

from __future__ import annotations

from collections.abc import Sequence

from keysweep.reports.controls import Assessed, FrameworkControls
from keysweep.reports.controls.pci_dss import PCI_DSS, WHY_NOT_APPLICABLE
from keysweep.reports.controls.soc2 import SOC2
from keysweep.reports.document import Block, Cell, Column, Facts, Mark, Note, Section, Table
from keysweep.reports.evidence import Evidence
from keysweep.reports.phrases import day
from keysweep.rotation.age_limit import AgeLimit


def soc2(results: Sequence[Assessed]) -> Section:
    """Return the chapter on SOC 2."""
    lead = "SOC 2 names no number of days: what is tested is the organisation's own policy, on the whole population and without sampling."
    return _controls(SOC2, results, lead, ())


def pci_dss(evidence: Evidence, results: Sequence[Assessed]) -> Section:
    """Return the chapter on PCI DSS, with the risk analysis and why 3.6 and 3.7 do not apply."""
    policy = evidence.policy
    stated = "not stated"
    facts = Facts(
        title=f"Targeted risk analysis behind the {policy.max_age_days}-day frequency (8.6.3, 12.3.1)",
        rows=(
            ("Identifier", Cell(text=policy.risk_analysis or stated)),
            ("Assets protected", Cell(text=f"{len(evidence.in_use)} agent credentials and what they reach")),
            (
                "Threats, seen in the period",
                Cell(text=f"keys in logs, code, histories and screenshots: {len(evidence.exposures)} exposures"),
            ),
            (
                "Resulting frequency",
                Cell(text=f"every {policy.max_age_days} days, and at once on suspicion or confirmation of compromise"),
            ),
            ("Approved by", Cell(text=policy.approved_by or stated)),
            *((f"Class {one.policy_class}", Cell(text=_of_class(one))) for one in policy.classes),
            (
                "Likelihood, impact and yearly review",
                Cell(text="stand in the analysis itself, which is not part of this file"),
            ),
        ),
    )
    note = Note(title="Why requirements 3.6 and 3.7 are marked not applicable", text=WHY_NOT_APPLICABLE)
    lead = (
        "The frequency in 8.6.3 comes from the organisation's targeted risk analysis (12.3.1), not from the standard. Whether an agent's "
        "API key is a factor of an application account is the assessor's decision."
    )
    return _controls(PCI_DSS, results, lead, (facts, note))


def _of_class(limit: AgeLimit) -> str:
    on = f" on {day(limit.approved_at)}" if limit.approved_at else ""
    return f"every {limit.max_age_days} days, after {limit.risk_analysis}, approved by {limit.approved_by}{on}"


def _controls(framework: FrameworkControls, results: Sequence[Assessed], lead: str, more: tuple[Block, ...]) -> Section:
    table = Table(
        title=framework.title,
        columns=(Column(title=framework.unit, share=9), Column(title="What it asks of credentials", share=29),
                 Column(title="Test performed", share=24), Column(title="Tested", share=6, number=True),
                 Column(title="Deviat.", share=6, number=True), Column(title="Evidence", share=9), Column(title="Result", share=17)),
        rows=tuple(_control(framework, assessed) for assessed in results),
    )  # fmt: skip
    return Section(
        title=f"Results: {framework.short}",
        about=f"{framework.title}, control by control: test, population, deviations, strength",
        lead=lead,
        blocks=(table, *more),
    )


def _control(framework: FrameworkControls, assessed: Assessed) -> tuple[Cell, ...]:
    control, result = assessed.control, assessed.result
    name = (
        Cell(text=control.id, sub=control.strength.value if control.applicable else "", strong=True),
        Cell(text=control.asks, sub=control.focus),
    )
    blank = Cell(text="–", number=True, quiet=True)
    exhibits = Cell(text="\n".join(control.exhibits), code=True)
    if result is None and assessed.mark is Mark.NOT_APPLICABLE:
        verdict = Cell(text="Not applicable", sub="reason below", mark=Mark.NOT_APPLICABLE)
        return (*name, Cell(text="–", quiet=True), blank, blank, exhibits, verdict)
    if result is None:
        verdict = Cell(text="Not evaluated", mark=Mark.NOT_EVALUATED)
        return (*name, Cell(text="No evidence in the period", quiet=True), blank, blank, exhibits, verdict)
    word = framework.deviation_word if result.deviations else framework.ok_word
    return (
        *name,
        Cell(text=result.performed),
        Cell(text=f"{result.tested:,}", number=True),
        Cell(text=f"{result.deviations:,}", number=True),
        exhibits,
        Cell(text=word, sub=result.note, mark=assessed.mark),
    )
