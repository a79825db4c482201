"""The only way a value leaves the vault: authorised for this agent and credential, and written to the ledger every time."""

from __future__ import annotations

from types import MappingProxyType

from sqlalchemy import Connection

from keysweep.foundation.errors import DeniedError
from keysweep.foundation.ledger.chain import Ledger
from keysweep.foundation.ledger.entry import Detail
from keysweep.foundation.secret import Secret
from keysweep.rotation import profiles
from keysweep.rotation.credential import Credential, CredentialId, State, VersionRef
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.vault import store
from keysweep.rotation.vault.vault import Vault

_SERVABLE = (State.CURRENT, State.PENDING)
_ONLY_FOR = {"broker": "broker"}
"""Kinds of agents whose values are opened for one purpose: they hold placeholders, and nobody gets a key in their name."""


class RefusedError(DeniedError):
    """An agent asked for a credential that it may not have.  The refusal is in the ledger: commit it."""


def resolve(
    connection: Connection,
    vault: Vault,
    ledger: Ledger,
    agent: AgentRecord,
    credential: CredentialId,
    *,
    purpose: str,
    number: int | None = None,
    asked_by: Detail = MappingProxyType({}),
) -> tuple[VersionRef, Secret]:
    """Open a value for *agent*.

    Args:
        connection: a write transaction; the ledger entry and the answer stand or fall together.
        vault: opens the value.
        ledger: records it.
        agent: who asks.
        credential: what for.
        purpose: why, one word: `start`, `restart`, `helper`.
        number: a version that a rotation is about to promote; the current one if None, or if that one may not be served.
        asked_by: who asked, where that is another process: what the kernel says of it.

    Raises:
        RefusedError: the agent is not bound to it, holds a placeholder in its place, or it administers others.
    """
    known = store.credential_by_id(connection, credential)
    if known.is_admin or credential not in agent.bindings.values() or _ONLY_FOR.get(agent.kind, purpose) != purpose:
        raise refuse(connection, ledger, agent.name, known.name, purpose, asked_by=asked_by)
    ref = servable(connection, known, number)
    secret = vault.open_version(connection, ref)
    entry = ledger.append(
        connection,
        actor=f"agent:{agent.name}",
        action="key.resolved",
        subject=known.name,
        detail={"version": ref.number, "purpose": purpose, **asked_by},
    )
    profiles.note_use(connection, known.id, entry.at, agent.name)
    return ref, secret


def refuse(
    connection: Connection,
    ledger: Ledger,
    agent: str,
    credential: str,
    purpose: str,
    *,
    asked_by: Detail = MappingProxyType({}),
) -> RefusedError:
    """Record a refusal and return the error to raise."""
    ledger.append(
        connection,
        actor=f"agent:{agent}",
        action="key.refused",
        subject=credential,
        detail={"purpose": purpose, **asked_by},
    )
    msg = f"agent {agent!r} may not have {credential!r}"
    return RefusedError(msg, hint=f"keysweep agents bind {agent} {credential}")


def servable(connection: Connection, credential: Credential, number: int | None) -> VersionRef:
    """Return the version that is served: *number*, if a rotation is about to promote it, else the current one.

    Raises:
        DeniedError: there is none.
    """
    known = [v for v in store.versions(connection, credential.id) if v.state in _SERVABLE]
    asked = [v.ref for v in known if v.ref.number == number]
    current = [v.ref for v in known if v.state is State.CURRENT]
    if found := asked or current:
        return found[0]
    msg = f"{credential.name!r} has no value that may be served"
    raise DeniedError(msg, hint=f"keysweep keys set {credential.name}")
