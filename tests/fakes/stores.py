"""A store with the credentials of the demo, for tests that work on the vendors' simulators and a real PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from keysweep.foundation.clock import Clock, system_clock
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings, load_settings
from keysweep.rotation.credential import Credential, State, Version
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import RotationEvent, RotationRecord
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from samples.servers.postgres import Server
from tests.fakes import classes, windows
from tests.fakes.simulated import PROJECT, SIMULATED
from tests.fakes.sites import SERVED, Servers, Site, site
from tests.fakes.vendors import OWNER, Vendors

NAMES = {"openai": "orders-openai", "anthropic": "support-claude", "postgresql": "mcp-orders-db"}
VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "postgresql": "DATABASE_URL"}
AGENTS = {"openai": "orders", "anthropic": "support", "postgresql": "mcp-postgres"}
for _name in {*SIMULATED, *SERVED} - NAMES.keys():
    NAMES[_name], VARIABLES[_name], AGENTS[_name] = f"{_name}-key", f"{_name.upper()}_KEY", f"{_name}-agent"
VARIABLES["aws"] = "AWS_SECRET_ACCESS_KEY"
_WITH_STANDBY = frozenset({"anthropic", "fake_standby", "fake_manual", "stripe"})
_BY_HAND = frozenset({"fake_manual", "stripe"})
"""Their standbys are switched on: nobody can switch one off."""


@dataclass(frozen=True)
class World:
    """A store, and where its keys live."""

    folder: Path
    vendors: Vendors
    postgres: Server | None
    planted: dict[str, str]
    """By kind: the value that leaks; `standby` and the `... admin` ones, too."""
    ids: dict[str, str] = field(default_factory=dict)
    """By kind: the vendor's id of the planted key."""
    sites: dict[str, Site] = field(default_factory=dict)
    """By kind: where its keys live."""
    hurried: bool = False
    """Keys are taken for dead sooner than their vendors say."""

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to use the store."""
        short = {windows.SHORT: ",".join(self.sites)} if self.hurried else {}
        return {"KEYSWEEP_CONFIG": str(self.folder / "keysweep.toml"), "NO_COLOR": "1", **short}

    @property
    def settings(self) -> Settings:
        """The settings of the store."""
        return load_settings(environ=self.environ, directory=self.folder, data_dir=self.folder)

    @contextmanager
    def open(self, clock: Clock = system_clock) -> Iterator[OpenVault]:
        """Unlock the store for the length of a block."""
        opened = unlock(self.settings, clock=clock)
        try:
            yield opened
        finally:
            opened.close()

    def credential(self, kind: str) -> Credential:
        """Return a credential as stored."""
        with self.open() as opened, opened.database.read() as connection:
            return store.credential_named(connection, NAMES[kind])

    def versions(self, kind: str) -> tuple[Version, ...]:
        """Return every version of a credential, oldest first."""
        with self.open() as opened, opened.database.read() as connection:
            return store.versions(connection, store.credential_named(connection, NAMES[kind]).id)

    def current_value(self, kind: str) -> str:
        """Open the current value."""
        with self.open() as opened, opened.database.read() as connection:
            credential = store.credential_named(connection, NAMES[kind])
            current = store.version_in(connection, credential.id, State.CURRENT)
            assert current is not None
            return opened.vault.open_version(connection, current.ref).reveal_text()

    def unfinished(self) -> tuple[RotationRecord, ...]:
        """Return the rotations that did not end."""
        with self.open() as opened, opened.database.read() as connection:
            return journal.unfinished(connection)

    def events(self, rotation_id: str) -> tuple[RotationEvent, ...]:
        """Return the journal of a rotation."""
        with self.open() as opened, opened.database.read() as connection:
            return journal.events(connection, rotation_id)

    def actions(self) -> list[str]:
        """Return what the ledger says was done, in order."""
        from keysweep.foundation.ledger.chain import entries

        with self.open() as opened, opened.database.read() as connection:
            return [entry.action for entry in entries(connection)]

    def accepts(self, kind: str, value: str) -> bool:
        """Ask the provider itself, as an agent would."""
        return self.sites[kind].accepts(value)


def build_world(
    folder: Path,
    vendors: Vendors,
    *,
    kinds: tuple[str, ...] = ("openai", "anthropic"),
    postgres: Server | None = None,
    rotation: Mapping[str, float] | None = None,
    standby: bool = True,
    servers: Servers | None = None,
    hurried: bool = False,
    administered: bool = True,
) -> World:
    """Make a store with the credentials of *kinds*, each with its agent and its administering credential.

    Args:
        folder: for the store.
        vendors: the simulators.
        kinds: adapters, by name.
        postgres: the server of `postgresql`.
        rotation: settings of that name.
        standby: seal one, for a kind that needs it.
        servers: all that run, in place of *postgres*.
        hurried: let the windows of the vendors be short.
        administered: the administering credentials are stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sites = {kind: site(kind, vendors, servers or Servers(postgresql=postgres)) for kind in kinds}
    _write_settings(folder, vendors, rotation or {}, sites)
    planted: dict[str, str] = {}
    ids: dict[str, str] = {}
    entries: list[Entry] = []
    for kind in kinds:
        made, admin = sites[kind].plant(AGENTS[kind]), sites[kind].administrator() if administered else None
        planted[kind], ids[kind] = made.value, made.id
        told = kind in SERVED or SIMULATED[kind].told
        entries.append(
            _entry(
                kind,
                made.value,
                provider_key_id=made.id or None if told else None,
                agent=AGENTS[kind],
                variable=VARIABLES[kind],
            )
        )
        if admin is not None:
            planted[f"{kind} admin"] = admin.value
            entries.append(
                Entry(
                    name=f"{kind}-admin",
                    provider=kind,
                    value=Secret(admin.value),
                    is_admin=True,
                    provider_key_id=admin.id or None,
                )
            )
        if kind in _WITH_STANDBY and standby:
            spare = vendors.seed(kind, "standby", status="active" if kind in _BY_HAND else "inactive")
            planted["standby"], ids["standby"] = spare.value, spare.id
            entries.append(_entry(kind, spare.value, provider_key_id=spare.id, state=State.STANDBY))
    world = World(
        folder=folder, vendors=vendors, postgres=postgres, planted=planted, ids=ids, sites=sites, hurried=hurried
    )
    initialise(world.settings)
    with world.open() as opened:
        for _ in import_entries(opened, list(enumerate(entries, 1)), actor="cli:test"):
            pass
    return world


def _entry(kind: str, value: str, **more: object) -> Entry:
    return Entry(name=NAMES[kind], provider=kind, value=Secret(value), **more)  # type: ignore[arg-type]


def _write_settings(folder: Path, vendors: Vendors, rotation: Mapping[str, float], sites: Mapping[str, Site]) -> None:
    lines = [
        'store = "store/keysweep.db"',
        'key_file = "store/keysweep.key"',
        "[providers.openai]",
        f'base_url = "{vendors.url}"',
        f'project_id = "{PROJECT}"',
        f'service_account_id = "{OWNER}"',
        "[providers.anthropic]",
        f'base_url = "{vendors.url}"',
        *(f'[providers.{kind}]\nbase_url = "{vendors.url}/{kind}"' for kind in classes.KINDS),
        *(
            "\n".join([f"[providers.{kind}]", *(f'{name} = "{said}"' for name, said in place.settings.items())])
            for kind, place in sites.items()
            if kind not in {"openai", "anthropic", *classes.KINDS}
        ),
        "[rotation]",
        *(f"{name} = {value}" for name, value in rotation.items()),
    ]
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    with contextlib.suppress(FileExistsError):
        (folder / "store").mkdir(mode=0o700)
