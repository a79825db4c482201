"""Proof of death: nothing but the provider's own, unbroken refusal over its revocation window counts."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.death import Death, NotProvenError, Seen, prove_dead
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

    def old(self) -> None:
        return None

    def account_of(self, _version: object) -> None:
        return None

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
    """A provider whose servers disagree is believed only when all of them refuse, for as long as they disagreed."""
    run = _Watched([Liveness.DEAD, Liveness.DEAD, Liveness.ALIVE, *[Liveness.DEAD] * 9], window_s=0.0)
    death = _proven(run)
    assert death is not None
    assert death.probes == 7
    assert (death.since - _START).total_seconds() == pytest.approx(0.34)


def test_a_window_longer_than_the_rotation_is_waited_for_by_later_attempts() -> None:
    """An attempt that cannot see the end of the window stops at once and says until when; a later one goes on from there."""
    run = _Watched([Liveness.DEAD] * 1000, window_s=1380.0, end_at=60.0)
    with pytest.raises(
        NotProvenError, match="contained, not proven dead: refused since 2026-01-01 00:00:00 UTC"
    ) as first:
        prove_dead(run, Secret("value"))
    assert run.now < 10
    run.now = run.budget.end_at = 1400.0
    run.budget.end_at += 30
    death = prove_dead(run, Secret("value"), Seen.of(first.value.seen.detail()))
    assert death.probes == 3
    assert death.since < _START + timedelta(seconds=1)


def test_a_yes_between_two_attempts_is_not_forgotten() -> None:
    """What an earlier attempt heard last was a yes: its refusals before count for nothing."""
    run = _Watched([Liveness.DEAD, Liveness.ALIVE], window_s=30.0, end_at=1.0)
    with pytest.raises(NotProvenError) as first:
        prove_dead(run, Secret("value"))
    seen = Seen.of(first.value.seen.detail())
    assert seen.since is None
    assert seen.first is not None


def test_the_wall_clock_may_jump_while_a_death_is_proven() -> None:
    """Its window is measured on the monotonic clock: a wall clock that is set forward proves nothing."""
    run = _Watched([Liveness.DEAD] * 1000, window_s=10.0)
    jumps = iter(range(1000))
    run.opened = SimpleNamespace(clock=lambda: _START + timedelta(days=next(jumps)))
    assert _proven(run) is not None
    assert run.now >= 10.0


@dataclass(frozen=True)
class _Edges:
    """A vendor whose servers learn of a revocation one after the other, and that often answers neither yes nor no."""

    learns_at: tuple[float, ...]
    noise: float

    @classmethod
    def made(cls, choose: random.Random, propagation_s: float, *, most: int = 6) -> _Edges:
        """The last server learns when the propagation is over."""
        others = [choose.uniform(0, propagation_s) for _ in range(choose.randrange(most))]
        return cls(learns_at=(propagation_s, *others), noise=choose.choice([0.0, 0.2, 0.6]))

    def alive(self, at: float) -> bool:
        """Whether any server still accepts the key: then it is not dead."""
        return at < max(self.learns_at)

    def answer(self, choose: random.Random, at: float) -> tuple[Liveness, float]:
        """Return what one probe hears, and how long that takes: throttled, 403, 500 and silence say nothing."""
        if choose.random() < self.noise:
            return Liveness.UNKNOWN, choose.choice([0.01, 0.01, 0.05, 10.0])
        refuses = at >= choose.choice(self.learns_at)
        return (Liveness.DEAD if refuses else Liveness.ALIVE), choose.uniform(0.005, 0.3)


class _Simulated(_Watched):
    """A run against such a vendor, in simulated time."""

    def __init__(self, edges: _Edges, choose: random.Random, *, window_s: float) -> None:
        super().__init__([], window_s=window_s)
        self._edges, self._choose = edges, choose

    def _probe(self, _account: object, _value: Secret) -> Verdict:
        answer, took = self._edges.answer(self._choose, self.now + 0.002)
        self.now += took
        return Verdict(liveness=answer, code=answer.value)

    def until_proven(self, most: int = 60) -> Death | None:
        """Take it up again and again, as a schedule does, until the key is proven dead."""
        seen = Seen()
        for _ in range(most):
            self.budget.end_at = self.now + 60.0
            try:
                return prove_dead(self, Secret("value"), seen)  # type: ignore[arg-type]  # what it needs of a run
            except NotProvenError as error:
                seen = Seen.of(error.seen.detail())
            self.now += self._choose.uniform(0, 120)
        return None


_TRACES = 1000
_PROPAGATION = (4.0, 60.0, 1380.0)


@pytest.mark.parametrize(
    ("stated", "most"),
    [
        pytest.param(lambda real: real, 6, id="a vendor of up to six servers, whose window is what the adapter states"),
        pytest.param(lambda _: 1.0, 1, id="a vendor that takes far longer than the adapter states"),
    ],
)
def test_no_trace_is_called_dead_too_early(stated: Callable[[float], float], most: int) -> None:
    """1,000 vendors that learn within 4 s, 60 s or 23 min, with throttling, errors, silence, and servers that still say yes."""
    early = proven = 0
    for number in range(_TRACES):
        choose = random.Random(number)
        real = choose.choice(_PROPAGATION)
        edges = _Edges.made(choose, real, most=most)
        run = _Simulated(edges, choose, window_s=stated(real))
        if run.until_proven() is not None:
            proven += 1
            early += edges.alive(run.now)
    assert early == 0
    assert proven > 0.99 * _TRACES
