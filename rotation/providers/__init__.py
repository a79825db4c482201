"""The provider seam: facts and functions of one vendor, one file each, exporting `PROVIDER`.

The planner and `recover` read facts, never names of vendors.  A function that a vendor has no call for is None, and the
planner then does without.  Every function may raise only `ProviderError`, with no key material in it or its causes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keysweep.foundation.secret import Secret
from keysweep.rotation.trouble import ProviderError as ProviderError
from keysweep.rotation.trouble import Trouble as Trouble

SOON = timedelta(seconds=15)
"""How long most vendors may need at most until they accept a new key."""


class Kind(StrEnum):
    """Idempotency class: what may be done after a response was lost."""

    SET_VALUE = "set-value"
    """We choose the value; replaying the same value is safe."""
    MINT = "mint"
    """The vendor makes the value and shows it once: find the orphan by its tag, delete it, mint again."""
    MINT_READABLE = "mint-readable"
    """The value can be read back, or the creation replayed."""
    ROLL = "roll"
    """One call swaps the value and kills the old one: observe first."""
    DEACTIVATE_ONLY = "deactivate-only"
    """No call creates a key: a sealed standby takes its place."""
    MANUAL = "manual"
    """No API at all: a guided runbook, verified step by step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the planner must know about a vendor."""

    kind: Kind
    max_live_keys: int | None
    """Keys that may be live at once for one principal; None: no limit that bites."""
    disable_reversible: bool
    """A key can be switched off and on again."""
    old_dies_on_set: bool
    """Setting or rolling the new value ends the old one in the same call."""
    revocation_window: timedelta
    """How long a revoked key may still be accepted, as measured or documented."""
    needs_admin: bool
    """Minting and revoking need a credential other than the key itself."""
    tag_limit: int
    """Characters that the name of a key may have; 0: keys cannot be named."""
    proven_on: str
    """What the adapter was tested against: a real server, or a simulator."""
    accepted_within: timedelta = SOON
    """How long a new key may be refused before it is accepted everywhere; a rotation waits so long for the first yes."""


class Liveness(StrEnum):
    """Whether the provider still accepts a key."""

    ALIVE = "alive"
    DEAD = "dead"
    """The provider's own signature of a revoked or unknown key was seen; nothing else counts."""
    UNKNOWN = "unknown"
    """No answer, throttled, a server error, anything else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one probe saw."""

    liveness: Liveness
    code: str
    """Public reason: `200`, `401 invalid_api_key`, `28P01`, `timeout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Where and as whom a provider is called."""

    credential: str
    """Name of the credential that is rotated."""
    settings: Mapping[str, str]
    """Public facts: `base_url`, `project_id`."""
    admin: Secret | None
    """The administering key, where the vendor needs one."""
    key_id: str | None = None
    """The vendor's id of the key that the call is about, where it is known: that of the value that is probed; else that of the key
    that is replaced (a vendor with fixed slots mints into another one)."""
    admin_id: str | None = None
    """The vendor's id of the administering key, where it is known."""
    timeout_s: float = 10.0
    """For one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderKey:
    """One key as the vendor lists it."""

    key_id: str
    name: str
    """The tag, for keys that we minted."""
    active: bool
    hint: str = ""
    """What the vendor shows of the value, masked."""
    created_at: datetime | None = None
    """None where the vendor does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A new key."""

    secret: Secret
    key_id: str
    admin: Secret | None = None
    """The administering value that takes the place of the one that the call used up, at a vendor whose refresh tokens serve once."""
    expires_at: datetime | None = None
    """When the vendor ends the key by itself; None if it does not, or does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """What a person does where the vendor has no call for it."""

    console: str
    """Address of the vendor's page for keys."""
    create: str
    """How a key is made there, in a sentence."""
    end: str
    """How the old one is ended there, in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """One vendor."""

    title: str
    facts: Facts
    probe: Callable[[Account, Secret], Verdict]
    """Ask whether a key is accepted, over a fresh connection, with a call that costs nothing and changes nothing."""
    find: Callable[[Account], tuple[ProviderKey, ...]] | None = None
    """List every key of the principal, whoever made it."""
    identify: Callable[[Account, Secret], str | None] | None = None
    """Return the vendor's id of the live key with this value, for a vendor that tells; None if it does not know the value."""
    mint: Callable[[Account, str], Secret] | None = None
    """Create a key with the given tag as its name and return the *raw* response, to be sealed before it is parsed."""
    read_minted: Callable[[Secret], Minted] | None = None
    """Parse a raw response of `mint`; pure."""
    read_back: Callable[[Account, str], Secret] | None = None
    """Return the raw response that shows the value of the key with this id once more, as `read_minted` reads it."""
    roll: Callable[[Account, str, Secret], Secret] | None = None
    """Swap the value of the key with this id, whose current value is given, in one call that ends the old one; return the *raw*
    response, as `read_minted` reads it.  Never repeated blindly."""
    observe: Callable[[Account, str, Secret], str | None] | None = None
    """After a lost answer to `roll`, given the same: the id of the key that it left, None if it did not happen."""
    generate: Callable[[Secret], Secret] | None = None
    """Make the value that follows the given current one; pure but for randomness."""
    set_value: Callable[[Account, Secret, Secret], None] | None = None
    """Given the old and the new value, make the new one the accepted one.  Repeating it is safe."""
    activate: Callable[[Account, str], None] | None = None
    """Switch the key with this id on.  Repeating it is safe."""
    deactivate: Callable[[Account, str], None] | None = None
    """Switch the key with this id off, reversibly.  Repeating it is safe."""
    revoke: Callable[[Account, str | None, Secret], None] | None = None
    """End the old key for good, given its id (None where the vendor has none) and value: also its open sessions.
    Repeating it is safe: a key that is gone is success."""
    end_self: Callable[[Account, Secret], None] | None = None
    """End a key with nothing but the key itself, for when the administering one is refused.  Repeating it is safe."""
    id_variable: Callable[[str], str | None] | None = None
    """For keys of two halves: the variable in which an agent expects the id, given that of the value; None if it needs none."""
    runbook: Runbook | None = None
    """For a vendor without an API for its keys."""
