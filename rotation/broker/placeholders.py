"""Placeholders: what an agent holds instead of a key.  Random, worthless elsewhere, and stored as keyed fingerprints only."""

from __future__ import annotations

import hmac
import secrets
import string
from collections.abc import Iterable, Mapping

from sqlalchemy import Connection

from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.vault.unlock import OpenVault

_PREFIX = "ksb_"
_LENGTH = 43
"""Of 62 characters each: as many as there are keys of 256 bits."""
_ALPHABET = string.ascii_letters + string.digits
_SETTING = "placeholder:"
"""Begins the names of the agent's settings that hold fingerprints; nobody can state such a one."""
LONGEST = len(_PREFIX) + _LENGTH

Prints = Mapping[CredentialId, frozenset[bytes]]
"""By credential: the digests of the placeholders that stand for it, as they may be under each generation of the master key."""


def make() -> Secret:
    """Return a new placeholder."""
    return Secret(_PREFIX + "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def renew(opened: OpenVault, agent: str, *, actor: str) -> dict[str, Secret]:
    """Make the placeholders of an agent anew, by its variables; those that it had end with that.

    Raises:
        UnknownAgentError: no such agent.
    """
    with opened.database.write() as connection:
        record = instances.agent_named(connection, agent)
        made: dict[CredentialId, Secret] = {held: make() for held in dict.fromkeys(record.bindings.values())}
        for credential, placeholder in made.items():
            instances.set_setting(connection, agent, _SETTING + credential, str(opened.fingerprinter.of(placeholder)))
        opened.ledger.append(
            connection, actor=actor, action="agent.placeholders", subject=agent, detail={"count": len(made)}
        )
    return {variable: made[credential] for variable, credential in record.bindings.items()}


def stored(opened: OpenVault, connection: Connection, agent: instances.AgentRecord) -> Prints:
    """Return the placeholders of an agent that are stored."""
    found = {
        CredentialId(name.removeprefix(_SETTING)): Fingerprint.parse(value)
        for name, value in agent.settings.items()
        if name.startswith(_SETTING)
    }
    return {credential: of(opened, connection, (one,)) for credential, one in found.items()}


def of(opened: OpenVault, connection: Connection, fingerprints: Iterable[Fingerprint]) -> frozenset[bytes]:
    """Return what these fingerprints may be now."""
    return frozenset(form.digest for one in fingerprints for form in opened.ring.forms(connection, one))


def is_one(opened: OpenVault, presented: bytes, prints: frozenset[bytes]) -> bool:
    """Whether what a request shows is one of these placeholders."""
    if len(presented) > LONGEST or not prints:
        return False
    digest = opened.fingerprinter.of_bytes(presented).digest
    return any(hmac.compare_digest(digest, one) for one in prints)
