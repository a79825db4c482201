"""The plan: which steps a kind of provider and a mode lead to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keysweep.rotation import provider_catalog
from keysweep.rotation.engine.plan import Lack, NotPossibleError, escalated, plan
from keysweep.rotation.engine.steps import Mode, Policy, Step
from keysweep.rotation.providers import Facts, Kind

_MINT = Facts(
    kind=Kind.MINT,
    max_live_keys=None,
    disable_reversible=False,
    old_dies_on_set=False,
    revocation_window=timedelta(0),
    needs_admin=True,
    tag_limit=100,
    proven_on="a table",
)
_SWITCHED = replace(_MINT, disable_reversible=True)
_SET = replace(_MINT, kind=Kind.SET_VALUE)
_STANDBY = replace(_SWITCHED, kind=Kind.DEACTIVATE_ONLY)
_ROLL = replace(_SWITCHED, kind=Kind.ROLL, old_dies_on_set=True)
_BARE = replace(_MINT, kind=Kind.MANUAL)
_ARRIVE = (Step.STAGE, Step.ACTIVATE, Step.ATTEST, Step.PROMOTE)
_LEAVE = (Step.REVOKE, Step.PROVE_DEAD, Step.SHRED)
_MINTED = (Step.PREPARE, Step.MINT, Step.SEAL, Step.VERIFY_NEW)
_TAKEN = (Step.PREPARE, Step.TAKE_STANDBY, Step.VERIFY_NEW)


@pytest.mark.parametrize(
    ("facts", "mode", "expected"),
    [
        pytest.param(_MINT, Mode.PLANNED, (*_MINTED, *_ARRIVE, *_LEAVE), id="planned: new works before old dies"),
        pytest.param(
            _MINT, Mode.FORCED, (*_MINTED, *_ARRIVE, *_LEAVE), id="forced, no switch: the same, under a deadline"
        ),
        pytest.param(
            _SWITCHED, Mode.PLANNED, (*_MINTED, *_ARRIVE, *_LEAVE), id="planned: nothing is switched off early"
        ),
        pytest.param(
            _SWITCHED,
            Mode.FORCED,
            (*_MINTED, Step.CONTAIN, *_ARRIVE, *_LEAVE),
            id="forced, reversible: switched off as soon as the new one is known to work",
        ),
        pytest.param(
            _SET,
            Mode.PLANNED,
            (Step.PREPARE, Step.SEAL, Step.SET_VALUE, Step.VERIFY_NEW, *_ARRIVE, *_LEAVE),
            id="we choose the value: it is sealed before the provider knows it",
        ),
        pytest.param(
            replace(_MINT, max_live_keys=2),
            Mode.FORCED,
            (Step.PREPARE, Step.FREE_SLOT, *_MINTED[1:], *_ARRIVE, *_LEAVE),
            id="few places: one is made free before the new key is made",
        ),
        pytest.param(
            _ROLL,
            Mode.FORCED,
            (Step.PREPARE, Step.ROLL, Step.SEAL, Step.VERIFY_NEW, *_ARRIVE, *_LEAVE),
            id="rolled in place: nothing is switched off, the same id lives on",
        ),
        pytest.param(
            _BARE,
            Mode.PLANNED,
            (*_TAKEN, *_ARRIVE, Step.PROVE_DEAD, Step.SHRED),
            id="no API: a person has made the key, and ends the old one",
        ),
        pytest.param(_STANDBY, Mode.PLANNED, (*_TAKEN, *_ARRIVE, *_LEAVE), id="standby: taken, not minted"),
        pytest.param(
            _STANDBY,
            Mode.FORCED,
            (*_TAKEN, Step.CONTAIN, *_ARRIVE, *_LEAVE),
            id="standby, forced: the standby is on before the leaked one is off",
        ),
    ],
)
def test_order(facts: Facts, mode: Mode, expected: tuple[Step, ...]) -> None:
    """The order of a rotation follows from the provider's facts and the mode alone."""
    assert expected == plan(facts, mode, standby=True, has_admin=True).steps


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize(
    ("facts", "standby", "has_admin", "lack"),
    [
        pytest.param(_STANDBY, False, True, Lack.STANDBY, id="no call creates a key and no standby is sealed"),
        pytest.param(_BARE, False, True, Lack.STANDBY, id="no API at all, and nothing is sealed"),
        pytest.param(_MINT, False, False, Lack.ADMIN, id="nobody is stored who may mint"),
    ],
)
def test_what_is_not_possible_says_what_is_missing(
    facts: Facts, standby: bool, has_admin: bool, lack: Lack, mode: Mode
) -> None:
    """Where there is no automatic way nothing is started, and the code is 5."""
    with pytest.raises(NotPossibleError) as refused:
        plan(facts, mode, standby=standby, has_admin=has_admin)
    assert refused.value.lack is lack
    assert refused.value.exit_code == 5


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            _SWITCHED, (Step.PREPARE, Step.CONTAIN, *_MINTED[1:], *_ARRIVE, *_LEAVE), id="it can be switched off"
        ),
        pytest.param(
            _MINT,
            (Step.PREPARE, Step.REVOKE, *_MINTED[1:], *_ARRIVE, Step.PROVE_DEAD, Step.SHRED),
            id="it can only be ended: that is done first, and proven when the agents are up again",
        ),
        pytest.param(
            replace(_SET, old_dies_on_set=True),
            (Step.PREPARE, Step.SEAL, Step.SET_VALUE, Step.VERIFY_NEW, *_ARRIVE, *_LEAVE),
            id="the new value ends it: nothing can come before that",
        ),
        pytest.param(
            _STANDBY, (Step.PREPARE, Step.CONTAIN, *_TAKEN[1:], *_ARRIVE, *_LEAVE), id="off before the standby is on"
        ),
        pytest.param(_BARE, (*_TAKEN, *_ARRIVE, Step.PROVE_DEAD, Step.SHRED), id="a person ends it when they can"),
    ],
)
def test_revoke_first_lets_the_old_key_go_before_all_else(facts: Facts, expected: tuple[Step, ...]) -> None:
    """The agents are down until they hold the new key: that is the price of the policy."""
    assert expected == plan(facts, Mode.FORCED, standby=True, has_admin=True, policy=Policy.REVOKE_FIRST).steps


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(_SWITCHED, (Step.PREPARE, Step.CONTAIN), id="switched off, to be switched on again if need be"),
        pytest.param(_STANDBY, (Step.PREPARE, Step.CONTAIN), id="the same where no key can be made"),
        pytest.param(_MINT, (Step.PREPARE, Step.REVOKE, Step.PROVE_DEAD), id="ended, and proven dead"),
        pytest.param(
            replace(_SET, old_dies_on_set=True),
            (Step.PREPARE, Step.SEAL, Step.SET_VALUE, Step.VERIFY_NEW, Step.PROVE_DEAD),
            id="only a new value ends it: that one is handed to nobody",
        ),
        pytest.param(_BARE, (Step.PREPARE,), id="only a person can"),
    ],
)
def test_containment_ends_the_old_key_and_gives_no_agent_a_new_one(facts: Facts, expected: tuple[Step, ...]) -> None:
    """It is what is left when a new key cannot be made, or would only leak as well; no standby is used up for it."""
    steps = plan(facts, Mode.FORCED, standby=False, has_admin=True, policy=Policy.CONTAIN).steps
    assert expected == steps
    assert not {Step.MINT, Step.TAKE_STANDBY, *_ARRIVE} & set(steps)


