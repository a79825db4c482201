"""Deliveries as the store makes them: what one agent shall serve on, and how its value may be opened; and what each agent holds now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Attestation, Delivery, Half, Holding
from keysweep.rotation.credential import State, Version, VersionRef
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.public_halves import halves_for
from keysweep.rotation.resolve import resolve
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What one agent holds of one credential, asked just now."""

    credential: str
    version: Version
    """The current one, which it was asked for."""
    seen: Attestation


def delivery(opened: OpenVault, agent: AgentRecord, version: Version, *, forced: bool) -> Delivery:
    """Return what *agent* shall serve on."""
    return Delivery(
        database=opened.database,
        agent=agent.name,
        settings=agent.settings,
        version=version.ref,
        fingerprint=version.fingerprint,
        forced=forced,
        variables=tuple(name for name, held in agent.bindings.items() if held == version.ref.credential_id),
        open=partial(_open, opened, agent, version.ref),
        admin=partial(_open_admin, opened, agent),
        same=lambda connection, seen: opened.ring.same(connection, seen, version.fingerprint),
        is_value=partial(_is_value, opened, version),
        beside=partial(_beside, opened, agent, version),
    )


def present(opened: OpenVault, agent: AgentRecord) -> tuple[Present, ...]:
    """Ask an agent now which of its credentials it holds in their current versions."""
    kind = agent_catalog.get(agent.kind)
    with opened.database.read() as connection:
        bound = [
            (store.credential_by_id(connection, held).name, store.version_in(connection, held, State.CURRENT))
            for held in dict.fromkeys(agent.bindings.values())
        ]
    found: list[Present] = []
    for name, version in bound:
        if version is None:
            continue
        try:
            seen = kind.attest(delivery(opened, agent, version, forced=False))
        except AgentError as error:
            seen = Attestation(holding=Holding.OTHER, method=error.message)
        found.append(Present(credential=name, version=version, seen=seen))
    return tuple(found)


def _open(opened: OpenVault, agent: AgentRecord, ref: VersionRef, purpose: str) -> Secret:
    with opened.database.write() as connection:
        _, secret = resolve(
            connection,
            opened.vault,
            opened.ledger,
            agent,
            ref.credential_id,
            purpose=purpose,
            number=ref.number,
        )
    return secret


def _beside(opened: OpenVault, agent: AgentRecord, version: Version) -> Mapping[str, Half]:
    with opened.database.read() as connection:
        return halves_for(connection, agent, version)


def _is_value(opened: OpenVault, version: Version, raw: bytes) -> bool:
    seen = opened.fingerprinter.of_bytes(raw)
    if seen == version.fingerprint:
        return True
    with opened.database.read() as connection:
        return opened.ring.same(connection, seen, version.fingerprint)


def _open_admin(opened: OpenVault, agent: AgentRecord, purpose: str) -> Secret:
    """Open what administers the place where an agent takes its keys from; written to the ledger."""
    with opened.database.write() as connection:
        known = store.credential_named(connection, agent.settings.get("admin", ""))
        current = store.version_in(connection, known.id, State.CURRENT)
        if not known.is_admin or current is None:
            msg = f"{known.name!r} is no administering credential with a value"
            raise AgentError(msg, hint=f"keysweep keys add {known.name} --admin-key")
        opened.ledger.append(
            connection,
            actor="engine",
            action="key.resolved",
            subject=known.name,
            detail={"version": current.ref.number, "purpose": purpose, "agent": agent.name},
        )
        return opened.vault.open_version(connection, current.ref)
