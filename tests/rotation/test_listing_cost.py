"""A page of the inventory costs what it shows: its order is an index's, and what is overdue is told from a few columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, text

from keysweep.foundation.clock import to_text
from keysweep.foundation.database.listed import walk_indexes
from keysweep.foundation.secret import Secret
from keysweep.foundation.settings import Settings
from keysweep.rotation import listing
from keysweep.rotation.inventory import Entry, import_entries
from keysweep.rotation.selection import Filter, Sort
from keysweep.rotation.vault.unlock import OpenVault, initialise, unlock
from samples.servers.postgres import Server
from tests.fakes.engines import NOON, engine_server, new_database, opened, opened_sqlite, store_url

__all__ = ["engine_server", "opened", "opened_sqlite", "store_url"]

_SORTED = "USE TEMP B-TREE FOR ORDER BY"


def put(vault: OpenVault, count: int) -> None:
    """Store keys of some owners and providers."""
    entries = [
        Entry(
            name=f"key-{number:03d}",
            provider=("openai", "custom")[number % 2],
            value=Secret(f"a value without a form, {number}"),
            owner=f"team-{number % 3}",
            agent=f"agent-{number % 5}",
            variable=f"KEY_{number}",
        )
        for number in range(count)
    ]
    list(import_entries(vault, enumerate(entries, start=1), actor="test"))


@contextmanager
def asked(vault: OpenVault) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """Questions with their parameters, as the engine gets them."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_: object) -> None:
        seen.append((statement, parameters))

    event.listen(vault.database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(vault.database.engine, "before_cursor_execute", note)


def plans(vault: OpenVault, sort: Sort, wanted: Filter, holding: str) -> str:
    """How SQLite goes about those questions behind a page that hold some words."""
    with asked(vault) as questions:
        listing.page(vault, wanted, sort=sort, size=5, number=2)
    with vault.database.read() as connection:
        return "\n".join(
            str(row[3])
            for statement, parameters in questions
            if holding in statement
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        )


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize(
    "wanted",
    [Filter(), Filter(retired=True), Filter(owner="team-1"), Filter(policy_class="a"), Filter(policy_class="")],
    ids=["", "retired", "owner", "class", "no class"],
)
def test_a_page_walks_an_index_in_its_order(opened_sqlite: OpenVault, sort: Sort, wanted: Filter) -> None:
    """Nothing is sorted, however deep the page lies."""
    put(opened_sqlite, 20)
    found = plans(opened_sqlite, sort, wanted, "OFFSET")
    assert "SCAN listed USING COVERING INDEX" in found
    assert _SORTED not in found


def test_the_agents_of_a_page_are_looked_up(opened_sqlite: OpenVault) -> None:
    """By their credential: a walk over all bindings cost more than all the rest."""
    put(opened_sqlite, 20)
    found = plans(opened_sqlite, Sort.NAME, Filter(), "binding")
    assert "SEARCH binding USING COVERING INDEX ix_binding_credential" in found
    assert "SCAN binding" not in found


def test_pages_of_what_is_overdue_are_the_whole_cut_up(opened: OpenVault) -> None:
    """Own limits, exact moments and keys without a value: as each row says of itself."""
    put(opened, 30)
    with opened.database.write() as connection:
        for number in range(30):
            since = NOON - timedelta(days=85 + number // 3, microseconds=number % 3 - 1)
            connection.execute(
                text("UPDATE credential SET rotated_at = :since, max_age_days = :own WHERE name = :name"),
                {"since": to_text(since), "own": 60 if number % 7 == 0 else None, "name": f"key-{number:03d}"},
            )
        connection.execute(
            text(
                "UPDATE version SET state = 'retired' WHERE prefix = '' AND number = 1 AND credential_id = "
                "(SELECT id FROM credential WHERE name = 'key-029')"
            )
        )
    for sort in Sort:
        expected = [row.name for row in listing.listing(opened, sort=sort) if row.overdue]
        pages = [listing.overdue_page(opened, Filter(), sort=sort, size=4, number=number) for number in range(1, 10)]
        assert 4 < len(expected) < 30
        assert [row.name for page in pages for row in page.rows] == expected
        assert {page.total for page in pages} == {len(expected)}


def test_a_limit_of_its_own_counts_below_every_policy(opened: OpenVault) -> None:
    """A credential may be overdue and due long before the shortest policy says so."""
    put(opened, 3)
    with opened.database.write() as connection:
        connection.execute(
            text("UPDATE credential SET max_age_days = 7, rotated_at = :since WHERE name = 'key-001'"),
            {"since": to_text(NOON - timedelta(days=9))},
        )
    assert [row.name for row in listing.overdue(opened)] == ["key-001"]
    assert [row.name for row in listing.due(opened, within=timedelta())] == ["key-001"]


def test_pages_behind_the_middle_are_read_from_the_end_and_are_the_whole_cut_up(opened_sqlite: OpenVault) -> None:
    """The last page costs what the first does; none skips more than half, and there is nothing behind the last."""
    put(opened_sqlite, 20)
    for sort in Sort:
        with asked(opened_sqlite) as questions:
            pages = [listing.page(opened_sqlite, Filter(), sort=sort, size=3, number=number) for number in range(1, 9)]
        whole = [row.name for row in listing.listing(opened_sqlite, sort=sort)]
        assert whole == [row.name for page in pages for row in page.rows]
        assert [len(page.rows) for page in pages] == [3, 3, 3, 3, 3, 3, 2, 0]
        skipped = [parameters[-1] for statement, parameters in questions if "OFFSET" in statement]
        assert max(skipped) <= 10  # type: ignore[type-var]  numbers


@pytest.fixture
def on_postgresql(engine_server: Server, tmp_path: Path) -> Iterator[OpenVault]:
    """An empty store on a real PostgreSQL server."""
    settings = Settings(store=new_database(engine_server), key_file=tmp_path / "pg.key")
    initialise(settings)
    vault = unlock(settings)
    yield vault
    vault.close()


@pytest.mark.xdist_group("postgresql")
def test_on_postgresql_a_new_credential_is_copied_once_and_pages_are_not_sorted(on_postgresql: OpenVault) -> None:
    """Its first row is the only one that was written, value and agent included; then a page walks its index there, too."""
    put(on_postgresql, 1)
    with on_postgresql.database.read() as connection:
        where = connection.execute(text("SELECT ctid::text, has_value FROM listed")).one()
    assert where == ("(0,1)", 1)
    with asked(on_postgresql) as questions:
        listing.page(on_postgresql, Filter(), sort=Sort.USED, size=5, number=1)
    statement, parameters = next(pair for pair in questions if "LIMIT" in pair[0] and "FROM listed" in pair[0])
    with on_postgresql.database.read() as connection:
        walk_indexes(connection)
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters))
    assert "enable_sort = off" in " ".join(statement for statement, _ in questions)
    assert "ix_listed_by_used" in plan
    assert "Sort" not in plan
