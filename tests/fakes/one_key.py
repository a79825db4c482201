"""One credential of one simulated vendor, rotated by the real engine: for tests of adapters that care what the engine makes of them.

Nobody sleeps: waiting moves the clock, by a second at least.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import load_settings
from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Timer
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from tests.fakes.vendors import Planted, Vendors

NAME, ADMIN = "one-key", "its-admin"


@dataclass(frozen=True)
class Rotated:
    """How it ended."""

    outcome: Outcome
    failure: str
    value: str
    """The current value."""
    admin: str
    """The current value of the administering credential."""
    versions: tuple[Version, ...]


def rotated(
    folder: Path,
    vendors: Vendors,
    provider: str,
    key: Planted,
    *,
    mode: Mode,
    settings: Mapping[str, str] | None = None,
    admin: str | None = None,
    standby: Planted | None = None,
    itself: bool = False,
    known_id: bool = False,
    deadline_s: float = 60.0,
) -> Rotated:
    """Store *key*, rotate it once, and return how that ended.

    Args:
        folder: for the store.
        vendors: the simulators.
        provider: name of the adapter, and of the simulator.
        key: the one that goes; unless *known_id*, its id is not stored, so that PREPARE learns it.
        mode: planned or forced.
        settings: of the provider, beside `base_url`.
        admin: value of the administering key; None for a new one.
        standby: a sealed spare.
        itself: the key administers itself, and nothing else is stored.
        known_id: a person has told the key's id, at a vendor that shows nothing of a value.
        deadline_s: how long the rotation may take, of time that only passes where the engine waits.
    """
    of_provider = {"base_url": f"{vendors.url}/{provider}", **(settings or {})}
    lines = [
        'store = "store/keysweep.db"',
        'key_file = "store/keysweep.key"',
        f"[providers.{provider}]",
        *(f"{name} = {json.dumps(value)}" for name, value in of_provider.items()),
        "[rotation]",
        f"deadline_s = {deadline_s}",
        "revoke_after_s = 30.0",
        "settle_s = 0.0",
    ]
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    (folder / "store").mkdir(mode=0o700)
    environ = {"KEYSWEEP_CONFIG": str(folder / "keysweep.toml")}
    kept = load_settings(environ=environ, directory=folder, data_dir=folder)
    initialise(kept)
    opened = unlock(kept)
    try:
        own = Entry(
            name=NAME,
            provider=provider,
            value=Secret(key.value),
            provider_key_id=key.id if known_id else None,
            is_admin=itself,
            admin=None if itself else ADMIN,
        )
        entries = [own]
        if not itself:
            administers = admin or vendors.seed(provider, "admin", admin=True).value
            entries.insert(0, Entry(name=ADMIN, provider=provider, value=Secret(administers), is_admin=True))
        if standby is not None:
            entries.append(Entry(name=NAME, provider=provider, value=Secret(standby.value), state=State.STANDBY))
        assert all(import_entries(opened, list(enumerate(entries, 1)), actor="cli:test"))
        return _rotate(opened, mode, NAME if itself else ADMIN)
    finally:
        opened.close()


def _rotate(opened: OpenVault, mode: Mode, administers: str) -> Rotated:
    slept = 0.0

    def sleep(seconds: float) -> None:
        nonlocal slept
        slept += max(seconds, 1.0)

    timer = Timer(monotonic=lambda: time.monotonic() + slept, sleep=sleep)
    report = rotate(opened, Request(credential=NAME, mode=mode, reason="test"), timer=timer)
    with opened.database.read() as connection:
        held: dict[str, tuple[str, tuple[Version, ...]]] = {}
        for name in (NAME, administers):
            versions = store.versions(connection, store.credential_named(connection, name).id)
            current = next(version for version in versions if version.state is State.CURRENT)
            held[name] = opened.vault.open_version(connection, current.ref).reveal_text(), versions
    return Rotated(
        outcome=report.outcome,
        failure=report.failure.message if report.failure else "",
        value=held[NAME][0],
        admin=held[administers][0],
        versions=held[NAME][1],
    )
