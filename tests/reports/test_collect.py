"""The evidence is what the store held at the freeze: later changes are not seen, earlier ones are not lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.reports.collect import collect
from keysweep.reports.evidence import Evidence
from keysweep.rotation import provider_lists
from keysweep.rotation.credential import State, VersionRef
from keysweep.rotation.inventory import Entry, import_entries, replace_value
from keysweep.rotation.listers import ListedKey
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from keysweep.scanner.known import MatchKind
from tests.reports.making import FREEZE, POLICY, START


class Calendar:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def calendar() -> Calendar:
    return Calendar()


@pytest.fixture
def opened(tmp_path: Path, calendar: Calendar) -> Iterator[OpenVault]:
    settings = Settings(store=str(tmp_path / "store.db"), key_file=tmp_path / "store.key")
    initialise(settings, clock=calendar)
    vault = unlock(settings, clock=calendar)
    yield vault
    vault.close()


def add(opened: OpenVault, name: str, at: datetime, **more: object) -> None:
    """Store a credential that was issued at a moment."""
    entry = Entry(name=name, provider="custom", value=Secret(f"value-of-{name}"), created_at=at, **more)  # type: ignore[arg-type]
    list(import_entries(opened, [(1, entry)], actor="test"))


def ref(opened: OpenVault, name: str, number: int) -> VersionRef:
    with opened.database.read() as connection:
        return VersionRef(credential_id=store.credential_named(connection, name).id, number=number)


def seen(opened: OpenVault, *, start: datetime = START, end: datetime = FREEZE) -> Evidence:
    with opened.database.read() as connection:
        return collect(connection, POLICY, start=start, end=end)


def leak(opened: OpenVault, name: str, at: datetime, match: MatchKind = MatchKind.EXACT) -> None:
    """Record that a scan saw version 1 of a credential."""
    row = {"rule": "stored-credential", "provider": "", "severity": "critical", "confidence": "verified"}
    with opened.database.write() as connection:
        connection.execute(
            insert(tables.finding).values(
                id=f"f-{name}", fingerprint=b"\x01" * 32, prefix="", length=9, credential=name, number=1, match=match.value,
                certainty=1.0, first_seen=to_text(at), last_seen=to_text(at), **row,
            )
        )  # fmt: skip


def test_the_id_of_a_key_is_no_exposure_of_it(opened: OpenVault) -> None:
    """Seen in a log, it starts no clock; the key itself does."""
    for name, match in (("named", MatchKind.KEY_ID), ("leaked", MatchKind.EXACT)):
        add(opened, name, START)
        leak(opened, name, START, match)
    assert [exposure.credential for exposure in seen(opened).exposures] == ["leaked"]


def test_an_empty_store_gives_empty_evidence(opened: OpenVault) -> None:
    """Nothing is invented; the ledger's first entry is there."""
    of = seen(opened)
    assert (of.keys, of.uses, of.rotations, of.exposures, of.scans) == ((), (), (), (), ())
    assert of.ledger_seq == 1
    assert of.oldest_entry == datetime(2026, 1, 1, tzinfo=UTC)


def test_age_counts_whole_days_from_the_issue_to_the_freeze(opened: OpenVault) -> None:
    """23 hours and 59 minutes are no day."""
    add(opened, "old", FREEZE - timedelta(days=91))
    add(opened, "nearly", FREEZE - timedelta(days=91) + timedelta(seconds=1))
    assert {k.name: (k.age_days, k.overdue) for k in seen(opened).keys} == {"old": (91, True), "nearly": (90, False)}


def test_a_credential_issued_after_the_freeze_is_not_in_the_population(opened: OpenVault) -> None:
    """The population is that of the period's end, whenever the report is run."""
    add(opened, "before", FREEZE)
    add(opened, "after", FREEZE + timedelta(seconds=1))
    assert [k.name for k in seen(opened).keys] == ["before"]


