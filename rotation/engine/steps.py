"""The vocabulary of a rotation: modes, policies, steps and how it ends."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """Why the key is replaced."""

    PLANNED = "planned"
    """The new key works before the old one dies; until REVOKE a failure returns to the old key."""
    FORCED = "forced"
    """The old key is compromised: only forward, and it dies even if an agent is not up."""


class Policy(StrEnum):
    """In which order a compromised key goes."""

    SWAP = "swap"
    """The new key works before the old one dies, which it does at the deadline even if an agent is not up."""
    REVOKE_FIRST = "revoke-first"
    """The old key is switched off or ended before anything else: agents fail until they hold the new one."""
    OBSERVE = "observe"
    """An incident is opened and a person asked; nothing is done at the provider."""
    CONTAIN = "contain"
    """The old key is ended and none takes its place: there is none, or the leak is still open.  Never chosen, only fallen back to."""


class Step(StrEnum):
    """One step; each is journalled."""

    CONTAIN = "contain"
    """Switch the old key off, reversibly."""
    PREPARE = "prepare"
    """Prove that the journal can be written, the vault opens and the administering key is there."""
    FREE_SLOT = "free-slot"
    """Make room for the new key, at a vendor that allows only a few."""
    MINT = "mint"
    """Create the new key at the provider; the raw answer is sealed before it is read."""
    ROLL = "roll"
    """Swap the value in one call that ends the old one; the raw answer is sealed before it is read.  No way back from here."""
    SEAL = "seal"
    """Store the new value as a pending version."""
    SET_VALUE = "set-value"
    """Make the provider accept the sealed value."""
    TAKE_STANDBY = "take-standby"
    """Switch on a key that was sealed ahead of time."""
    VERIFY_NEW = "verify-new"
    """See the provider accept the new key."""
    STAGE = "stage"
    """Put it where the agents take it from."""
    ACTIVATE = "activate"
    """Make the running agents take it."""
    ATTEST = "attest"
    """See that they hold it."""
    PROMOTE = "promote"
    """Make it the current version; the old value leaves the vault."""
    GRACE = "grace"
    """Let the old key live a while longer; no process waits meanwhile."""
    REVOKE = "revoke"
    """End the old key at the provider."""
    PROVE_DEAD = "prove-dead"
    """Probe the old key until the provider's own refusal is certain."""
    SHRED = "shred"
    """Destroy the last sealed copy of the old value."""
    ROLL_BACK = "roll-back"
    """Return to the old key; never planned, and never in forced mode."""


class Phase(StrEnum):
    """Which side of an effect a journal row stands on."""

    INTENT = "intent"
    OUTCOME = "outcome"


class Result(StrEnum):
    """How a step ended."""

    OK = "ok"
    FAILED = "failed"


class Outcome(StrEnum):
    """How a rotation ended."""

    DONE = "done"
    """One live key, the agents hold it, the old one is proven dead."""
    ROLLED_BACK = "rolled-back"
    """The old key still works, the new one is gone."""
    CONTAINED = "contained"
    """The new key serves, the old one was ended; its last copy is destroyed, so that nobody can prove it dead any more."""
    HALF_WAY = "half-way"
    """A person must act; `--resume` goes on."""
    WAITING = "waiting"
    """The new key serves, the old one lives on until its grace is over; `rotate --due` goes on then."""
