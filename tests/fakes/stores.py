"""A store with the credentials of the demo, for tests that work on the vendors' simulators and a real PostgreSQL."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

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
from tests.fakes import classes
from tests.fakes.vendors import OWNER, Vendors

PROJECT = "proj_test"
NAMES = {"openai": "orders-openai", "anthropic": "support-claude", "postgresql": "mcp-orders-db"}
VARIABLES = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY", "postgresql": "DATABASE_URL"}
AGENTS = {"openai": "orders", "anthropic": "support", "postgresql": "mcp-postgres"}
for _name in classes.KINDS:
    NAMES[_name], VARIABLES[_name], AGENTS[_name] = f"{_name}-key", f"{_name.upper()}_KEY", f"{_name}-agent"
_WITH_STANDBY = frozenset({"anthropic", "fake_standby", "fake_manual"})


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

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to use the store."""
        return {"KEYSWEEP_CONFIG": str(self.folder / "keysweep.toml"), "NO_COLOR": "1"}

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
        if kind != "postgresql":
            return self.vendors.accepts(kind, value)
        try:
            psycopg.connect(value, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
            return False
        return True


def build_world(
    folder: Path,
    vendors: Vendors,
    *,
    kinds: tuple[str, ...] = ("openai", "anthropic"),
    postgres: Server | None = None,
    rotation: Mapping[str, float] | None = None,
    standby: bool = True,
) -> World:
    """Make a store with the credentials of *kinds*, each with its agent and its administering credential."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_settings(folder, vendors, rotation or {})
    planted: dict[str, str] = {}
    ids: dict[str, str] = {}
    entries: list[Entry] = []
    for kind in kinds:
        key_id: str | None = None
        if kind == "postgresql":
            assert postgres is not None
            planted[kind], planted[f"{kind} admin"] = (
                postgres.add_role(f"agent_{secrets.token_hex(4)}"),
                postgres.admin_uri,
            )
        else:
            made = vendors.seed(kind, AGENTS[kind])
            planted[kind], planted[f"{kind} admin"] = made.value, vendors.seed(kind, "admin", admin=True).value
            key_id = ids[kind] = made.id
        entries.append(_entry(kind, planted[kind], provider_key_id=key_id, agent=AGENTS[kind]))
        entries.append(
            Entry(name=f"{kind}-admin", provider=kind, value=Secret(planted[f"{kind} admin"]), is_admin=True)
        )
        if kind in _WITH_STANDBY and standby:
            spare = vendors.seed(kind, "standby", status="active" if kind == "fake_manual" else "inactive")
            planted["standby"], ids["standby"] = spare.value, spare.id
            entries.append(_entry(kind, spare.value, provider_key_id=spare.id, state=State.STANDBY))
    world = World(folder=folder, vendors=vendors, postgres=postgres, planted=planted, ids=ids)
    initialise(world.settings)
    with world.open() as opened:
        for _ in import_entries(opened, list(enumerate(entries, 1)), actor="cli:test"):
            pass
    return world


def _entry(kind: str, value: str, **more: object) -> Entry:
    return Entry(name=NAMES[kind], provider=kind, value=Secret(value), **more)  # type: ignore[arg-type]


def _write_settings(folder: Path, vendors: Vendors, rotation: Mapping[str, float]) -> None:
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
        "[rotation]",
        *(f"{name} = {value}" for name, value in rotation.items()),
    ]
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    with contextlib.suppress(FileExistsError):
        (folder / "store").mkdir(mode=0o700)
