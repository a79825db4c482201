"""Drive a rotation: journal an intent, act, journal the outcome; fail back (planned) or forward (forced)."""

from __future__ import annotations

import logging
import random

from keysweep.foundation.errors import KeysweepError
from keysweep.rotation.agents import AgentError
from keysweep.rotation.engine import containment, grace, journal
from keysweep.rotation.engine.actions import ACTIONS
from keysweep.rotation.engine.death import NotProvenError
from keysweep.rotation.engine.journal import Detail
from keysweep.rotation.engine.rollback import roll_back
from keysweep.rotation.engine.run import Done, Run, StepFailedError, ValueGoneError
from keysweep.rotation.engine.steps import Outcome, Phase, Result, Step
from keysweep.rotation.providers import ProviderError, Trouble

_DELIVERY = frozenset({Step.STAGE, Step.ACTIVATE, Step.ATTEST})
"""Steps that may fail for one agent and not for another."""
_MAKES_KEYS = frozenset({Step.MINT, Step.ROLL})
_AFTER_PROMOTE = frozenset({Step.REVOKE, Step.PROVE_DEAD, Step.SHRED})
_LOST = frozenset({Trouble.UNCERTAIN.value, Trouble.UNREADABLE.value})
"""Failures of a call that may have taken effect all the same."""
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0
_LEASE_S = 15.0
"""A longer sleep is taken in pieces, so that the lease does not run out meanwhile."""
_MOST_MINTS = 8
"""Calls that may leave a key behind, before a person is asked; a revocation is repeated without end."""
_JITTER = random.SystemRandom()
_LOG = logging.getLogger(__name__)


def drive(run: Run) -> tuple[Outcome, KeysweepError | None]:
    """Take the rotation to an end, from wherever its journal says it stands.

    Returns:
        How it ended, and for an end other than DONE the failure that led there.

    Raises:
        FencedError: another worker took over.
    """
    if _started(run, Step.ROLL_BACK):
        return back(run, StepFailedError("the rotation was being rolled back"))
    stragglers: KeysweepError | None = None
    for step in run.record().steps:
        if _done(run, step):
            continue
        if step is Step.GRACE and run.opened.clock() < grace.over_at(run):
            return Outcome.WAITING, None
        try:
            _perform(run, step)
        except StepFailedError as failure:
            if step in _DELIVERY and run.forced:
                stragglers = failure  # the old key dies all the same: those agents are known broken
                continue
            if not run.forced and step not in _AFTER_PROMOTE and not rolled(run):
                return back(run, failure)
            if run.forced and step not in _AFTER_PROMOTE:
                if not rolled(run) and containment.end_by_itself(run):
                    return drive(run)
                _contain(run)
            gone = isinstance(failure, ValueGoneError) and step in _AFTER_PROMOTE
            return Outcome.CONTAINED if gone else Outcome.HALF_WAY, failure
    return (Outcome.HALF_WAY, stragglers) if stragglers else (Outcome.DONE, None)


def _started(run: Run, step: Step) -> bool:
    with run.opened.database.read() as connection:
        return any(event.step is step for event in journal.events(connection, run.rotation_id))


def rolled(run: Run) -> bool:
    """Whether the old value may be gone: a roll took effect, or its answer was lost."""
    with run.opened.database.read() as connection:
        rows = [event for event in journal.events(connection, run.rotation_id) if event.step is Step.ROLL]
    harmless = {row.attempt for row in rows if row.result is Result.FAILED and row.detail.get("why") not in _LOST}
    return any(row.attempt not in harmless for row in rows)


def _done(run: Run, step: Step) -> bool:
    with run.opened.database.read() as connection:
        return any(
            event.step is step and event.phase is Phase.OUTCOME and event.result is Result.OK
            for event in journal.events(connection, run.rotation_id)
        )


