"""One key that is to be stored, as a person or an import states it, and what storing it did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import State

_VARIABLES = {
    "anthropic": "ANTHROPIC_API_KEY",
    "aws": "AWS_SECRET_ACCESS_KEY",
    "openai": "OPENAI_API_KEY",
    "postgresql": "DATABASE_URL",
}


Place = int | str
"""Where a row of an import stands: the number of its line, or words for it."""


class ImportRowError(UsageError):
    """A row cannot be imported; the message names its line and never its value."""


class Effect(StrEnum):
    """What storing one entry did."""

    ADDED = "added"
    UNCHANGED = "unchanged"
    STANDBY = "standby added"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key to store."""

    name: str
    provider: str
    value: Secret
    agent: str = ""
    variable: str = ""
    """Environment variable in which the agent gets it; empty means the provider's usual one."""
    more_variables: tuple[str, ...] = ()
    """Further variables in which the agent gets the same value."""
    owner: str = ""
    environment: str = ""
    policy_class: str = ""
    """Class of the policy that sets its age limit; empty for the default."""
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    provider_key_id: str | None = None
    is_admin: bool = False
    admin: str | None = None
    state: State = State.CURRENT
    settings: Mapping[str, str] = field(default_factory=dict)


def default_variable(provider: str, name: str) -> str:
    """Return the environment variable in which agents expect a key of *provider*."""
    return _VARIABLES.get(provider) or re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "KEY"
