"""A provider's list and the inventory are compared both ways; a list that is not whole concludes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.rotation import profiles
from keysweep.rotation.amend import retire, set_key_id
from keysweep.rotation.comparison import Verdict
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.reconcile import Reconciliation, accounts, reconcile
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from tests.fakes.fixtures import vendors, world
from tests.fakes.stores import World
from tests.fakes.vendors import Vendors

__all__ = ["vendors", "world"]

HTTP = ("openai", "anthropic", "openrouter")


@contextmanager
def inventory(folder: Path, vendors: Vendors, provider: str) -> Iterator[OpenVault]:
    """A store with the administering key of one vendor and two keys of it: one with its id, one without."""
    settings = Settings(
        store=str(folder / "s.db"), key_file=folder / "s.key", providers={provider: {"base_url": vendors.url}}
    )
    initialise(settings)
    opened = unlock(settings)
    one, two = vendors.seed(provider, "one"), vendors.seed(provider, "two")
    entries = [
        Entry(
            name="admin", provider=provider, value=Secret(vendors.seed(provider, "a", admin=True).value), is_admin=True
        ),
        Entry(
            name="one",
            provider=provider,
            value=Secret(one.value),
            provider_key_id=_listed_id(vendors, provider, one.id),
        ),
        Entry(name="two", provider=provider, value=Secret(two.value)),
    ]
    for _ in import_entries(opened, [(f"line {n}", entry) for n, entry in enumerate(entries)], actor="test"):
        pass
    try:
        yield opened
    finally:
        opened.close()


def _listed_id(vendors: Vendors, provider: str, identifier: str) -> str:
    """OpenRouter shows the hash of a key as its id."""
    if provider != "openrouter":
        return identifier
    return next(key.digest for key in vendors.keys(provider) if key.id == identifier)


def run(opened: OpenVault) -> Reconciliation:
    """Compare the one account there is."""
    (admin,) = accounts(opened, None)
    return reconcile(opened, admin, actor="test")


def said(done: Reconciliation) -> set[tuple[Verdict, str | None]]:
    """Verdicts with what they are about, admin keys left out."""
    return {
        (d.verdict, d.credential or (d.listed.name if d.listed else None))
        for d in done.comparison.differences
        if d.credential != "admin"
    }


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_a_key_without_an_id_is_told_by_what_the_provider_shows_of_it(
    tmp_path: Path, vendors: Vendors, provider: str
) -> None:
    """Its id is said; once it is recorded both sides agree."""
    with inventory(tmp_path, vendors, provider) as opened:
        first = run(opened)
        assert said(first) == {(Verdict.DRIFTED, "two")}
        (drift,) = [d for d in first.comparison.differences if d.credential == "two"]
        assert drift.listed is not None
        set_key_id(opened, "two", drift.listed.key_id, actor="test")
        assert said(run(opened)) == set()


@pytest.mark.parametrize("provider", HTTP)
def test_a_key_that_is_not_stored_is_a_gap(tmp_path: Path, vendors: Vendors, provider: str) -> None:
    """With the provider's name, id and times; one that is switched off there is none."""
    with inventory(tmp_path, vendors, provider) as opened:
        stray = vendors.seed(provider, "stray")
        if provider != "openai":
            vendors.seed(provider, "switched off", status="inactive")
        gaps = [d for d in run(opened).comparison.differences if d.verdict is Verdict.UNKNOWN]
        names = {d.listed.name for d in gaps if d.listed}
        assert "stray" in names
        assert "switched off" not in names
        (gap,) = [d.listed for d in gaps if d.listed and d.listed.name == "stray"]
        assert gap.key_id == _listed_id(vendors, provider, stray.id)
        assert gap.created_at is not None
        assert abs(gap.created_at - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.parametrize("provider", HTTP)
def test_a_stored_key_that_is_gone_there_is_said_and_not_declared_dead(
    tmp_path: Path, vendors: Vendors, provider: str
) -> None:
    """Only a probe is a proof."""
    with inventory(tmp_path, vendors, provider) as opened:
        key = next(key for key in vendors.keys(provider) if key.name == "one")
        key.status = "inactive" if provider == "anthropic" else "deleted"
        assert (Verdict.GONE, "one") in said(run(opened))
        with opened.database.read() as connection:
            (version,) = store.versions(connection, store.credential_named(connection, "one").id)
        assert (version.state.value, version.dead_at) == ("current", None)


def test_a_key_that_is_out_of_use_and_still_accepted_lingers(tmp_path: Path, vendors: Vendors) -> None:
    """Retiring here ends nothing there."""
    with inventory(tmp_path, vendors, "openai") as opened:
        retire(opened, "one", reason="no longer needed", actor="test")
        assert (Verdict.LINGERS, "one") in said(run(opened))


def test_a_key_that_was_renamed_there_has_drifted(tmp_path: Path, vendors: Vendors) -> None:
    """Against the name of the last list."""
    with inventory(tmp_path, vendors, "openai") as opened:
        run(opened)
        next(key for key in vendors.keys("openai") if key.name == "one").name = "uno"
        details = [d.detail for d in run(opened).comparison.differences if d.credential == "one"]
        assert details == ["its name there was 'one' and is 'uno'"]


@pytest.mark.parametrize("fault", ["status", "garbage", "busy"])
@pytest.mark.parametrize("provider", HTTP)
def test_without_a_whole_list_nothing_is_concluded(tmp_path: Path, vendors: Vendors, provider: str, fault: str) -> None:
    """Not one stored key is called gone, and the earlier list stays."""
    with inventory(tmp_path, vendors, provider) as opened:
        run(opened)
        vendors.fault(provider, fault, method="GET", status=500)
        done = run(opened)
        assert done.failure
        assert done.comparison.differences == ()
        with opened.database.read() as connection:
            rows = connection.execute(select(tables.provider_key)).all()
            runs = connection.execute(select(tables.reconciliation.c.failure)).scalars().all()
        assert {row.name for row in rows} >= {"one", "two"}
        assert sorted(map(bool, runs)) == [False, True]


@pytest.mark.parametrize(("provider", "number"), [("openai", 250), ("openrouter", 230), ("anthropic", 1100)])
def test_every_page_is_read(tmp_path: Path, vendors: Vendors, provider: str, number: int) -> None:
    """A list that ends after its first page would call the others gone."""
    with inventory(tmp_path, vendors, provider) as opened:
        for n in range(number):
            vendors.seed(provider, f"k{n}")
        listed = {key.name for key in run(opened).listed if not key.is_admin}
        assert listed == {"one", "two", *(f"k{n}" for n in range(number))}


def test_keys_of_every_workspace_are_listed(tmp_path: Path, vendors: Vendors) -> None:
    """OpenRouter answers for the default workspace only, unless it is asked for the others."""
    from samples.simulators.openrouter import SECOND

    with inventory(tmp_path, vendors, "openrouter") as opened:
        vendors.seed("openrouter", "elsewhere")
        next(key for key in vendors.keys("openrouter") if key.name == "elsewhere").workspace = SECOND
        assert "elsewhere" in {key.name for key in run(opened).listed}


def test_the_last_use_is_taken_from_the_list(tmp_path: Path, vendors: Vendors) -> None:
    """Where the provider says it, and never backwards."""
    with inventory(tmp_path, vendors, "openai") as opened:
        key = next(key for key in vendors.keys("openai") if key.name == "one")
        with opened.database.read() as connection:
            identifier = store.credential_named(connection, "one").id
        for seconds, expected in ((1_790_000_000, 1_790_000_000), (1_780_000_000, 1_790_000_000)):
            key.last_used_at = seconds
            run(opened)
            with opened.database.read() as connection:
                known = profiles.of(connection, identifier)
            assert known.last_used_at == datetime.fromtimestamp(expected, UTC)
            assert known.last_used_by == profiles.PROVIDER


def test_what_was_compared_stands_in_the_ledger_and_holds_no_key(world: World) -> None:
    """Counts, and which account was asked."""
    with world.open() as opened:
        for admin in accounts(opened, None):
            reconcile(opened, admin, actor="test")
        with opened.database.read() as connection:
            text = " ".join(connection.execute(select(tables.ledger.c.body)).scalars())
            text += " ".join(str(row) for row in connection.execute(select(tables.provider_key)))
    assert world.actions().count("inventory.reconciled") == 2
    assert all(value not in text for value in world.planted.values())


def test_several_accounts_do_not_call_each_others_keys_gone(tmp_path: Path, vendors: Vendors) -> None:
    """A credential without a named account is expected only where there is one account."""
    with inventory(tmp_path, vendors, "anthropic") as opened:
        second = Entry(
            name="admin-2",
            provider="anthropic",
            value=Secret(vendors.seed("anthropic", "b", admin=True).value),
            is_admin=True,
        )
        elsewhere = Entry(name="three", provider="anthropic", value=Secret("sk-not-in-this-account-at-all"))
        for _ in import_entries(opened, [("line 1", second), ("line 2", elsewhere)], actor="test"):
            pass
        for admin in accounts(opened, "anthropic"):
            assert not reconcile(opened, admin, actor="test").comparison.count(Verdict.GONE)


def test_who_cannot_be_asked_is_said(world: World) -> None:
    """No lister, or nobody who administers."""
    with world.open() as opened:
        with pytest.raises(UsageError, match="cannot be listed"):
            accounts(opened, "mistral")
        with pytest.raises(UsageError, match="no stored credential administers"):
            accounts(opened, "openrouter")
