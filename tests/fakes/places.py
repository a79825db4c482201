"""Where agents take their keys from, for tests: one agent of some kind that has the OpenAI credential of a world, and whole rotations of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from keysweep.foundation.clock import system_clock
from keysweep.foundation.ledger.chain import entries
from keysweep.foundation.ledger.entry import Entry as LedgerEntry
from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog, instances
from keysweep.rotation.agents import Delivery
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode
from keysweep.rotation.entry import Entry
from keysweep.rotation.inventory import import_entries
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.stores import NAMES, World

PLACE = "place"
VARIABLE = "OPENAI_API_KEY"
RESOLVER = [sys.executable, "-m", "keysweep", "resolve", "--agent", PLACE]


@dataclass(frozen=True)
class Place:
    """One agent of a kind under test; it alone has the credential."""

    world: World
    kind: str

    @property
    def resolver(self) -> list[str]:
        """What an agent runs that asks for its keys."""
        return [*RESOLVER, "--format", "openclaw"]

    def rotate(self, *, forced: bool = False, timer: Timer | None = None) -> Report:
        """Replace the credential's value."""
        mode = Mode.FORCED if forced else Mode.PLANNED
        with self.world.open() as opened:
            return rotate(opened, Request(credential=NAMES["openai"], mode=mode, reason="a test"), timer=timer)

    def delivery(self, opened: OpenVault, value: str | None = None, **more: object) -> Delivery:
        """Return what the engine would hand to the kind for the current version."""
        version = self.world.versions("openai")[-1]
        with opened.database.read() as connection:
            record = instances.agent_named(connection, PLACE)
        given: dict[str, object] = {
            "database": opened.database,
            "agent": PLACE,
            "settings": record.settings,
            "version": version.ref,
            "fingerprint": version.fingerprint,
            "forced": False,
            "variables": (VARIABLE,),
            "open": lambda _purpose: Secret(value or self.world.current_value("openai")),
            **more,
        }
        return Delivery(**given)  # type: ignore[arg-type]

    def said(self, action: str) -> list[LedgerEntry]:
        """Return the entries of the ledger about something that was done."""
        with self.world.open() as opened, opened.database.read() as connection:
            return [entry for entry in entries(connection) if entry.action == action]


def place(world: World, kind: str, settings: Mapping[str, str] | None = None, *, admin: str | None = None) -> Place:
    """Let one agent of *kind* have the credential, in place of those that had it.

    Args:
        world: with an OpenAI credential.
        kind: of the agent.
        settings: as `keysweep agents add --set` takes them.
        admin: value of the administering credential `place-admin`, which the settings may name.
    """
    chosen = agent_catalog.settings(kind, [f"{name}={value}" for name, value in (settings or {}).items()])
    with world.open() as opened:
        if admin is not None:
            added = Entry(name="place-admin", provider="custom", value=Secret(admin), is_admin=True)
            for _ in import_entries(opened, [(1, added)], actor="cli:test"):
                pass
        with opened.database.write() as connection:
            credential = store.credential_named(connection, NAMES["openai"])
            instances.unbind_all(connection, credential.id)
            instances.add_agent(connection, PLACE, kind, chosen, system_clock())
            instances.bind(connection, PLACE, VARIABLE, credential.id)
    return Place(world=world, kind=kind)
