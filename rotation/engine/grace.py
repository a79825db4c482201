"""The grace of an old key: how long it lives on after a planned rotation, in which nobody waits for it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keysweep.rotation.engine import journal, terms
from keysweep.rotation.engine.journal import RotationEvent
from keysweep.rotation.engine.run import Done, Run
from keysweep.rotation.engine.steps import Result, Step
from keysweep.rotation.engine.terms import Terms


def over_after(events: Iterable[RotationEvent], asked: Terms) -> datetime:
    """Return when the old key has to go: counted from the moment at which the new one became current.  Pure."""
    return asked.grace + next(e.at for e in events if e.step is Step.PROMOTE and e.result is Result.OK)


def over_at(run: Run) -> datetime:
    """Return when the old key of a rotation has to go."""
    with run.opened.database.read() as connection:
        return over_after(journal.events(connection, run.rotation_id), terms.of(connection, run.rotation_id))


def end(run: Run, _attempt: int) -> Done:
    """Record that the grace is over."""
    return Done(detail={"until": f"{over_at(run):%F %T} UTC"})
