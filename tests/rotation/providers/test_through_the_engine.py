"""Whole rotations by the real engine on simulated vendors, in simulated time: from a stored value to the proof that it is dead."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings, load_settings
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State, Version
from keysweep.rotation.engine.begin import Request
from keysweep.rotation.engine.report import Report, Timer
from keysweep.rotation.engine.rotate import rotate
from keysweep.rotation.engine.steps import Mode, Outcome, Step
from keysweep.rotation.incident.siblings import with_siblings
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.providers import Account, Liveness
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import initialise, unlock
from samples.simulators import Call, azure_ai, databricks, entra_app, google_service_account, twilio
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Planted, Vendors

__all__ = ["vendors"]

TENANT = {"tenant_id": entra_app.TENANT}
SETTINGS: Mapping[str, Mapping[str, str]] = {
    "azure_ai": {
        **TENANT,
        "subscription_id": azure_ai.SUBSCRIPTION,
        "resource_group": azure_ai.GROUP,
        "account_name": azure_ai.ACCOUNT,
    },
    "databricks": {"application_id": databricks.APPLICATION},
    "datadog": {},
    "entra_app": {**TENANT, "client_id": entra_app.CLIENT},
    "google_api_key": {"project_id": google_service_account.PROJECT},
    "google_service_account": {
        "project_id": google_service_account.PROJECT,
        "service_account": google_service_account.ACCOUNT,
    },
    "twilio": {"account_sid": twilio.ACCOUNT_SID},
}
TOLD = frozenset({"databricks"})
"""Vendors that show nothing of a value: the id of the first key is told by a person."""


@dataclass(frozen=True)
class Stored:
    """A store with one credential of one vendor."""

    folder: Path
    kind: str
    vendors: Vendors
    key: Planted

    def rotate(self, mode: Mode) -> Report:
        """Rotate it, with time that goes by in steps of two minutes whenever the engine waits."""
        minutes = itertools.count(step=0.001)
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += max(seconds, 120.0)

        timer = Timer(monotonic=lambda: now[0] + next(minutes), sleep=sleep)
        opened = unlock(self.settings())
        try:
            return rotate(opened, Request(credential="the-key", mode=mode, reason="test"), timer=timer)
        finally:
            opened.close()

    def versions(self) -> tuple[Version, ...]:
        """Return every version, oldest first."""
        opened = unlock(self.settings())
        try:
            with opened.database.read() as connection:
                return store.versions(connection, store.credential_named(connection, "the-key").id)
        finally:
            opened.close()

    def accepts(self, value: str) -> Liveness:
        """Ask the vendor by the adapter's own probe."""
        return provider_catalog.get(self.kind).probe(account(self.kind, self.vendors), Secret(value)).liveness

    def live(self) -> set[str]:
        """Return the ids of the live keys."""
        live = self.vendors.live(self.kind)
        return live & {version.provider_key_id for version in self.versions()} if self.kind == "azure_ai" else live

    def settings(self) -> Settings:
        return load_settings(
            environ={"KEYSWEEP_CONFIG": str(self.folder / "keysweep.toml")}, directory=self.folder, data_dir=self.folder
        )


def account(kind: str, vendors: Vendors) -> Account:
    """Return an account at a vendor."""
    settings = {"base_url": f"{vendors.url}/{kind}", **SETTINGS[kind]}
    return Account(credential="the-key", settings=settings, admin=Secret(vendors.seed(kind, "admin", admin=True).value))


def stored(folder: Path, kind: str, vendors: Vendors) -> Stored:
    """Make a store whose one key was minted in the vendor's console."""
    settings = {"base_url": f"{vendors.url}/{kind}", **SETTINGS[kind]}
    lines = [
        'store = "keysweep.db"',
        'key_file = "keysweep.key"',
        f"[providers.{kind}]",
        *(f'{name} = "{value}"' for name, value in settings.items()),
        "[rotation]",
        "deadline_s = 7200",
        "revoke_after_s = 3600",
    ]
    (folder / "keysweep.toml").write_text("\n".join(lines) + "\n")
    admin, key = vendors.seed(kind, "admin", admin=True), vendors.seed(kind, "agent")
    made = Stored(folder=folder, kind=kind, vendors=vendors, key=key)
    entries = [
        Entry(name="the-key", provider=kind, value=Secret(key.value), provider_key_id=key.id if kind in TOLD else None),
        Entry(name="the-admin", provider=kind, value=Secret(admin.value), is_admin=True),
    ]
    ours = made.settings()
    initialise(ours)
    opened = unlock(ours)
    try:
        for _ in import_entries(opened, list(enumerate(entries, 1)), actor="cli:test"):
            pass
    finally:
        opened.close()
    return made


