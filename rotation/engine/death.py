"""Prove that a key is dead: only the provider's own refusal counts, seen several times in a row over its revocation window."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import Run, StepFailedError
from keysweep.rotation.providers import Liveness

_ROW = 3
"""Refusals in a row that are asked for."""
_SHORTEST_S = 0.1
_LONGEST_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What was seen."""

    since: datetime
    """The first refusal of the unbroken row."""
    code: str
    probes: int


def prove_dead(run: Run, value: Secret) -> Death:
    """Probe until the key is refused without a gap: at least three times, spread over the provider's revocation window.

    An answer that is neither yes nor no breaks no row and counts for none; a single yes starts anew.

    Raises:
        StepFailedError: not proven within the rotation's time, or a person must end it first; the key does not count as dead.
    """
    window = run.provider.facts.revocation_window.total_seconds()
    pause = min(max(window / 20, _SHORTEST_S), _LONGEST_S)
    row, probes = 0, 0
    since: datetime | None = None
    first_at = 0.0
    while True:
        asked_at = run.monotonic()
        verdict = run.provider.probe(run.account, value)
        probes += 1
        if verdict.liveness is Liveness.ALIVE:
            row, since = 0, None
            if (book := run.provider.runbook) is not None:
                msg = f"the old key still works; {book.end} ({book.console})"
                raise StepFailedError(msg)
        elif verdict.liveness is Liveness.DEAD:
            row += 1
            if since is None:
                since, first_at = run.opened.clock(), asked_at
            if row >= _ROW and run.monotonic() - first_at >= window:
                return Death(since=since, code=verdict.code, probes=probes)
        if run.monotonic() > run.budget.end_at:
            msg = f"the old key was not proven dead in time (last answer: {verdict.code})"
            raise StepFailedError(msg)
        run.wait(pause)