def test_grace_stands_between_the_new_key_and_the_end_of_the_old_one() -> None:
    """Of a planned rotation only; once the key is compromised it is gone."""
    graceful = plan(_MINT, Mode.PLANNED, standby=False, has_admin=True, grace=timedelta(hours=1)).steps
    assert graceful[graceful.index(Step.GRACE) - 1 :] == (Step.PROMOTE, Step.GRACE, *_LEAVE)
    assert Step.GRACE not in plan(_MINT, Mode.FORCED, standby=False, has_admin=True, grace=timedelta(hours=1)).steps
    assert Step.GRACE not in escalated(_MINT, graceful)


def test_a_key_that_dies_by_its_successor_has_no_grace() -> None:
    """It is refused instead of being promised."""
    with pytest.raises(NotPossibleError) as refused:
        plan(_ROLL, Mode.PLANNED, standby=False, has_admin=True, grace=timedelta(hours=1))
    assert refused.value.lack is Lack.GRACE


@pytest.mark.parametrize("name", provider_catalog.names())
@pytest.mark.parametrize("mode", list(Mode))
def test_every_provider_is_only_ended_after_a_new_key_serves(name: str, mode: Mode) -> None:
    """Whatever the provider, REVOKE stands behind PROMOTE, PROMOTE behind ATTEST, and nothing is shredded before it is dead."""
    steps = plan(provider_catalog.get(name).facts, mode, standby=True, has_admin=True).steps
    order = [Step.PREPARE, Step.VERIFY_NEW, Step.ATTEST, Step.PROMOTE, Step.REVOKE, Step.PROVE_DEAD, Step.SHRED]
    if provider_catalog.get(name).facts.kind is Kind.MANUAL:
        order.remove(Step.REVOKE)
    assert order == [step for step in steps if step in order]
    assert len(steps) == len(set(steps))


@pytest.mark.parametrize("facts", [_MINT, _SWITCHED, _SET, _STANDBY])
def test_an_escalated_plan_is_the_forced_one(facts: Facts) -> None:
    """A planned rotation whose key turns out to be compromised goes on by the steps that a forced one would take."""
    steps = plan(facts, Mode.PLANNED, standby=True, has_admin=True).steps
    forced = plan(facts, Mode.FORCED, standby=True, has_admin=True).steps
    assert forced == escalated(facts, steps) == escalated(facts, forced)
