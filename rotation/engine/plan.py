"""Decide the steps of a rotation from the provider's facts.  Pure: no clock, no network, no store."""

from __future__ import annotations

from dataclasses import dataclass

from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.rotation.engine.steps import Mode, Step
from keysweep.rotation.providers import Facts, Kind

_ARRIVE = (Step.STAGE, Step.ACTIVATE, Step.ATTEST, Step.PROMOTE)
_LEAVE = (Step.REVOKE, Step.PROVE_DEAD, Step.SHRED)


class NotPossibleError(KeysweepError):
    """No automatic rotation exists for this credential as it stands; nothing was done."""

    exit_code = ExitCode.HALF_WAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Ordered steps; each is journalled before it acts."""

    mode: Mode
    steps: tuple[Step, ...]


def plan(facts: Facts, mode: Mode, *, standby: bool, has_admin: bool) -> Plan:
    """Return the steps that replace a key.

    Args:
        facts: of the provider.
        mode: planned or forced.
        standby: a sealed standby version exists.
        has_admin: a credential that administers this one is stored.

    A compromised key that can be switched off at once is, as soon as the new one is known to work: agents fail for the moment
    that their restart takes, not longer, and nobody is left without any working key.

    Raises:
        NotPossibleError: the provider has no call for it, or what the call needs is not stored.
    """
    if facts.needs_admin and not has_admin:
        msg = "no administering credential is stored for this provider"
        raise NotPossibleError(msg, hint="keysweep keys add NAME --provider PROVIDER --admin-key")
    leave = _LEAVE if facts.kind is not Kind.MANUAL else _LEAVE[1:]
    steps = (Step.PREPARE, *_new_key(facts, standby=standby), Step.VERIFY_NEW, *_ARRIVE, *leave)
    return Plan(mode=mode, steps=escalated(facts, steps) if mode is Mode.FORCED else steps)


def escalated(facts: Facts, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return planned steps as they are taken once the key is compromised: it is switched off before the agents move."""
    if not facts.disable_reversible or facts.old_dies_on_set or Step.CONTAIN in steps:
        return steps
    behind = steps.index(Step.VERIFY_NEW) + 1
    return (*steps[:behind], Step.CONTAIN, *steps[behind:])


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
            msg = "the provider has no call that creates a key, and no standby is sealed"
            raise NotPossibleError(
                msg, hint="make a key in the provider's console, then: keysweep keys set NAME --standby"
            )
