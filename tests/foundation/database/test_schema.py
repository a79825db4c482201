"""The schema that migrations leave is the one that the tables state, commented, strict and append-only, on both engines."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, insert, inspect, text
from sqlalchemy.exc import DBAPIError

from keysweep.foundation.database import migrations, tables
from keysweep.foundation.database.connect import HEAD, Database, open_database
from keysweep.foundation.database.listed import differing
from keysweep.foundation.errors import UsageError

MIGRATIONS = str(Path(migrations.__path__[0]))
APPEND_ONLY = ("ledger", "journal", "policy", "policy_exception")


def statements(path: Path) -> dict[str, list[str]]:
    """The text of each table and index of a SQLite file, its clauses sorted."""
    connection = sqlite3.connect(path)
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql > ''"
    ).fetchall()
    connection.close()
    lines = {name: [re.sub(r"\s+", " ", line).strip(" ,") for line in sql.splitlines()] for name, sql in rows}
    return {name: sorted(filter(None, text)) for name, text in lines.items() if name != "alembic_version"}


def fill(connection: Connection) -> None:
    """Put one row into each table that is append-only, and what it refers to."""
    blob = b"x" * 32
    connection.execute(insert(tables.ledger).values(seq=1, body="{}", previous=blob, hash=blob, mac=blob))
    connection.execute(
        insert(tables.credential).values(
            id="c", name="c", provider="p", owner="", environment="", is_admin=0, settings="{}", created_at="t"
        )
    )
    connection.execute(
        insert(tables.rotation).values(
            id="r", credential_id="c", old_number=1, mode="forced", steps="[]", reason="", tag="", started_at="t"
        )
    )
    connection.execute(
        insert(tables.journal).values(
            rotation_id="r", seq=1, step="mint", attempt=1, phase="intent", detail="{}", fence=1, at="t"
        )
    )
    record = {"seq": 1, "approved_by": "", "recorded_at": "t", "recorded_by": ""}
    connection.execute(
        insert(tables.policy).values(
            {"class": "", "max_age_days": 90, "risk_analysis": "", "approved_at": "t"} | record
        )
    )
    connection.execute(insert(tables.policy_exception).values(credential_id="c", until="t", reason="", **record))


@contextmanager
def at_revision(store_url: str, revision: str) -> Iterator[Connection]:
    """Make a store of an older program, to be filled."""
    if "://" in store_url:
        engine = create_engine(store_url)
    else:
        path = Path(store_url)
        path.parent.mkdir(mode=0o700)
        path.touch(mode=0o600)
        engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        yield connection
    engine.dispose()


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping")
def test_alembic_sees_no_difference(store: Database) -> None:
    """Tables, columns, types, indexes, keys and comments are what `tables.py` says, on both engines.

    SQLite's indexes over expressions are not reflected; the next test compares the text of their statements.
    """
    with store.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, tables.metadata) == []


def test_checks_comments_and_strictness_are_the_same_too(tmp_path: Path) -> None:
    """What Alembic does not compare is compared as text: the statements that SQLite keeps."""
    open_database(str(tmp_path / "migrated.db"), create=True).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'stated.db'}")
    tables.metadata.create_all(engine)
    engine.dispose()
    assert statements(tmp_path / "stated.db") == statements(tmp_path / "migrated.db")


def test_checks_hold_on_both_engines(store: Database) -> None:
    """Every named check of the tables is there."""
    stated = {
        (table.name, str(check.name))
        for table in tables.metadata.tables.values()
        for column in table.columns
        for check in column.constraints
    }
    with store.read() as connection:
        inspector = inspect(connection)
        found = {
            (table, check["name"])
            for table in inspector.get_table_names()
            for check in inspector.get_check_constraints(table)
        }
    assert stated
    assert stated == found


def test_every_table_and_column_says_what_it_holds() -> None:
    """A comment is a sentence."""
    for table in tables.metadata.tables.values():
        assert table.comment, table.name
        for column in table.columns:
            assert column.comment, f"{table.name}.{column.name}"
            assert column.comment.rstrip().endswith("."), f"{table.name}.{column.name}"


def test_the_comments_are_in_the_store(store: Database) -> None:
    """Whoever opens the store with another program reads them there."""
    with store.read() as connection:
        if connection.dialect.name == "sqlite":
            for table in tables.metadata.tables.values():
                sql = connection.execute(
                    text("SELECT sql FROM sqlite_master WHERE name = :n"), {"n": table.name}
                ).scalar()
                assert f"-- {table.comment}\n" in sql
                assert all(f"-- {column.comment}\n" in sql for column in table.columns)
            return
        inspector = inspect(connection)
        for table in tables.metadata.tables.values():
            assert table.comment == inspector.get_table_comment(table.name)["text"]
            found = {column["name"]: column["comment"] for column in inspector.get_columns(table.name)}
            assert {column.name: column.comment for column in table.columns} == found


def test_every_table_is_strict(tmp_path: Path) -> None:
    """SQLite refuses text where a number belongs."""
    path = tmp_path / "store.db"
    database = open_database(str(path), create=True)
    with database.read() as connection:
        loose = connection.execute(
            text("SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0 AND name NOT LIKE 'sqlite%'")
        ).scalars()
        assert list(loose) == ["alembic_version"]
    with pytest.raises(DBAPIError, match="datatype mismatch"), database.write() as connection:
        connection.execute(text("INSERT INTO store VALUES ('one', 't', 'now')"))
    database.close()


@pytest.mark.parametrize("table", APPEND_ONLY)
@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("UPDATE {} SET seq = seq + 1", id="update"),
        pytest.param("UPDATE {} SET seq = seq", id="update that changes nothing"),
        pytest.param("DELETE FROM {}", id="delete"),
    ],
)
def test_rows_are_added_never_changed(store: Database, table: str, statement: str) -> None:
    """The engine itself refuses: ledger and journal are append-only."""
    with store.write() as connection:
        fill(connection)
    with pytest.raises(DBAPIError, match="append-only"), store.write() as connection:
        connection.execute(text(statement.format(table)))
    with store.read() as connection:
        assert connection.execute(text(f"SELECT seq FROM {table}")).scalar() == 1


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_row_is_not_replaced_either(tmp_path: Path, table: str) -> None:
    """SQLite's INSERT OR REPLACE is a deletion, and refused as one."""
    database = open_database(str(tmp_path / "store.db"), create=True)
    with database.write() as connection:
        fill(connection)
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.execute(text(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"))
    database.close()


@pytest.mark.xdist_group("postgresql")
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_a_table_is_not_truncated(engine_server, table: str) -> None:
    """PostgreSQL's TRUNCATE goes round row triggers; it is refused as well."""
    from tests.fakes.engines import new_database

    database = open_database(new_database(engine_server))
    with pytest.raises(DBAPIError, match="append-only"), database.write() as connection:
        connection.execute(text(f"TRUNCATE {table} CASCADE"))
    database.close()


def test_two_versions_of_a_credential_cannot_both_be_current(store: Database) -> None:
    """The engine keeps the law that the whole rotation rests on; any number may be retired."""
    row = {
        "credential_id": "c", "fingerprint": b"f", "prefix": "", "length": 1, "created_at": "t", "sealed": b"s",
    }  # fmt: skip
    with store.write() as connection:
        fill(connection)
        for number, state in enumerate(("retired", "retired", "current", "standby", "standby"), start=1):
            connection.execute(insert(tables.version).values(number=number, state=state, **row))
    with pytest.raises(DBAPIError, match=r"uq_version_current|UNIQUE"), store.write() as connection:
        connection.execute(insert(tables.version).values(number=6, state="current", **row))


def test_an_older_store_is_brought_up_to_date(store_url: str) -> None:
    """A store at the first revision is migrated when it is opened, and its rows stay."""
    with at_revision(store_url, "0001") as connection:
        connection.execute(text("INSERT INTO store VALUES (1, 'tenant', 'now')"))
    database = open_database(store_url)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        assert connection.execute(text("SELECT tenant FROM store")).scalar() == "tenant"
    database.close()


@pytest.mark.parametrize("revision", ["0008", "0009", "0010"])
def test_a_filled_store_is_brought_up_to_date(revision: str, store_url: str) -> None:
    """Credentials with and without a value, a profile or an end: every row stays, and is listed as it is."""
    rows = [("a", "2026-01-02", None, "current", "rotators"), ("b", None, "2027-01-01", "retired", None)]
    with at_revision(store_url, revision) as connection:
        for name, rotated_at, ends, state, of_class in rows:
            connection.execute(
                text(
                    "INSERT INTO credential (id, name, provider, owner, environment, is_admin, settings, created_at, rotated_at, expires_at) "
                    "VALUES (:name, :name, 'p', '', '', 0, '{}', '2026-01-01', :rotated_at, :ends)"
                ),
                {"name": name, "rotated_at": rotated_at, "ends": ends},
            )
            connection.execute(
                text(
                    "INSERT INTO version (credential_id, number, state, fingerprint, prefix, length, created_at) "
                    "VALUES (:name, 1, :state, :fingerprint, '', 1, '2026-01-01')"
                ),
                {"name": name, "state": state, "fingerprint": name.encode() * 32},
            )
            if of_class is not None:
                connection.execute(
                    text(
                        "INSERT INTO profile (credential_id, class, kind, runbook, retired_reason) VALUES (:name, :of_class, '', '', '')"
                    ),
                    {"name": name, "of_class": of_class},
                )
    database = open_database(store_url)
    with database.read() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
        listed = text("SELECT name, class, since, has_value FROM listed ORDER BY name")
        assert [tuple(row) for row in connection.execute(listed)] == [
            ("a", "rotators", "2026-01-02", 1),
            ("b", "", "2026-01-01", 0),
        ]
        assert differing(connection, 9) == ()
        ends = text("SELECT id, expires_at FROM credential ORDER BY id")
        assert [tuple(row) for row in connection.execute(ends)] == [("a", None), ("b", "2027-01-01")]
    database.close()


def test_the_head_is_the_newest_migration() -> None:
    """`HEAD` saves the import of Alembic at each start; it must not be forgotten."""
    config = Config()
    config.set_main_option("script_location", MIGRATIONS)
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_a_store_of_a_newer_program_is_left_alone(store: Database, store_url: str) -> None:
    """An old program does not touch what it does not know."""
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(UsageError, match="newer keysweep"):
        open_database(store_url)
