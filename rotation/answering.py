"""Answer an agent that asks for its keys: each id authorised for that agent, and every answer and refusal in the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from keysweep.foundation.errors import DeniedError
from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog, instances, standing
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.resolve import RefusedError, refuse, resolve
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A value that the agent may have."""

    id: str
    variable: str
    """Name under which the agent knows the credential."""
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """An id without a value: the agent may not have it, or there is none to serve."""

    id: str
    failure: DeniedError


def everything(connection: Connection, agent: str) -> tuple[str, ...]:
    """Return the ids of all that an agent is bound to: its variables.

    Raises:
        UnknownAgentError: no such agent.
    """
    return tuple(instances.agent_named(connection, agent).bindings)


def answer(opened: OpenVault, agent: str, ids: Sequence[str], *, purpose: str) -> tuple[Given | Withheld, ...]:
    """Open what *agent* asks for, in one transaction with its entries in the ledger.

    Args:
        opened: the unlocked store.
        agent: who asks.
        ids: names of variables that the agent is bound to, or of the credentials behind them.
        purpose: why, one word: `helper`, `openclaw`, `env`.

    Raises:
        UnknownAgentError: no such agent.
    """
    with opened.database.write() as connection:
        record = instances.agent_named(connection, agent)
        wanted = standing.wanted(connection, record.name)
        answers: list[Given | Withheld] = []
        for name in ids:
            variable, credential = _bound(connection, record, name)
            if credential is None:
                answers.append(Withheld(id=name, failure=_refused(opened, connection, record, name, purpose)))
                continue
            try:
                ref, secret = resolve(
                    connection,
                    opened.vault,
                    opened.ledger,
                    record,
                    credential,
                    purpose=purpose,
                    number=wanted.get(credential),
                )
            except DeniedError as failure:
                answers.append(Withheld(id=name, failure=failure))
                continue
            if agent_catalog.get(record.kind).asks:
                standing.took(connection, record.name, ref, opened.fingerprinter.of(secret), opened.clock())
            answers.append(Given(id=name, variable=variable, secret=secret))
        return tuple(answers)


def _bound(connection: Connection, agent: AgentRecord, name: str) -> tuple[str, CredentialId | None]:
    """Return the variable and the credential that an id means to this agent; nothing beyond what it is bound to is looked up."""
    if name in agent.bindings:
        return name, agent.bindings[name]
    for variable, credential in agent.bindings.items():
        if store.credential_by_id(connection, credential).name == name:
            return variable, credential
    return "", None


def _refused(opened: OpenVault, connection: Connection, agent: AgentRecord, name: str, purpose: str) -> RefusedError:
    """Record that an agent asked for what it is not bound to; an id that might be a key is not repeated."""
    from keysweep.rotation.public_text import quoted

    return refuse(connection, opened.ledger, agent.name, quoted(name[:80]).strip("'"), purpose)
