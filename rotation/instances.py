"""Who runs which agent now, what the engine wants it to run, and what it was seen to hold: the repository between the two.

Engine and supervisor are different processes, possibly on different hosts.  They meet only in these rows, so that either may
be killed at any moment and go on from them.
"""

from __future__ import annotations

import json
import os
import socket
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation.credential import CredentialId, VersionRef
from keysweep.rotation.processes import began_at, process_exists
from keysweep.rotation.public_text import quoted

_TICK = timedelta(seconds=2)
"""Room for the coarseness of the kernel's clock."""
_SILENT = timedelta(seconds=15)
"""A supervisor on another host that was not heard of for so long is taken for gone."""


class UnknownAgentError(UsageError):
    """No agent has that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRecord:
    """Something that runs with keys."""

    name: str
    kind: str
    """Name of a file in rotation/agents."""
    settings: Mapping[str, str]
    bindings: Mapping[str, CredentialId]
    """Environment variable to credential."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One supervisor that runs an agent."""

    id: str
    agent: str
    host: str
    """Empty for one that is no process of ours: an agent that asks for its keys (`standing`)."""
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    wanted: int
    wanted_versions: Mapping[CredentialId, int]
    forced: bool

    def alive(self, now: datetime) -> bool:
        """Whether the supervisor still runs: asked of the kernel on this host, of its heartbeat elsewhere."""
        if not self.host:
            return True
        if self.host == socket.gethostname() and Path("/proc/self").exists():
            return process_exists(self.pid) and began_at(self.pid) <= self.started_at + _TICK
        return now - self.heartbeat_at < _SILENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one supervised process was seen to hold."""

    version: VersionRef
    fingerprint: Fingerprint
    generation: int
    method: str
    attested_at: datetime


def add_agent(connection: Connection, name: str, kind: str, settings: Mapping[str, str], at: datetime) -> bool:
    """Add an agent; return False if it is there already."""
    if connection.execute(select(tables.agent.c.name).where(tables.agent.c.name == name)).first():
        return False
    connection.execute(
        insert(tables.agent).values(
            name=name, kind=kind, settings=json.dumps(dict(settings), sort_keys=True), created_at=to_text(at)
        )
    )
    return True


def set_setting(connection: Connection, agent: str, name: str, value: str) -> None:
    """State one setting of an agent; the others stay."""
    settings = {**agent_named(connection, agent).settings, name: value}
    connection.execute(
        update(tables.agent).where(tables.agent.c.name == agent).values(settings=json.dumps(settings, sort_keys=True))
    )


def bind(connection: Connection, agent: str, variable: str, credential: CredentialId) -> None:
    """Let *agent* resolve *credential* and get it as *variable*; replaces what the variable carried before."""
    connection.execute(
        delete(tables.binding).where(tables.binding.c.agent == agent, tables.binding.c.variable == variable)
    )
    connection.execute(insert(tables.binding).values(agent=agent, variable=variable, credential_id=credential))


def is_bound(connection: Connection, agent: str, variable: str) -> bool:
    """Whether *variable* carries a credential for *agent* already."""
    held = select(tables.binding.c.agent).where(tables.binding.c.agent == agent, tables.binding.c.variable == variable)
    return connection.execute(held).first() is not None


def unbind_all(connection: Connection, credential: CredentialId) -> None:
    """Let no agent resolve *credential* any more."""
    connection.execute(delete(tables.binding).where(tables.binding.c.credential_id == credential))


def agent_named(connection: Connection, name: str) -> AgentRecord:
    """Return an agent.

    Raises:
        UnknownAgentError: there is none of that name.
    """
    found = find_agent(connection, name)
    if found is None:
        known = connection.execute(select(tables.agent.c.name).order_by(tables.agent.c.name).limit(6)).scalars()
        msg = f"no agent is called {quoted(name)}"
        raise UnknownAgentError(msg, hint=f"keysweep agents add NAME; known: {', '.join(known) or 'none'}")
    return found


def find_agent(connection: Connection, name: str) -> AgentRecord | None:
    """Return an agent, None if there is none of that name."""
    row = connection.execute(select(tables.agent).where(tables.agent.c.name == name)).first()
    return _agent(connection, row) if row else None


def agents(connection: Connection) -> tuple[AgentRecord, ...]:
    """Return every agent, by name."""
    rows = connection.execute(select(tables.agent).order_by(tables.agent.c.name)).all()
    return tuple(_agent(connection, row) for row in rows)


def agents_of(connection: Connection, credential: CredentialId) -> tuple[AgentRecord, ...]:
    """Return the agents that use a credential, by name."""
    rows = connection.execute(
        select(tables.agent)
        .where(
            tables.agent.c.name.in_(select(tables.binding.c.agent).where(tables.binding.c.credential_id == credential))
        )
        .order_by(tables.agent.c.name)
    ).all()
    return tuple(_agent(connection, row) for row in rows)


def register(connection: Connection, agent: str, at: datetime, *, process: bool = True) -> str:
    """Record that this process supervises *agent* from now on, or that no process does; return the id of the instance."""
    identifier = uuid.uuid4().hex
    connection.execute(
        insert(tables.instance).values(
            id=identifier,
            agent=agent,
            host=socket.gethostname() if process else "",
            pid=os.getpid() if process else 0,
            started_at=to_text(at),
            heartbeat_at=to_text(at),
            wanted=1,
            wanted_versions="{}",
            forced=0,
        )
    )
    return identifier


def instance(connection: Connection, identifier: str) -> Instance:
    """Return one instance; it must exist."""
    return _instance(connection.execute(select(tables.instance).where(tables.instance.c.id == identifier)).one())


def live_instances(connection: Connection, agent: str, now: datetime) -> tuple[Instance, ...]:
    """Return the supervisors that run *agent* now."""
    rows = connection.execute(
        select(tables.instance)
        .where(tables.instance.c.agent == agent, tables.instance.c.stopped_at.is_(None))
        .order_by(tables.instance.c.started_at)
    )
    return tuple(found for found in map(_instance, rows) if found.alive(now))


def want(connection: Connection, target: Instance, version: VersionRef, *, forced: bool, again: bool = False) -> None:
    """Ask a supervisor to run its agent with *version*; asking for the same changes nothing, unless it shall try *again*."""
    fresh = instance(connection, target.id)
    if not again and fresh.wanted_versions.get(version.credential_id) == version.number:
        return
    wanted = {**fresh.wanted_versions, version.credential_id: version.number}
    connection.execute(
        update(tables.instance)
        .where(tables.instance.c.id == target.id)
        .values(wanted=fresh.wanted + 1, wanted_versions=json.dumps(wanted, sort_keys=True), forced=int(forced))
    )


def beat(connection: Connection, identifier: str, at: datetime) -> None:
    """Say that the supervisor is alive."""
    connection.execute(
        update(tables.instance).where(tables.instance.c.id == identifier).values(heartbeat_at=to_text(at))
    )


def stop(connection: Connection, identifier: str, at: datetime) -> None:
    """Say that the supervisor ends; it holds nothing any more."""
    connection.execute(delete(tables.holding).where(tables.holding.c.instance_id == identifier))
    connection.execute(update(tables.instance).where(tables.instance.c.id == identifier).values(stopped_at=to_text(at)))


def attest(connection: Connection, identifier: str, seen: tuple[Seen, ...]) -> None:
    """Replace what the instance was seen to hold."""
    connection.execute(delete(tables.holding).where(tables.holding.c.instance_id == identifier))
    for one in seen:
        connection.execute(
            insert(tables.holding).values(
                instance_id=identifier,
                credential_id=one.version.credential_id,
                number=one.version.number,
                fingerprint=one.fingerprint.digest,
                generation=one.generation,
                method=one.method,
                attested_at=to_text(one.attested_at),
            )
        )


def seen(connection: Connection, identifier: str) -> tuple[Seen, ...]:
    """Return what an instance was seen to hold."""
    rows = connection.execute(
        select(tables.holding)
        .where(tables.holding.c.instance_id == identifier)
        .order_by(tables.holding.c.credential_id)
    )
    return tuple(
        Seen(
            version=VersionRef(credential_id=CredentialId(row.credential_id), number=row.number),
            fingerprint=Fingerprint(row.fingerprint),
            generation=row.generation,
            method=row.method,
            attested_at=from_text(row.attested_at),
        )
        for row in rows
    )


def _agent(connection: Connection, row: Row[Any]) -> AgentRecord:
    bound = connection.execute(
        select(tables.binding).where(tables.binding.c.agent == row.name).order_by(tables.binding.c.variable)
    )
    return AgentRecord(
        name=row.name,
        kind=row.kind,
        settings=json.loads(row.settings),
        bindings={b.variable: CredentialId(b.credential_id) for b in bound},
    )


def _instance(row: Row[Any]) -> Instance:
    return Instance(
        id=row.id,
        agent=row.agent,
        host=row.host,
        pid=row.pid,
        started_at=from_text(row.started_at),
        heartbeat_at=from_text(row.heartbeat_at),
        wanted=row.wanted,
        wanted_versions=json.loads(row.wanted_versions),
        forced=bool(row.forced),
    )