def test_a_replacement_after_the_freeze_does_not_make_a_key_young(opened: OpenVault, calendar: Calendar) -> None:
    """At the freeze the old value was in use, and overdue."""
    add(opened, "orders", FREEZE - timedelta(days=120))
    calendar.now = FREEZE + timedelta(days=5)
    replace_value(opened, "orders", Secret("the-second-value"), key_id=None, standby=False, actor="test")
    (key,) = seen(opened).keys
    assert (key.version, key.age_days, key.overdue) == (1, 120, True)
    (now,) = seen(opened, end=FREEZE + timedelta(days=6)).keys
    assert (now.version, now.age_days, now.overdue) == (2, 1, False)


def test_each_value_has_the_time_in_which_it_was_the_one_in_use(opened: OpenVault, calendar: Calendar) -> None:
    """The spell of the first ends when the second begins; a standby was never in use."""
    add(opened, "orders", FREEZE - timedelta(days=170))
    calendar.now = FREEZE - timedelta(days=10)
    replace_value(opened, "orders", Secret("the-second-value"), key_id=None, standby=False, actor="test")
    replace_value(opened, "orders", Secret("a-spare-value"), key_id=None, standby=True, actor="test")
    of = seen(opened)
    assert [(u.version, u.since, u.until) for u in of.uses] == [
        (1, FREEZE - timedelta(days=170), FREEZE - timedelta(days=10)),
        (2, FREEZE - timedelta(days=10), None),
    ]
    assert [u.version for u in of.spells] == [1]
    assert not of.overdue


def test_a_value_replaced_before_the_period_is_not_reported(opened: OpenVault, calendar: Calendar) -> None:
    """The period begins with what was in use at its first moment."""
    add(opened, "orders", START - timedelta(days=200))
    calendar.now = START - timedelta(days=1)
    replace_value(opened, "orders", Secret("the-second-value"), key_id=None, standby=False, actor="test")
    assert [u.version for u in seen(opened).uses] == [2]


def test_a_credential_whose_value_died_without_another_is_not_in_use(opened: OpenVault) -> None:
    """It stays in the population, without an age to test."""
    add(opened, "gone", FREEZE - timedelta(days=200))
    died = FREEZE - timedelta(days=50)
    with opened.database.write() as connection:
        store.change_version(connection, ref(opened, "gone", 1), State.RETIRED, dead_at=died)
    (key,) = seen(opened).keys
    assert (key.version, key.overdue) == (None, False)
    assert [u.until for u in seen(opened).uses] == [died]


@pytest.mark.parametrize(
    ("dead_after_days", "seconds"),
    [
        pytest.param(None, None, id="never died: alive"),
        pytest.param(1, 86400.0, id="died in the period"),
        pytest.param(100, None, id="died after the freeze: alive at the freeze"),
    ],
)
def test_a_leak_has_the_fate_that_it_had_at_the_freeze(
    opened: OpenVault, dead_after_days: int | None, seconds: float | None
) -> None:
    """Whether it died later is for the next report."""
    at = FREEZE - timedelta(days=20)
    add(opened, "orders", FREEZE - timedelta(days=40))
    leak(opened, "orders", at)
    if dead_after_days is not None:
        with opened.database.write() as connection:
            store.change_version(
                connection, ref(opened, "orders", 1), State.RETIRED, dead_at=at + timedelta(days=dead_after_days)
            )
    (of,) = seen(opened).exposures
    assert of.seconds == seconds


def test_a_leak_that_ended_before_the_period_belongs_to_an_earlier_report(opened: OpenVault) -> None:
    """One that was still alive at the period's first moment belongs to this one."""
    for name, died in (("earlier", START - timedelta(days=1)), ("into-it", START + timedelta(days=1))):
        add(opened, name, START - timedelta(days=40))
        leak(opened, name, START - timedelta(days=20))
        with opened.database.write() as connection:
            store.change_version(connection, ref(opened, name, 1), State.RETIRED, dead_at=died)
    assert [e.credential for e in seen(opened).exposures] == ["into-it"]