def _perform(run: Run, step: Step) -> None:
    """Run one step until it is done; troubles that pass are waited out within the rotation's time.

    Raises:
        StepFailedError: it cannot be done, or not in time.
    """
    pause, tries = _FIRST_PAUSE_S, 0
    until = run.budget.end_at if step in _AFTER_PROMOTE or not run.forced else run.budget.revoke_at
    while True:
        with run.opened.database.write() as connection:
            attempt = run.journal.intent(connection, step)
        tries += 1
        try:
            _settle(run, step, attempt, ACTIONS[step](run, attempt))
        except ProviderError as error:
            _failed(run, step, attempt, error.message, error.trouble.value)
            wait = error.retry_after_s or pause * _JITTER.uniform(0.5, 1.0)
            passes = error.trouble in {Trouble.BUSY, Trouble.UNCERTAIN}
            spent = step in _MAKES_KEYS and error.trouble is Trouble.UNCERTAIN and tries >= _MOST_MINTS
            if not passes or spent or run.monotonic() + wait > until:
                raise StepFailedError(_how_often(run, step, attempt, error.message), hint=error.hint) from None
            _LOG.info("%s: %s; trying again in %.1f s", step.value, error.message, wait)
            _sleep(run, wait)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        except AgentError as error:
            _failed(run, step, attempt, error.message, "agent")
            others_wait = step is Step.STAGE and run.forced
            if not error.passes or others_wait or run.monotonic() + pause > until:
                raise StepFailedError(error.message, hint=error.hint) from None
            run.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_S)
        except NotProvenError as error:
            _failed(run, step, attempt, error.message, "failed", error.seen.detail())
            raise
        except StepFailedError as error:
            _failed(run, step, attempt, error.message, "failed")
            raise
        else:
            return


def _settle(run: Run, step: Step, attempt: int, done: Done) -> None:
    try:
        with run.opened.database.write() as connection:
            if done.settle:
                done.settle(connection)
            run.journal.outcome(connection, step, attempt, Result.OK, done.detail)
    except (StepFailedError, ProviderError):
        raise
    except Exception:
        _undo(done)  # a key that could not be sealed must not stay alive
        raise


def _undo(done: Done) -> None:
    if done.undo is None:
        return
    try:
        done.undo()
    except ProviderError as error:
        _LOG.error("a new key that was not kept could not be ended: %s", error.message)


def _failed(run: Run, step: Step, attempt: int, message: str, why: str, more: Detail | None = None) -> None:
    with run.opened.database.write() as connection:
        run.journal.outcome(connection, step, attempt, Result.FAILED, {"message": message, "why": why, **(more or {})})


def _how_often(run: Run, step: Step, attempt: int, message: str) -> str:
    """Say more urgently what has failed more often: a key that ought to be dead and is not even revoked."""
    if step is not Step.REVOKE or attempt == 1:
        return message
    with run.opened.database.read() as connection:
        since = next(event.at for event in journal.events(connection, run.rotation_id) if event.step is step)
    return f"the old key is not revoked, after {attempt} attempts since {since:%F %T} UTC: {message}"


def _sleep(run: Run, seconds: float) -> None:
    while seconds > _LEASE_S:
        run.wait(_LEASE_S)
        seconds -= _LEASE_S
    run.sleep(seconds)


def back(run: Run, failure: StepFailedError) -> tuple[Outcome, KeysweepError]:
    """Return to the old key, and say how that ended; a return that was done already is not done again."""
    if _done(run, Step.ROLL_BACK):
        return Outcome.ROLLED_BACK, failure
    with run.opened.database.write() as connection:
        attempt = run.journal.intent(connection, Step.ROLL_BACK)
    try:
        roll_back(run)
    except KeysweepError as stuck:
        _failed(run, Step.ROLL_BACK, attempt, stuck.message, "failed")
        return Outcome.HALF_WAY, failure
    with run.opened.database.write() as connection:
        run.journal.outcome(connection, Step.ROLL_BACK, attempt, Result.OK)
    return Outcome.ROLLED_BACK, failure


def _contain(run: Run) -> None:
    """Forced mode, no new key: end the old one all the same, where the provider can without a new value."""
    if run.provider.facts.old_dies_on_set or (run.provider.revoke is None and run.provider.end_self is None):
        return
    for step in (Step.REVOKE, Step.PROVE_DEAD):
        if not _done(run, step):
            try:
                _perform(run, step)
            except KeysweepError as error:
                _LOG.warning("containment: %s: %s", step.value, error.message)
                return
