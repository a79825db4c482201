"""Many new credentials at once: the rows are gathered and written with few statements, which is what an import of thousands needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.ledger.chain import Note
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances, profiles
from keysweep.rotation.credential import Credential, State
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_BATCH = 500
"""Names in one question; engines bound the number of parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A credential that is not stored yet, with its first value."""

    credential: Credential
    value: Secret
    state: State
    provider_key_id: str | None
    at: datetime | None
    """When the value was issued, if that is known."""
    policy_class: str
    agent: str
    """Who gets it; empty for nobody."""
    variables: tuple[str, ...]


@final
class NewKeys:
    """New credentials that are gathered until `write`.

    Args:
        opened: the store.
        actor: who stores them.
    """

    def __init__(self, opened: OpenVault, actor: str) -> None:
        self._opened = opened
        self._actor = actor
        self._keys: dict[str, NewKey] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._keys

    def add(self, key: NewKey) -> None:
        """Gather one more."""
        self._keys[key.credential.name] = key

    def write(self, connection: Connection) -> None:
        """Store what was gathered, with an entry of the ledger for each."""
        keys = tuple(self._keys.values())
        self._keys.clear()
        if not keys:
            return
        store.add_credentials(connection, [key.credential for key in keys])
        drafts = [
            self._opened.vault.draft(
                key.credential, 1, key.value, state=key.state, provider_key_id=key.provider_key_id, created_at=key.at
            )
            for key in keys
        ]
        store.add_versions(connection, drafts)
        for key in keys:
            if key.policy_class:
                profiles.put(connection, key.credential.id, policy_class=key.policy_class)
        _bind(connection, keys, self._opened.clock())
        self._opened.ledger.append_all(
            connection,
            [
                Note(
                    self._actor,
                    "key.stored",
                    key.credential.name,
                    {
                        "version": draft.version.ref.number,
                        "fingerprint": draft.version.fingerprint.short,
                        "provider": key.credential.provider,
                        "state": key.state.value,
                    },
                )
                for key, draft in zip(keys, drafts, strict=True)
            ],
        )


def stored_names(connection: Connection, names: Iterable[str]) -> frozenset[str]:
    """Return those of *names* that credentials have."""
    column = tables.credential.c.name
    asked = tuple(dict.fromkeys(names))
    found: set[str] = set()
    for start in range(0, len(asked), _BATCH):
        found.update(connection.execute(select(column).where(column.in_(asked[start : start + _BATCH]))).scalars())
    return frozenset(found)


def stored_digests(connection: Connection, digests: Iterable[bytes]) -> frozenset[bytes]:
    """Return those of some fingerprints' digests that versions have."""
    column = tables.version.c.fingerprint
    asked = tuple(dict.fromkeys(digests))
    found: set[bytes] = set()
    for start in range(0, len(asked), _BATCH):
        rows = connection.execute(select(column).where(column.in_(asked[start : start + _BATCH]))).scalars()
        found.update(bytes(digest) for digest in rows)
    return frozenset(found)


def _bind(connection: Connection, keys: Sequence[NewKey], at: datetime) -> None:
    """Let each agent get its credentials; a variable that carried another one carries the new one."""
    wanted = {(key.agent, name): key.credential.id for key in keys if key.agent for name in key.variables}
    taken: set[tuple[str, str]] = set()
    known: set[str] = set()
    agents = tuple(dict.fromkeys(agent for agent, _ in wanted))
    for start in range(0, len(agents), _BATCH):
        some = agents[start : start + _BATCH]
        known.update(connection.execute(select(tables.agent.c.name).where(tables.agent.c.name.in_(some))).scalars())
        bound = select(tables.binding.c.agent, tables.binding.c.variable).where(tables.binding.c.agent.in_(some))
        taken.update((row.agent, row.variable) for row in connection.execute(bound))
    new = [
        {"name": name, "kind": "process", "settings": "{}", "created_at": to_text(at)}
        for name in agents
        if name not in known
    ]
    if new:
        connection.execute(insert(tables.agent), new)
    free = [
        {"agent": agent, "variable": variable, "credential_id": credential}
        for (agent, variable), credential in wanted.items()
        if (agent, variable) not in taken
    ]
    if free:
        connection.execute(insert(tables.binding), free)
    for agent, variable in taken & wanted.keys():
        instances.bind(connection, agent, variable, wanted[agent, variable])
