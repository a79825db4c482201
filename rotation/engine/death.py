"""Prove that a key is dead: only the provider's own refusal counts, seen several times in a row over its revocation window.

Why a row over the window suffices, however many servers the provider has: the first refusal shows that the revocation had been
taken in by then, and one window later no server may accept the key any more; a yes in between starts anew.  A stated window is
trusted no further than it is seen to hold: servers that disagreed for longer must agree for as long as they disagreed.

A row may go on in a later attempt, since a window can be longer than the time of a rotation; each attempt then sees refusals of
its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.journal import Detail
from keysweep.rotation.engine.run import Run, StepFailedError
from keysweep.rotation.providers import Liveness

_ROW = 3
"""Refusals in a row that are asked for."""
_SHORTEST_S = 0.1
_LONGEST_S = 2.0
_SINCE, _FIRST, _DISAGREED = "refused_since", "first_refused", "disagreed_ms"
"""What an attempt that was not enough leaves in the journal for the next one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the probes of all attempts have shown so far."""

    since: datetime | None = None
    """The first refusal of a row that no yes has broken."""
    first: datetime | None = None
    """The first refusal of all."""
    disagreed: timedelta = timedelta(0)
    """From the first refusal to the last yes behind it: how long the provider's servers did not agree."""

    @classmethod
    def of(cls, detail: Detail) -> Seen:
        """Read what an earlier attempt left."""
        since, first, disagreed = detail.get(_SINCE), detail.get(_FIRST), detail.get(_DISAGREED)
        return cls(
            since=from_text(since) if isinstance(since, str) else None,
            first=from_text(first) if isinstance(first, str) else None,
            disagreed=timedelta(milliseconds=disagreed) if isinstance(disagreed, int) else timedelta(0),
        )

    def detail(self) -> Detail:
        """Return it for the journal."""
        return {
            _SINCE: to_text(self.since) if self.since else None,
            _FIRST: to_text(self.first) if self.first else None,
            _DISAGREED: round(self.disagreed.total_seconds() * 1000),
        }

    def refused(self, at: datetime) -> Seen:
        """Return it after a refusal that was heard at that moment."""
        return Seen(since=self.since or at, first=self.first or at, disagreed=self.disagreed)

    def accepted(self, at: datetime) -> Seen:
        """Return it after a yes."""
        return Seen(first=self.first, disagreed=max(self.disagreed, at - self.first if self.first else timedelta(0)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What was seen."""

    since: datetime
    """The first refusal of the unbroken row."""
    code: str
    probes: int


class NotProvenError(StepFailedError):
    """The old key is not proven dead: it does not count as dead, whatever the answer to its revocation was."""

    def __init__(self, message: str, *, seen: Seen) -> None:
        super().__init__(message)
        self.seen = seen


def prove_dead(run: Run, value: Secret, seen: Seen = Seen(), *, patience: timedelta = timedelta(0)) -> Death:
    """Probe until the key is refused without a gap: at least three times, spread over the provider's revocation window.

    An answer that is neither yes nor no breaks no row and counts for none; a single yes starts anew.

    Args:
        run: what to probe with, and until when.
        value: the old key.
        seen: by attempts before this one.
        patience: how long a key is asked about that only a person can end, if it is still accepted.

    Raises:
        NotProvenError: not proven within the rotation's time, or a person must end it first; the key does not count as dead.
    """
    account = run.account_of(run.old())
    stated = run.provider.facts.revocation_window
    pause = min(max(stated.total_seconds() / 20, _SHORTEST_S), _LONGEST_S)
    began, began_at = run.monotonic(), run.opened.clock()

    def now() -> datetime:
        """Tell the time by the monotonic clock: the other one may jump meanwhile."""
        return began_at + timedelta(seconds=run.monotonic() - began)

    row, probes = 0, 0
    while True:
        asked = now()
        verdict = run.provider.probe(account, value)
        probes += 1
        if verdict.liveness is Liveness.ALIVE:
            row, seen = 0, seen.accepted(now())
            late = now() - began_at >= patience or run.monotonic() > run.budget.end_at
            if late and (book := run.provider.runbook) is not None:
                msg = f"the old key still works; {book.end} ({book.console})"
                raise NotProvenError(msg, seen=seen)
        elif verdict.liveness is Liveness.DEAD:
            row, seen = row + 1, seen.refused(now())
        window = max(stated, seen.disagreed)
        if row >= _ROW and seen.since is not None and asked - seen.since >= window:
            return Death(since=seen.since, code=verdict.code, probes=probes)
        left = timedelta(seconds=run.budget.end_at - run.monotonic())
        if left < timedelta(0) or (row >= _ROW and seen.since is not None and seen.since + window - now() > left):
            raise NotProvenError(_why(verdict.code, seen.since, window), seen=seen)
        run.wait(pause)


def _why(code: str, since: datetime | None, window: timedelta) -> str:
    """Say what is known: it is revoked, and so contained as far as that goes; the provider may still accept it."""
    if since is None:
        return f"contained, not proven dead in time (last answer to the old key: {code})"
    until = since + window
    return f"contained, not proven dead: refused since {since:%F %T} UTC, and must be until {until:%F %T} UTC"
