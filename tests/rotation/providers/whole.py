"""One whole rotation of one credential at a server that runs here: its agent under the supervisor, kernel and server as witnesses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings, load_settings
from keysweep.rotation import instances
from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine import journal
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from tests.fakes.agents import children, environment, eventually
from tests.fakes.canaries import leaks
from tests.fakes.command_line import command, start

AGENT = "worker"
MODES = [["--yes"], ["--compromised", "--yes"]]


@dataclass(frozen=True)
class Given:
    """What is stored."""

    provider: str
    value: str
    admin: str
    variable: str
    key_id: str | None = None
    admin_id: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Store:
    """A store with one credential, its agent and its administering credential."""

    folder: Path
    given: Given

    @property
    def environ(self) -> dict[str, str]:
        """What a process needs in its environment to use the store."""
        return {"KEYSWEEP_CONFIG": str(self.folder / "keysweep.toml"), "NO_COLOR": "1"}

    @contextmanager
    def open(self) -> Iterator[OpenVault]:
        """Unlock the store for the length of a block."""
        opened = unlock(self._settings(), clock=system_clock)
        try:
            yield opened
        finally:
            opened.close()

    def versions(self) -> tuple[Version, ...]:
        """Return every version of the credential, oldest first."""
        with self.open() as opened, opened.database.read() as connection:
            return store.versions(connection, store.credential_named(connection, "it").id)

    def current_value(self) -> str:
        """Open the current value."""
        with self.open() as opened, opened.database.read() as connection:
            current = store.version_in(connection, store.credential_named(connection, "it").id, State.CURRENT)
            assert current is not None
            return opened.vault.open_version(connection, current.ref).reveal_text()

    def unfinished(self) -> int:
        """Return how many rotations did not end."""
        with self.open() as opened, opened.database.read() as connection:
            return len(journal.unfinished(connection))

    @contextmanager
    def agent(self, *arguments: str) -> Iterator[Callable[[], dict[str, str]]]:
        """Run the agent under the supervisor; yields what returns the environment of its process, as the kernel shows it."""
        process = start(self.environ, self.folder, "run", "--agent", AGENT, "--", *(arguments or ("sleep", "600")))
        try:
            eventually(self._seen, "the agent to hold its key")
            yield lambda: environment(children(process.pid)[0])
        finally:
            process.terminate()
            process.join(20)
            process.close()

    def rotate(self, *arguments: str) -> None:
        """Rotate the credential, and see that it ended well and left no key in a file."""
        ended = command(self.environ, self.folder, "rotate", "it", *arguments)
        assert ended.code == 0, ended.output
        assert [version.state for version in self.versions()] == [State.RETIRED, State.CURRENT]
        assert self.unfinished() == 0
        assert command(self.environ, self.folder, "verify").code == 0
        assert leaks(self.folder, [self.given.value, self.given.admin, self.current_value()]) == []

    def _seen(self) -> bool:
        with self.open() as opened, opened.database.read() as connection:
            running = instances.live_instances(connection, AGENT, system_clock())
            return any(instances.seen(connection, one.id) for one in running)

    def _settings(self) -> Settings:
        return load_settings(environ=self.environ, directory=self.folder, data_dir=self.folder)


def stored(folder: Path, given: Given, *, deadline_s: float = 8.0, settle_s: float = 0.0) -> Store:
    """Make a store that holds what is given."""
    lines = ['store = "store/keysweep.db"', 'key_file = "store/keysweep.key"', f"[providers.{given.provider}]"]
    lines += [f'{name} = "{value}"' for name, value in given.settings.items()]
    lines += [
        "[rotation]",
        f"deadline_s = {deadline_s}",
        f"revoke_after_s = {deadline_s / 2}",
        f"settle_s = {settle_s}",
    ]
    (folder / "store").mkdir(mode=0o700)
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    made = Store(folder=folder, given=given)
    entries = [
        Entry(
            name="it",
            provider=given.provider,
            value=Secret(given.value),
            agent=AGENT,
            variable=given.variable,
            provider_key_id=given.key_id,
        ),
        Entry(
            name="its-admin",
            provider=given.provider,
            value=Secret(given.admin),
            is_admin=True,
            provider_key_id=given.admin_id,
        ),
    ]
    initialise(load_settings(environ=made.environ, directory=folder, data_dir=folder))
    with made.open() as opened:
        assert len(list(import_entries(opened, list(enumerate(entries, 1)), actor="cli:test"))) == 2
    return made
