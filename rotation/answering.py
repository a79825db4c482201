"""Answer an agent that asks for its keys: each id authorised for that agent, and every answer and refusal in the ledger."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from keysweep.foundation.errors import DeniedError
from keysweep.foundation.ledger.entry import Detail
from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog, instances, standing
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.resolve import refuse, resolve
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_REFUSED = "refused"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """A process that asks another one for values, as the kernel names it."""

    uid: int
    pid: int
    may: Callable[[AgentRecord], bool]
    """Whether it may ask in the name of an agent."""
    recorded: Callable[[], bool]
    """Count a refusal; whether it is to be written down by itself."""

    @property
    def facts(self) -> Detail:
        """What the ledger says of it."""
        return {"uid": self.uid, "pid": self.pid}


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
        return tuple(_one(opened, connection, record, name, purpose) for name in ids)


def answer_asker(
    opened: OpenVault, asker: Asker, agent: str, ids: Sequence[str], *, purpose: str
) -> tuple[Given | Withheld, ...]:
    """Answer a process that does not hold the store; to it an agent that is not there is one that it may not ask for.

    Args:
        opened: the unlocked store.
        asker: who asks.
        agent: in whose name.
        ids: as `answer` has them; none for all that the agent is bound to.
        purpose: why, one word.
    """
    with opened.database.write() as connection:
        record = instances.find_agent(connection, agent)
        if record is None or not asker.may(record):
            return tuple(_turned_away(opened, connection, asker, agent, name, purpose) for name in ids or ("",))
        return tuple(
            _one(opened, connection, record, name, purpose, asker) for name in ids or tuple(record.bindings) or ("",)
        )


def _one(
    opened: OpenVault,
    connection: Connection,
    record: AgentRecord,
    name: str,
    purpose: str,
    asker: Asker | None = None,
) -> Given | Withheld:
    variable, credential = _bound(connection, record, name)
    facts = asker.facts if asker else {}
    if credential is None:
        if asker is not None and not asker.recorded():
            return Withheld(id=name, failure=DeniedError(_REFUSED))
        said = _public(name)
        return Withheld(id=name, failure=refuse(connection, opened.ledger, record.name, said, purpose, asked_by=facts))
    try:
        ref, secret = resolve(
            connection,
            opened.vault,
            opened.ledger,
            record,
            credential,
            purpose=purpose,
            number=standing.wanted(connection, record.name).get(credential),
            asked_by=facts,
        )
    except DeniedError as failure:
        return Withheld(id=name, failure=failure)
    if agent_catalog.get(record.kind).asks:
        standing.took(connection, record.name, ref, opened.fingerprinter.of(secret), opened.clock())
    return Given(id=name, variable=variable, secret=secret)


def _turned_away(
    opened: OpenVault, connection: Connection, asker: Asker, agent: str, name: str, purpose: str
) -> Withheld:
    """Refuse a process that may not ask in an agent's name, or names one that is not there."""
    if asker.recorded():
        opened.ledger.append(
            connection,
            actor=f"uid:{asker.uid}",
            action="key.refused",
            subject=_public(name),
            detail={"agent": _public(agent), "purpose": purpose, **asker.facts},
        )
    return Withheld(id=name, failure=DeniedError(_REFUSED))


def _bound(connection: Connection, agent: AgentRecord, name: str) -> tuple[str, CredentialId | None]:
    """Return the variable and the credential that an id means to this agent; nothing beyond what it is bound to is looked up."""
    if name in agent.bindings:
        return name, agent.bindings[name]
    for variable, credential in agent.bindings.items():
        if store.credential_by_id(connection, credential).name == name:
            return variable, credential
    return "", None


def _public(name: str) -> str:
    """Return a name that somebody asked for as it may be written down: one that might be a key is not repeated."""
    from keysweep.rotation.public_text import quoted

    return quoted(name[:80]).strip("'")
