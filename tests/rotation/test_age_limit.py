"""Ages are held against one function: the class's limit, a shorter one of its own, and exceptions that end."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.rotation.age_limit import AgeLimit, Exemption, Policies, Source
from tests.fakes.engines import NOON

DEFAULT = AgeLimit(max_age_days=90, source=Source.SETTINGS)
STRICT = AgeLimit(
    max_age_days=30, source=Source.CLASS, policy_class="payments", risk_analysis="TRA-8", approved_by="the officer"
)


def policies(*, until_days: float | None = None, recorded_days: float = -1) -> Policies:
    """Two limits, and an exception for `c` that ends so many days from noon."""
    exemptions = {}
    if until_days is not None:
        exemptions["c"] = Exemption(
            until=NOON + timedelta(days=until_days),
            reason="why",
            approved_by="who",
            recorded_at=NOON + timedelta(days=recorded_days),
        )
    return Policies(default=DEFAULT, classes={"payments": STRICT}, exemptions=exemptions)


def standing(age_days: float, known: Policies, *, policy_class: str = "", own: int | None = None):
    """How a credential of that age stands at noon."""
    since = NOON - timedelta(days=age_days)
    return known.standing("c", since=since, now=NOON, policy_class=policy_class, own_days=own)


@pytest.mark.parametrize(
    ("age", "due", "overdue"),
    [
        pytest.param(89.9, False, False, id="a day short"),
        pytest.param(90, True, False, id="on the last day it is due, the policy still kept"),
        pytest.param(90.9, True, False, id="days are whole"),
        pytest.param(91, True, True, id="the day after it is broken"),
        pytest.param(-3, False, False, id="made in the future"),
    ],
)
def test_a_limit_is_the_last_day_that_is_allowed(age: float, *, due: bool, overdue: bool) -> None:
    """Due on the day, overdue on the next."""
    found = standing(age, policies())
    assert (found.due, found.overdue) == (due, overdue)


@pytest.mark.parametrize(
    ("policy_class", "own", "days", "source"),
    [
        pytest.param("", None, 90, Source.SETTINGS, id="no class"),
        pytest.param("payments", None, 30, Source.CLASS, id="its class"),
        pytest.param("unheard of", None, 90, Source.SETTINGS, id="a class without a policy"),
        pytest.param("payments", 7, 7, Source.OWN, id="a shorter one of its own"),
        pytest.param("payments", 365, 30, Source.CLASS, id="a longer one of its own does not count"),
    ],
)
def test_the_shortest_limit_that_applies_counts(policy_class: str, own: int | None, days: int, source: Source) -> None:
    """Nobody lengthens a limit without an exception."""
    limit = policies().limit_of(policy_class, own)
    assert (limit.max_age_days, limit.source) == (days, source)


def test_a_shorter_own_limit_keeps_the_names_behind_its_policy() -> None:
    """The report can still say which analysis it follows from."""
    limit = policies().limit_of("payments", 7)
    assert (limit.risk_analysis, limit.approved_by) == ("TRA-8", "the officer")


@pytest.mark.parametrize(
    ("until", "recorded", "overdue"),
    [
        pytest.param(1, -1, False, id="counts"),
        pytest.param(0, -1, False, id="to its last moment"),
        pytest.param(-0.001, -1, True, id="not after it"),
        pytest.param(5, 1, True, id="not before it was recorded"),
    ],
)
def test_an_exception_counts_while_it_lasts(until: float, recorded: float, *, overdue: bool) -> None:
    """And says that it was needed."""
    found = standing(400, policies(until_days=until, recorded_days=recorded))
    assert found.overdue is overdue
    assert found.excused is not overdue


@given(st.integers(0, 5000), st.one_of(st.none(), st.integers(1, 4000)), st.sampled_from(["", "payments", "other"]))
def test_due_at_is_the_first_moment_of_being_overdue(age: int, own: int | None, policy_class: str) -> None:
    """The forecast and the judgement never disagree."""
    known, since = policies(), NOON - timedelta(days=age)
    due_at = standing(age, known, policy_class=policy_class, own=own).due_at
    for now, expected in ((due_at, True), (due_at - timedelta(microseconds=1), False)):
        found = known.standing("c", since=since, now=now, policy_class=policy_class, own_days=own)
        assert found.overdue is expected
