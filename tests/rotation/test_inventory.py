"""The inventory takes keys one by one or many at once: all or none, each once, at a cost that does not grow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import event, func, select

from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import State
from keysweep.rotation.inventory import (
    Effect,
    Entry,
    ImportRowError,
    default_variable,
    import_entries,
    replace_value,
)
from keysweep.rotation.listing import listing
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.engines import NOON, engine_server, opened, opened_sqlite, store_url

__all__ = ["engine_server", "opened", "opened_sqlite", "store_url"]


def entry(name: str, value: str = "a value that no rule knows", **more: object) -> Entry:
    """A key to store."""
    return Entry(name=name, provider="free text", value=Secret(value), **more)  # type: ignore[arg-type]


def put(vault: OpenVault, *entries: Entry | ImportRowError, partial: bool = False) -> list[Effect | str]:
    """Import entries; what happened, or what was said of a bad one."""
    answers = import_entries(vault, enumerate(entries, start=1), actor="test", partial=partial)
    return [effect if isinstance(effect, Effect) else effect.message for _, _, effect in answers]


def names(vault: OpenVault) -> list[str]:
    """Of all credentials."""
    with vault.database.read() as connection:
        return [credential.name for credential in store.credentials(connection)]


def test_importing_the_same_again_changes_nothing(opened: OpenVault) -> None:
    """A file can be imported every night."""
    assert put(opened, entry("a", "1"), entry("b", "2")) == [Effect.ADDED, Effect.ADDED]
    with opened.database.read() as connection:
        before = connection.execute(select(func.count()).select_from(tables.ledger)).scalar()
    assert put(opened, entry("a", "1"), entry("b", "2")) == [Effect.UNCHANGED, Effect.UNCHANGED]
    with opened.database.read() as connection:
        assert before == connection.execute(select(func.count()).select_from(tables.ledger)).scalar()


BAD = [
    pytest.param(entry("bad name"), "a name has letters", id="a name with a space"),
    pytest.param(entry("-rf"), "a name has letters", id="a name that looks like an option"),
    pytest.param(entry("x" * 129), "a name has letters", id="a name without end"),
    pytest.param(entry("bell\x07"), "a name has letters", id="a name with a control character"),
    pytest.param(entry("empty", ""), "the value is empty", id="an empty value"),
    pytest.param(entry("first", "another value"), "stored with another value", id="a name that is taken"),
    pytest.param(ImportRowError("name is missing"), "name is missing", id="a row that could not be parsed"),
]


@pytest.mark.parametrize(("bad", "says"), BAD)
def test_one_bad_row_and_nothing_is_stored(opened: OpenVault, bad: Entry | ImportRowError, says: str) -> None:
    """The error names the line; the good rows before it are undone."""
    with pytest.raises(ImportRowError) as caught:
        put(opened, entry("first"), bad, entry("last"))
    assert caught.value.message.startswith("line 2: ")
    assert says in caught.value.message
    assert "nothing was imported" in caught.value.message
    assert "another value of" not in caught.value.message
    assert names(opened) == []


@pytest.mark.parametrize(("bad", "says"), BAD)
def test_with_partial_the_good_rows_are_stored(opened: OpenVault, bad: Entry | ImportRowError, says: str) -> None:
    """And the bad one is answered in its place."""
    first, said, last = put(opened, entry("first"), bad, entry("last"), partial=True)
    assert (first, last) == (Effect.ADDED, Effect.ADDED)
    assert says in str(said)
    assert names(opened) == ["first", "last"]


def test_a_standby_is_added_beside_the_current_value(opened: OpenVault) -> None:
    """For a provider that has no call to mint."""
    put(opened, entry("a", "current"))
    assert put(opened, entry("a", "spare", state=State.STANDBY)) == [Effect.STANDBY]
    (row,) = listing(opened)
    assert (row.version, row.standby) == (1, 1)


def test_dates_that_are_stated_are_kept(opened: OpenVault) -> None:
    """The age of a key is counted from when it was issued, not from when we heard of it."""
    put(opened, entry("old", created_at=NOON - timedelta(days=200)), entry("new"))
    put(opened, entry("renewed", created_at=NOON - timedelta(days=200), rotated_at=NOON - timedelta(days=20)))
    assert {row.name: row.age_days for row in listing(opened)} == {"old": 200, "new": 0, "renewed": 20}


def test_an_agent_that_a_row_names_may_resolve_the_key(opened: OpenVault) -> None:
    """Under the provider's usual variable, or the stated one; an administrator's key is bound to nobody."""
    put(
        opened,
        Entry(name="oai", provider="openai", value=Secret("1"), agent="billing"),
        entry("my.api-key", "2", agent="billing"),
        entry("third", "3", agent="billing", variable="THIRD"),
        entry("boss", "4", agent="billing", is_admin=True),
    )
    with opened.database.read() as connection:
        bindings = instances.agent_named(connection, "billing").bindings
    assert {"OPENAI_API_KEY", "MY_API_KEY", "THIRD"} == set(bindings)


@pytest.mark.parametrize(
    ("provider", "name", "expected"),
    [
        pytest.param("anthropic", "x", "ANTHROPIC_API_KEY", id="the provider's usual one"),
        pytest.param("other", "team/key-1", "TEAM_KEY_1", id="made of the name"),
        pytest.param("other", "@@", "KEY", id="of a name without a letter"),
    ],
)
def test_the_variable_of_a_key(provider: str, name: str, expected: str) -> None:
    """What agents expect."""
    assert expected == default_variable(provider, name)


def test_a_value_is_not_set_twice(opened: OpenVault) -> None:
    """Neither the current value nor one that was replaced comes back."""
    put(opened, entry("a", "1"))
    replace_value(opened, "a", Secret("2"), key_id=None, standby=False, actor="test")
    for value in ("1", "2"):
        with pytest.raises(UsageError, match="this very value"):
            replace_value(opened, "a", Secret(value), key_id=None, standby=False, actor="test")


@pytest.fixture
def statements(opened_sqlite: OpenVault) -> Iterator[Counter[str]]:
    """How often each verb was sent to the database."""
    counted: Counter[str] = Counter()

    def count(_connection, _cursor, statement: str, _parameters, _context, _many) -> None:
        counted[statement.split()[0].upper()] += 1

    event.listen(opened_sqlite.database.engine, "before_cursor_execute", count)
    event.listen(opened_sqlite.database.engine, "commit", lambda _: counted.update(["COMMIT"]))
    yield counted
    event.remove(opened_sqlite.database.engine, "before_cursor_execute", count)


def test_the_cost_of_a_row_does_not_grow(opened_sqlite: OpenVault, statements: Counter[str]) -> None:
    """A hundred new rows take hardly more statements than one, and there is one commit for all: 10,000 take seconds."""
    costs = []
    for size in (1, 100):
        statements.clear()
        put(opened_sqlite, *(entry(f"n{size}-{i}", f"value {size} {i}") for i in range(size)))
        assert statements.pop("COMMIT") == 1
        costs.append(sum(statements.values()))
    assert costs[1] <= costs[0] + 2


def test_no_statement_reads_the_whole_inventory(opened_sqlite: OpenVault) -> None:
    """Each statement of an import finds its rows by an index: SQLite's own plan says so."""
    seen: dict[str, object] = {}

    def keep(_connection, _cursor, statement: str, parameters, _context, many: bool) -> None:
        if not many and statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE")):
            seen[statement] = parameters

    event.listen(opened_sqlite.database.engine, "before_cursor_execute", keep)
    put(opened_sqlite, entry("a", "1", agent="x"), entry("a", "1"), entry("a", "2", state=State.STANDBY))
    event.remove(opened_sqlite.database.engine, "before_cursor_execute", keep)
    assert len(seen) >= 5
    with opened_sqlite.database.read() as connection:
        for statement, parameters in seen.items():
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
            scans = [
                row[-1]
                for row in plan
                if row[-1].startswith("SCAN")
                and not any(word in row[-1] for word in ("INDEX", "store", "CONSTANT ROW"))
            ]
            flat = statement.replace("\n", " ")
            newest = "ORDER BY ledger.seq DESC" in flat or "ORDER BY row_state.seq DESC" in flat
            few = "FROM generation" in flat  # one row a master key
            assert newest or few or not scans, f"{statement}: {scans}"
