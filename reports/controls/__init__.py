"""Controls as data: identifier, our own paraphrase, how strongly our evidence supports it, and which test is run.

No sentence of a standard stands here.  SOC 2 names no number of days; PCI DSS 8.6.3 takes its frequency from the organisation's own
targeted risk analysis (12.3.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from keysweep.reports.document import Mark
from keysweep.reports.evidence import Evidence


class Strength(StrEnum):
    """How far the evidence carries for a control."""

    DIRECT = "direct"
    SUPPORTING = "supporting"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a test found in the whole population."""

    tested: int
    deviations: int
    performed: str
    """What was compared, with its figures."""
    note: str = ""


Test = Callable[[Evidence], Result | None]
"""Compute a result; None where there is no evidence: never a green mark without any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One criterion or requirement."""

    id: str
    asks: str
    """What it asks of agents' credentials, in our words."""
    focus: str
    """The point of focus, or the scope."""
    strength: Strength
    test: Test
    exhibits: tuple[str, ...]
    """Numbers of the attached evidence."""
    applicable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameworkControls:
    """The controls of one framework, and its own words for results."""

    title: str
    short: str
    unit: str
    """What one of them is called."""
    ok_word: str
    deviation_word: str
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """A control and what its test found."""

    control: Control
    result: Result | None

    @property
    def mark(self) -> Mark:
        """The result as a mark."""
        if not self.control.applicable:
            return Mark.NOT_APPLICABLE
        if self.result is None:
            return Mark.NOT_EVALUATED
        return Mark.DEVIATION if self.result.deviations else Mark.OK


def assess(framework: FrameworkControls, evidence: Evidence) -> tuple[Assessed, ...]:
    """Run the test of every control."""
    return tuple(
        Assessed(control=control, result=control.test(evidence) if control.applicable else None)
        for control in framework.controls
    )