def test_only_the_ledger_entries_of_the_period_are_counted(opened: OpenVault, calendar: Calendar) -> None:
    """Both ends included."""
    for moment in (START - timedelta(seconds=1), START, FREEZE, FREEZE + timedelta(seconds=1)):
        calendar.now = moment
        with opened.database.write() as connection:
            opened.ledger.append(connection, actor="test", action="key.resolved", subject="orders")
    assert seen(opened).events == {"key.resolved": 2}


def test_a_rotation_is_seen_as_far_as_it_was_at_the_freeze(opened: OpenVault) -> None:
    """Steps and outcome of a later moment belong to the next report."""
    add(opened, "orders", FREEZE - timedelta(days=10))
    with opened.database.write() as connection:
        owner = ref(opened, "orders", 1).credential_id
        connection.execute(
            insert(tables.rotation).values(
                id="r-1", credential_id=owner, old_number=1, new_number=None, mode="forced", steps="[]", reason="",
                tag="t", started_at=to_text(FREEZE - timedelta(seconds=1)),
                finished_at=to_text(FREEZE + timedelta(seconds=1)), outcome="done",
            )
        )  # fmt: skip
        for seq, (step, at) in enumerate((("mint", FREEZE), ("prove-dead", FREEZE + timedelta(seconds=1))), 1):
            connection.execute(
                insert(tables.journal).values(
                    rotation_id="r-1", seq=seq, step=step, attempt=1, phase="outcome", result="ok", detail="{}", fence=1,
                    at=to_text(at),
                )
            )  # fmt: skip
    (early,) = seen(opened).rotations
    assert (early.outcome, early.at_ms("mint"), early.at_ms("prove-dead")) == ("running", 1000, None)
    (late,) = seen(opened, end=FREEZE + timedelta(seconds=2)).rotations
    assert (late.outcome, late.at_ms("prove-dead")) == ("done", 2000)


def read_list(opened: OpenVault, at: datetime, *keys: str, failure: str | None = None) -> None:
    """Record that the provider listed these keys, none of them stored."""
    with opened.database.write() as connection:
        run = at.isoformat()
        numbers = {"listed": len(keys), "stored": 0, "matched": 0, "unknown": len(keys), "gone": 0, "drifted": 0}
        provider_lists.add_run(
            connection, run=run, provider="openai", account="boss", started_at=at, finished_at=at,
            method="m", failure=failure, numbers=numbers,
        )  # fmt: skip
        listed = [ListedKey(key_id=key, name=key, active=True) for key in keys]
        provider_lists.keep(connection, listed, {}, run=run, provider="openai", account="boss", at=at)


def test_the_newest_list_before_the_freeze_counts_and_a_later_failure_is_told(opened: OpenVault) -> None:
    """Keys that left the list since the one before are not of it."""
    read_list(opened, FREEZE - timedelta(days=9), "k1", "k2")
    read_list(opened, FREEZE - timedelta(days=5), "k2", "k3")
    read_list(opened, FREEZE - timedelta(days=1), failure="the provider answered 403")
    (one,) = seen(opened).lists
    assert (one.read_at, one.failed_at) == (FREEZE - timedelta(days=5), FREEZE - timedelta(days=1))
    assert ([key.key_id for key in one.keys], one.whole, one.failure) == (
        ["k2", "k3"],
        True,
        "the provider answered 403",
    )


def test_a_list_read_after_the_freeze_is_not_seen_and_takes_the_names_along(opened: OpenVault) -> None:
    """The numbers of the freeze stand; the names are those of the later list, and are not passed off as its own."""
    read_list(opened, FREEZE - timedelta(days=9), "k1", "k2")
    read_list(opened, FREEZE + timedelta(days=1), "k1", "k2", "k3")
    (one,) = seen(opened).lists
    assert (one.listed, one.unknown, one.keys, one.whole) == (2, 2, (), False)