@pytest.mark.parametrize(
    ("kind", "mode"), [*((kind, Mode.FORCED) for kind in sorted(SETTINGS)), ("azure_ai", Mode.PLANNED)]
)
def test_one_key_is_left_and_the_old_one_is_dead(kind: str, mode: Mode, vendors: Vendors, tmp_path: Path) -> None:
    """Whatever the vendor's class, and even if nobody told the id of the stored key where its vendor tells it."""
    world = stored(tmp_path, kind, vendors)
    report = world.rotate(mode)
    assert (report.outcome, report.failure) == (Outcome.DONE, None)
    old, new = world.versions()
    assert (old.state, new.state) == (State.RETIRED, State.CURRENT)
    assert old.provider_key_id == world.key.id
    assert world.accepts(world.key.value) is Liveness.DEAD
    assert {new.provider_key_id} <= world.live()
    if kind != "azure_ai":
        assert world.live() == {new.provider_key_id}
    contained = mode is Mode.FORCED and provider_catalog.get(kind).facts.disable_reversible
    assert any(event.step is Step.CONTAIN for event in report.events) is contained


@pytest.mark.parametrize(
    ("kind", "path", "keys"),
    [
        pytest.param("azure_ai", "/regenerateKey", 0, id="the slot is made anew once more"),
        pytest.param("google_api_key", "/keys", 2, id="the value is read back"),
        pytest.param("google_service_account", "/keys", 3, id="a key without a name is told by the list from before"),
    ],
)
def test_a_lost_answer_to_minting_leaves_no_orphan(
    kind: str, path: str, keys: int, vendors: Vendors, tmp_path: Path
) -> None:
    """Each vendor's own way; those whose keys have names are met elsewhere."""
    world = stored(tmp_path, kind, vendors)
    vendors.fault(kind, "lose-answer", path=path)
    assert world.rotate(Mode.FORCED).outcome is Outcome.DONE
    (new,) = [version for version in world.versions() if version.state is State.CURRENT]
    if keys:
        assert world.live() == {new.provider_key_id}
        assert len(vendors.keys(kind)) == keys
    assert world.accepts(world.key.value) is Liveness.DEAD


def test_a_strangers_key_without_a_name_outlives_a_rotation_that_is_rolled_back(
    vendors: Vendors, tmp_path: Path
) -> None:
    """Keys that were not there before are not ours for that alone: somebody else may mint on the same account meanwhile."""
    world = stored(tmp_path, "google_service_account", vendors)
    minted: list[str] = []
    strangers: list[str] = []

    def meanwhile(call: Call) -> None:
        if minted and not strangers:
            strangers.append(vendors.seed("google_service_account", "somebody's").id)
            for key in vendors.keys("google_service_account"):
                if key.id not in {world.key.id, *strangers}:
                    key.status = "deleted"  # so that the new key is not accepted
        if call.method == "POST" and call.path.endswith("/keys"):
            minted.append(call.path)

    vendors.watch(meanwhile)
    assert world.rotate(Mode.PLANNED).outcome is Outcome.ROLLED_BACK
    assert world.live() == {world.key.id, *strangers}


@pytest.mark.parametrize("kind", sorted(SETTINGS.keys() - {"azure_ai"}))
def test_a_list_tells_when_a_key_was_made(kind: str, vendors: Vendors) -> None:
    """So that a key which appeared since a leak is told from one that was there; Azure's slots have no age."""
    vendors.seed(kind, "agent")
    vendors.keys(kind)[0].created_at = 1_700_000_000
    find = provider_catalog.get(kind).find
    assert find is not None
    (listed,) = find(account(kind, vendors))
    assert listed.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_a_key_from_before_the_leak_is_no_news(vendors: Vendors, tmp_path: Path) -> None:
    """Of two strangers beside a leaked key, the one that appeared since is named."""
    world = stored(tmp_path, "datadog", vendors)
    there = vendors.seed("datadog", "somebody's").id
    next(key for key in vendors.keys("datadog") if key.id == there).created_at = 1_700_000_000
    since = vendors.seed("datadog", "backdoor").id
    next(key for key in vendors.keys("datadog") if key.id == since).created_at += 60
    report = world.rotate(Mode.FORCED)
    opened = unlock(world.settings())
    try:
        (named,) = with_siblings(opened, report).unknown
    finally:
        opened.close()
    assert named.startswith(f"{since}, made 20")


def test_the_compromised_key_makes_room_where_ten_are_all(vendors: Vendors, tmp_path: Path) -> None:
    """A full service account: the leaked key goes first, nobody else's does."""
    world = stored(tmp_path, "google_service_account", vendors)
    others = {vendors.seed("google_service_account", "somebody's").id for _ in range(9)}
    report = world.rotate(Mode.FORCED)
    assert report.outcome is Outcome.DONE
    (new,) = [version for version in world.versions() if version.state is State.CURRENT]
    assert world.live() == {*others, new.provider_key_id}
