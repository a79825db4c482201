"""The agent seam: how one kind of agent gets a new version, starts to use it, and is seen to; exporting `AGENT`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import VersionRef


class AgentError(KeysweepError):
    """An agent could not be given a version, or did not take it."""

    exit_code = ExitCode.HALF_WAY

    def __init__(self, message: str, *, hint: str | None = None, passes: bool = False) -> None:
        super().__init__(message, hint=hint)
        self.passes = passes
        """Whether trying again may help: nobody answered, or too many asked."""


def _no_admin(_purpose: str) -> Secret:
    msg = "the agent names no administering credential"
    raise AgentError(msg, hint="keysweep agents add NAME --kind KIND --set admin=CREDENTIAL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Half:
    """The public half of a key that has two, and the name that it has at the agent."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One version that one agent shall serve on."""

    database: Database
    agent: str
    settings: Mapping[str, str]
    version: VersionRef
    fingerprint: Fingerprint
    forced: bool
    """The old key is compromised: do not wait for a long grace."""
    again: bool = False
    """The agent was told before and did not take it: whatever waits until it tries once more shall not wait."""
    variables: tuple[str, ...]
    """Names that the agent knows the credential by; one, but for an agent that wants it twice."""
    open: Callable[[str], Secret]
    """Open the value for this agent, given the purpose in one word: authorised, and written to the ledger every time."""
    admin: Callable[[str], Secret] = _no_admin
    """Open the administering credential that the agent's setting `admin` names, given the purpose in one word; recorded likewise."""
    same: Callable[[Connection, Fingerprint], bool] = lambda *_: False
    """Whether another fingerprint is of the same value, under another generation of the master key."""
    beside: Callable[[], Mapping[str, Half]] = dict
    """Return by variable the public half that changes with the value, for a key that has one; an `AgentError` where it has no place."""
    is_value: Callable[[bytes], bool] = lambda _: False
    """Whether bytes that were read somewhere are the value, asked of its fingerprint: nothing is opened for it."""
    timeout_s: float = 10.0
    """For one call outside."""

    def halves(self) -> dict[str, str]:
        """Return the public halves by their names; empty for a key that has no other half."""
        return {half.name: half.text for half in self.beside().values()}


class Holding(StrEnum):
    """What is known of a running agent."""

    NEW = "new"
    """Every running process of the agent was seen to hold the new value."""
    OTHER = "other"
    """At least one process runs with something else, or was not seen yet."""
    NOT_RUNNING = "not-running"
    """No process runs: the next start gets the current version."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """What was seen, and how."""

    holding: Holding
    method: str
    """kernel, built, not-running ..."""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """One kind of agent."""

    title: str
    settings: Mapping[str, str] = field(default_factory=dict)
    """What `agents add --set NAME=VALUE` may state, and what it means; a name that ends in `*` is optional."""
    deliver: Callable[[Delivery], None]
    """Put the version where the agent will take it from.  Repeating it is safe."""
    activate: Callable[[Delivery], None]
    """Make the running agent take it: reload or restart.  Repeating it is safe.  Does not wait."""
    attest: Callable[[Delivery], Attestation]
    """Say what the running agent holds now.  A changed file is not an agent using it."""
    nudge: Callable[[Delivery], None] | None = None
    """Called before each `attest` while the engine waits: for instances that started just now.  Cheap, and safe to repeat."""
    poll_s: float = 0.05
    """Between two questions."""
    check: Callable[[Mapping[str, str]], None] | None = None
    """Refuse settings with a `UsageError` that are known but cannot work, when an agent is added."""
    named: Callable[[Mapping[str, str], str], str | None] | None = None
    """Given the settings and a variable, return the name of the value there, for a kind that takes both halves of a key together; None
    where these settings leave no room for a second one."""
    asks: bool = False
    """It takes its values itself, by `keysweep resolve`: what it took is noted as what it holds."""
