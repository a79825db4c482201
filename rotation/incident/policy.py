"""Decide what a suspicion leads to.  Pure: no clock, no network, no store."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from keysweep.rotation.credential import State
from keysweep.rotation.engine.steps import Policy
from keysweep.rotation.incident.correlate import Suspicion
from keysweep.scanner.known import MatchKind


class Response(StrEnum):
    """What to do."""

    ROTATE = "rotate"
    """Force a rotation now."""
    ASK = "ask"
    """A person must confirm: `rotate --finding ID --yes`."""
    NOTHING = "nothing"
    """The key is dead already."""


class Reason(StrEnum):
    """Why; stable codes for the ledger."""

    CONFIRMED_LEAK = "confirmed-leak"
    """The whole value was seen: whoever reported it held the key."""
    PERSON_CONFIRMED = "person-confirmed"
    INEXACT_MATCH = "inexact-match"
    """Read from an image, masked, or only named by its id: anyone could have made that."""
    ALREADY_DEAD = "already-dead"
    OBSERVED = "observed"
    """The policy is to open an incident and to let a person decide."""
    UNUSED_STANDBY = "unused-standby"
    """A standby leaked: nothing serves on it, so a person replaces it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do, and why."""

    response: Response
    reason: Reason


def decide(suspicion: Suspicion, state: State, *, confirmed: bool, policy: Policy = Policy.SWAP) -> Decision:
    """Return the response to a suspicion.

    Only a full keyed match acts by itself: an attacker can then trigger the rotation of a key that he holds already, and no
    other.

    Args:
        suspicion: what is suspected.
        state: where the version stands now.
        confirmed: a person named this very finding.
        policy: of forced rotations.
    """
    if state in {State.RETIRED, State.DISCARDED}:
        return Decision(response=Response.NOTHING, reason=Reason.ALREADY_DEAD)
    if state is State.STANDBY:
        return Decision(response=Response.ASK, reason=Reason.UNUSED_STANDBY)
    if policy is Policy.OBSERVE:
        return Decision(response=Response.ASK, reason=Reason.OBSERVED)
    if suspicion.match in {MatchKind.EXACT, MatchKind.PART}:
        return Decision(response=Response.ROTATE, reason=Reason.CONFIRMED_LEAK)
    if confirmed:
        return Decision(response=Response.ROTATE, reason=Reason.PERSON_CONFIRMED)
    return Decision(response=Response.ASK, reason=Reason.INEXACT_MATCH)
