"""Proof of death: nothing but the provider's own, unbroken refusal over its revocation window counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.death import Death, prove_dead
from keysweep.rotation.engine.run import StepFailedError
from keysweep.rotation.providers import Liveness, Verdict

_START = datetime(2026, 1, 1, tzinfo=UTC)
_CALL_S = 0.01


class _Watched:
    """What `prove_dead` needs of a run: scripted answers on a clock that only moves when it is used."""

    def __init__(self, answers: Sequence[Liveness], *, window_s: float, end_at: float = 60.0) -> None:
        self._answers = list(answers)
        self.now = 0.0
        self.heard: list[tuple[float, Liveness]] = []
        self.provider = SimpleNamespace(
            facts=SimpleNamespace(revocation_window=timedelta(seconds=window_s)), probe=self._probe, runbook=None
        )
        self.account = None
        self.opened = SimpleNamespace(clock=lambda: _START + timedelta(seconds=self.now))
        self.budget = SimpleNamespace(end_at=end_at)

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def _probe(self, _account: object, _value: Secret) -> Verdict:
        self.now += _CALL_S
        answer = self._answers.pop(0) if self._answers else Liveness.UNKNOWN
        self.heard.append((self.now, answer))
        return Verdict(liveness=answer, code=answer.value)


def _proven(run: Any) -> Death | None:
    try:
        return prove_dead(run, Secret("value"))
    except StepFailedError:
        return None


_ANSWERS = st.lists(st.sampled_from(list(Liveness)), max_size=80)


@given(answers=_ANSWERS, window_s=st.sampled_from([0.0, 1.0, 10.0]))
def test_dead_is_never_said_early(answers: list[Liveness], window_s: float) -> None:
    """Whatever the answers: a proof rests on three refusals in a row over the window, with no yes among or after them."""
    run = _Watched(answers, window_s=window_s)
    death = _proven(run)
    if death is None:
        return
    since = (death.since - _START).total_seconds()
    row = [answer for at, answer in run.heard if at >= since - 1e-6]
    assert Liveness.ALIVE not in row
    assert row.count(Liveness.DEAD) >= 3
    assert run.now - since + _CALL_S >= window_s


@given(noise=st.lists(st.sampled_from([Liveness.ALIVE, Liveness.UNKNOWN]), max_size=20))
def test_a_key_that_is_dead_is_proven_so(noise: list[Liveness]) -> None:
    """Once the provider refuses for good the proof comes, whatever it answered before."""
    run = _Watched([*noise, *[Liveness.DEAD] * 40], window_s=1.0)
    assert _proven(run) is not None


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Liveness.ALIVE, id="a key that lives is never called dead"),
        pytest.param(Liveness.UNKNOWN, id="throttling, errors and silence are no refusal"),
    ],
)
def test_without_a_refusal_the_time_runs_out(answer: Liveness) -> None:
    """The rotation stops half way instead of claiming anything."""
    assert _proven(_Watched([answer] * 1000, window_s=1.0, end_at=20.0)) is None


def test_one_yes_among_refusals_starts_the_count_anew() -> None:
    """A provider whose servers disagree is believed only when all of them refuse."""
    run = _Watched([Liveness.DEAD, Liveness.DEAD, Liveness.ALIVE, *[Liveness.DEAD] * 9], window_s=0.0)
    death = _proven(run)
    assert death is not None
    assert death.probes == 6
