"""Decide the steps of a rotation from the provider's facts.  Pure: no clock, no network, no store."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.rotation.engine.steps import Mode, Policy, Step
from keysweep.rotation.providers import Facts, Kind

_ARRIVE = (Step.STAGE, Step.ACTIVATE, Step.ATTEST, Step.PROMOTE)
_LEAVE = (Step.REVOKE, Step.PROVE_DEAD, Step.SHRED)
BY_ITSELF = (Step.PREPARE, Step.REVOKE, Step.PROVE_DEAD)
"""The steps by which a compromised key that nobody administers ends itself."""


class Lack(StrEnum):
    """What is not there, so that there is no automatic way."""

    ADMIN = "no administering credential is stored for this provider"
    STANDBY = "the provider has no call that creates a key, and no standby is sealed"
    HAND = "what ended it could not bring a new one, and a key that is gone cannot be rolled"
    GRACE = "the provider ends the old key when it gets the new one: it cannot live on for a while"


class NotPossibleError(KeysweepError):
    """No automatic rotation exists for this credential as it stands; nothing was done."""

    exit_code = ExitCode.HALF_WAY

    def __init__(self, lack: Lack, *, hint: str | None = None) -> None:
        super().__init__(lack.value, hint=hint)
        self.lack = lack


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered steps; each is journalled before it acts."""

    mode: Mode
    steps: tuple[Step, ...]


def plan(
    facts: Facts,
    mode: Mode,
    *,
    standby: bool,
    has_admin: bool,
    policy: Policy = Policy.SWAP,
    grace: timedelta = timedelta(0),
    ends_itself: bool = False,
) -> Plan:
    """Return the steps that replace a key.

    Args:
        facts: of the provider.
        mode: planned or forced.
        standby: a sealed standby version exists.
        has_admin: a credential that administers this one is stored.
        policy: of a forced rotation.
        grace: how long the old key lives on after a planned one.
        ends_itself: a key can end itself, so that it is contained without an administering one.

    By `swap` a compromised key that can be switched off at once is, as soon as the new one is known to work: agents fail for the
    moment that their restart takes, not longer, and nobody is left without any working key.

    Raises:
        NotPossibleError: the provider has no call for it, or what the call needs is not stored.
    """
    if facts.needs_admin and not has_admin:
        if mode is Mode.FORCED and policy is Policy.CONTAIN and ends_itself:
            return Plan(mode=mode, steps=BY_ITSELF)
        raise NotPossibleError(Lack.ADMIN)
    if mode is Mode.FORCED and policy is Policy.CONTAIN:
        return Plan(mode=mode, steps=_containment(facts))
    if mode is Mode.PLANNED and grace and facts.old_dies_on_set:
        raise NotPossibleError(Lack.GRACE)
    leave = _LEAVE if facts.kind is not Kind.MANUAL else _LEAVE[1:]
    wait = (Step.GRACE,) if mode is Mode.PLANNED and grace else ()
    steps = (Step.PREPARE, *_new_key(facts, standby=standby), Step.VERIFY_NEW, *_ARRIVE, *wait, *leave)
    if mode is Mode.FORCED and policy is Policy.REVOKE_FIRST:
        return Plan(mode=mode, steps=_old_first(facts, steps))
    return Plan(mode=mode, steps=escalated(facts, steps) if mode is Mode.FORCED else steps)


def escalated(facts: Facts, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return planned steps as they are taken once the key is compromised: it is switched off before the agents move."""
    steps = without_grace(steps)
    if not facts.disable_reversible or facts.old_dies_on_set or Step.CONTAIN in steps:
        return steps
    behind = steps.index(Step.VERIFY_NEW) + 1
    return (*steps[:behind], Step.CONTAIN, *steps[behind:])


def handed_in(facts: Facts) -> tuple[Step, ...]:
    """Return the steps of a rotation whose new key a person has stored already."""
    return (Step.PREPARE, Step.VERIFY_NEW, *_ARRIVE, *(_LEAVE if facts.kind is not Kind.MANUAL else _LEAVE[1:]))


def without_grace(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps for a key that must not live on."""
    return tuple(step for step in steps if step is not Step.GRACE)


def _old_first(facts: Facts, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Let the old key go before the new one comes, where it does not go by the new one's coming."""
    if facts.old_dies_on_set:
        return steps
    if facts.disable_reversible:
        return (steps[0], Step.CONTAIN, *steps[1:])
    if Step.REVOKE not in steps:
        return steps
    return (steps[0], Step.REVOKE, *(step for step in steps[1:] if step is not Step.REVOKE))


def _containment(facts: Facts) -> tuple[Step, ...]:
    """Return the steps that only end the old key; where nothing but a new value does, that one is handed to nobody."""
    match facts.kind:
        case Kind.SET_VALUE | Kind.ROLL if facts.old_dies_on_set:
            return (Step.PREPARE, *_new_key(facts, standby=False), Step.VERIFY_NEW, Step.PROVE_DEAD)
        case Kind.MANUAL:
            return (Step.PREPARE,)
        case _ if facts.disable_reversible:
            return (Step.PREPARE, Step.CONTAIN)
        case _:
            return (Step.PREPARE, Step.REVOKE, Step.PROVE_DEAD)


def _new_key(facts: Facts, *, standby: bool) -> tuple[Step, ...]:
    match facts.kind:
        case Kind.MINT | Kind.MINT_READABLE if facts.max_live_keys is not None:
            return (Step.FREE_SLOT, Step.MINT, Step.SEAL)
        case Kind.MINT | Kind.MINT_READABLE:
            return (Step.MINT, Step.SEAL)
        case Kind.ROLL:
            return (Step.ROLL, Step.SEAL)
        case Kind.SET_VALUE:
            return (Step.SEAL, Step.SET_VALUE)
        case Kind.DEACTIVATE_ONLY | Kind.MANUAL if standby:
            return (Step.TAKE_STANDBY,)
        case Kind.DEACTIVATE_ONLY | Kind.MANUAL:
            raise NotPossibleError(Lack.STANDBY)
