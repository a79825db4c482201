"""The target of the agents: who takes longer is written down, and the rotation goes on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Step
from keysweep.rotation.engine.terms import Terms
from tests.fakes.stores import AGENTS, NAMES, World


@pytest.mark.parametrize(("target", "expected"), [(timedelta(0), 1), (timedelta(seconds=60), 0)])
def test_an_agent_that_is_late_stands_in_journal_and_ledger(target: timedelta, expected: int, world: World) -> None:
    """With its name and the time it took; that it was late changes nothing about the end."""
    with world.open() as opened:
        report = rotate(
            opened,
            Request(credential=NAMES["openai"], mode=Mode.PLANNED, reason="due", terms=Terms(agents=target)),
        )
    assert report.outcome is Outcome.DONE
    (attested,) = [event.detail for event in report.events if event.step is Step.ATTEST and event.result]
    assert (f"late_ms.{AGENTS['openai']}" in attested) is bool(expected)
    assert world.actions().count("agent.late") == expected
