"""`check_rows` names every row that keysweep did not write: exhaustively over tables and columns, on both engines."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
    create_engine,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import row_states, tables
from keysweep.foundation.errors import ExitCode, IntegrityError
from keysweep.foundation.secret import Secret
from keysweep.rotation import listing, profiles
from keysweep.rotation.credential import State, VersionRef
from keysweep.rotation.inventory import Entry, add, import_entries, replace_value
from keysweep.rotation.vault import store
from keysweep.rotation.vault.integrity import check_ledger
from keysweep.rotation.vault.row_check import check_rows
from keysweep.rotation.vault.unlock import OpenVault

STATED = [table for table in tables.metadata.sorted_tables if table.name not in row_states.UNSTATED]
_ONE_ROW = {"store.id"}
"""Columns of which the engine itself refuses every other value."""


class Hand:
    """Somebody with full rights on the database and without its key: a connection that asks no trigger and no reference."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """One transaction."""
        with self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("PRAGMA ignore_check_constraints = ON")
                connection.commit()
            else:
                connection.exec_driver_sql("SET session_replication_role = replica")
            yield connection
            connection.commit()

    def run(self, statement: Any, parameters: Any = None) -> None:
        """Execute one statement."""
        with self.connection() as connection:
            connection.execute(statement, parameters or {})


@pytest.fixture
def hand(opened: OpenVault) -> Iterator[Hand]:
    """A hand on the store of `filled`; append-only triggers are gone."""
    engine = create_engine(opened.database.engine.url)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            for (name,) in connection.execute(text("SELECT name FROM sqlite_master WHERE name LIKE '%refuses%'")).all():
                connection.execute(text(f"DROP TRIGGER {name}"))
    yield Hand(engine)
    engine.dispose()


@pytest.fixture
def filled(opened: OpenVault) -> OpenVault:
    """Three credentials with two versions each, and at least two rows in every other table that can hold two."""
    rows = [
        (
            n,
            Entry(
                name=f"key-{n}",
                provider="custom",
                value=Secret(secrets.token_urlsafe(48)),
                owner="me",
                agent=f"agent-{n}",
                expires_at=opened.clock(),
                provider_key_id=f"id-{n}",
            ),
        )
        for n in range(3)
    ]
    list(import_entries(opened, rows, actor="test"))
    for n in range(3):
        replace_value(opened, f"key-{n}", Secret(secrets.token_urlsafe(48)), key_id=None, standby=False, actor="test")
    with opened.database.write() as connection:
        for table in STATED:
            present = len(connection.execute(select(table)).all())
            for number in range(present, 2 if table.name not in {"store", "generation"} else present):
                connection.execute(insert(table).values(_row(connection, table, number)))
        opened.ledger.append(connection, actor="test", action="test.filled", subject="everything")
    return opened


def _row(connection: Connection, table: Table, number: int) -> dict[str, Any]:
    """A row of made-up values that the references and checks of *table* allow."""
    made: dict[str, Any] = {}
    for column in table.columns:
        if column.foreign_keys:
            (reference,) = column.foreign_keys
            made[column.name] = connection.execute(select(reference.column).offset(number).limit(1)).scalar()
        elif isinstance(column.type, Integer):
            made[column.name] = number + 1
        elif column.name.endswith("_at"):
            made[column.name] = f"2026-01-0{number + 1}T00:00:00.000000Z"
        elif isinstance(column.type, LargeBinary):
            made[column.name] = secrets.token_bytes(32)
        else:
            made[column.name] = {"phase": "intent", "state": "current"}.get(column.name, f"text {number}")
    return made


def verdict(opened: OpenVault) -> str:
    """What is said of the rows; empty if they are whole."""
    with opened.database.read() as connection:
        try:
            return "" if check_rows(connection) else "nothing was stated"
        except IntegrityError as error:
            return error.message if error.exit_code is ExitCode.INTEGRITY else "another exit code"


def others(column: Column[Any], value: Any) -> Iterator[Any]:
    """Values that a column may hold instead: one bit flipped, a little more, a word that a check allows, nothing."""
    if isinstance(value, bytes):
        yield bytes([value[0] ^ 1]) + value[1:]
        yield value[:-1] + bytes([value[-1] ^ 128])
    elif isinstance(value, int):
        yield from (value + 1, 1 - value, value + 50)
    elif isinstance(value, str):
        yield from (chr(ord(value[0]) ^ 1) + value[1:] if value else "x", value + " ")
        yield from ("standby", "outcome", "former")
    else:
        yield from ({"INTEGER": [5], "BLOB": [b"x"]}.get(str(column.type), ["2020-01-01T00:00:00.000000Z"]))
    if column.nullable and value is not None:
        yield None


@pytest.mark.parametrize("table", STATED, ids=lambda table: table.name)
def test_every_column_of_every_row_is_held(filled: OpenVault, hand: Hand, table: Table) -> None:
    """Any value that is changed to any other that the engine takes is named, and put back it is whole again."""
    assert verdict(filled) == ""
    owner = "version" if table.name == "version_print" else table.name
    held: set[str] = set()
    with filled.database.read() as connection:
        rows = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()[:1]
    assert rows
    for row in rows:
        for column in table.columns:
            at = dict(row)
            for other in others(column, row[column.name]):
                try:
                    hand.run(update(table).where(*_is(table, at)).values({column.name: other}))
                except DBAPIError:
                    continue
                at[column.name] = other
                said = verdict(filled)
                assert said.startswith("not written by keysweep"), (
                    f"{column}: {row[column.name]!r} to {other!r}: {said}"
                )
                assert f"{owner} " in said or f"row of the {owner}" in said
                held.add(str(column))
                hand.run(update(table).where(*_is(table, at)).values({column.name: row[column.name]}))
                at = dict(row)
        assert verdict(filled) == ""
    assert {str(column) for column in table.columns} - held <= _ONE_ROW


def _is(table: Table, row: Any) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key]


@pytest.mark.parametrize("column", tables.listed.columns, ids=lambda column: column.name)
def test_every_column_of_what_is_listed_is_compared(filled: OpenVault, hand: Hand, column: Column[Any]) -> None:
    """The copy that a page is read from says what its rows say, or is named."""
    (key,) = tables.listed.primary_key
    with filled.database.read() as connection:
        row = connection.execute(select(tables.listed).where(tables.listed.c.name == "key-1")).mappings().one()
    at = row[key.name]
    for other in others(column, row[column.name]):
        hand.run(update(tables.listed).where(key == at).values({column.name: other}))
        at = other if column is key else at
        assert "the row of `listed` about " in verdict(filled)
    hand.run(update(tables.listed).where(key == at).values(dict(row)))
    assert verdict(filled) == ""


def test_what_is_listed_has_a_row_for_each_credential(opened: OpenVault, hand: Hand) -> None:
    """One that is left out of every page is named, and so is one that there is not; the listing goes on."""
    keys = [Entry(name=f"key-{n}", provider="custom", value=Secret(secrets.token_urlsafe(48))) for n in range(3)]
    list(import_entries(opened, enumerate(keys), actor="test"))
    with opened.database.read() as connection:
        row = dict(connection.execute(select(tables.listed).where(tables.listed.c.name == "key-1")).mappings().one())
    hand.run(insert(tables.listed).values(row | {"credential_id": "x", "name": "nobody"}))
    assert "about nobody" in verdict(opened)
    assert [one.name for one in listing.listing(opened)] == ["key-0", "key-1", "key-2"]
    hand.run(tables.listed.delete().where(tables.listed.c.credential_id.in_(["x", row["credential_id"]])))
    assert "about key-1" in verdict(opened)


@pytest.mark.parametrize("table", [t for t in STATED if t.name not in {"store", "generation"}], ids=lambda t: t.name)
def test_swapped_deleted_and_added_rows_are_named(filled: OpenVault, hand: Hand, table: Table) -> None:
    """Two rows that change places, one that is gone, and one that nobody wrote."""
    key = [column.name for column in table.primary_key]
    unique = {column.name for column in table.columns if column.unique} | _together(table)
    with filled.database.read() as connection:
        one, two = connection.execute(select(table).order_by(*table.primary_key)).mappings().all()[:2]
    swapped = [name for name in one if name not in key and name not in unique and one[name] != two[name]]
    if swapped:
        for here, there in ((one, two), (two, one)):
            with _refusing(table):
                hand.run(update(table).where(*_is(table, here)).values({name: there[name] for name in swapped}))
        assert "changed" in verdict(filled)
        for row in (one, two):
            hand.run(update(table).where(*_is(table, row)).values({name: row[name] for name in swapped}))
        assert verdict(filled) == ""
    hand.run(table.delete().where(*_is(table, one)))
    assert ("was changed" if table.name.startswith("version") else "was deleted") in verdict(filled)
    hand.run(insert(table).values(dict(one)))
    assert verdict(filled) == ""
    new = {
        name: secrets.token_hex(8) if isinstance(value, str) and name in {*key, *unique} else value
        for name, value in one.items()
    }
    new |= {name: value + 90 for name, value in one.items() if name in key and isinstance(value, int)}
    new |= {"state": "standby"} if table.name == "version" else {}
    new |= {name: value + 90 for name, value in one.items() if name in unique and isinstance(value, int)}
    hand.run(insert(table).values(new))
    assert "was changed" in verdict(filled) or "was added" in verdict(filled)


def _together(table: Table) -> set[str]:
    """Columns that are unique together."""
    return {c.name for one in table.constraints if isinstance(one, UniqueConstraint) for c in one.columns}


@contextmanager
def _refusing(table: Table) -> Iterator[None]:
    """An engine may refuse the first half of a swap; then the second half is the forgery."""
    try:
        yield
    except DBAPIError:
        assert table.name in {"incident", "journal", "version"}


def _raw(connection: Connection, table: Table, row: Any) -> None:
    connection.execute(update(table).where(*_is(table, row)).values(dict(row)))


def test_an_older_row_is_named_as_such(filled: OpenVault, hand: Hand) -> None:
    """The row as it was before the key was replaced: its ciphertext opens, and it is still not what was written last."""
    with filled.database.read() as connection:
        credential = store.credential_named(connection, "key-1")
        rows = [
            connection.execute(select(tables.credential).where(tables.credential.c.name == "key-1")).mappings().one(),
            connection.execute(
                select(tables.version).where(
                    tables.version.c.credential_id == credential.id, tables.version.c.number == 2
                )
            )
            .mappings()
            .one(),
        ]
    replace_value(filled, "key-1", Secret(secrets.token_urlsafe(48)), key_id=None, standby=False, actor="test")
    assert verdict(filled) == ""
    with hand.connection() as connection:
        connection.execute(text("UPDATE version SET state = 'discarded' WHERE number = 3"))
        for table, row in zip((tables.credential, tables.version), rows, strict=True):
            _raw(connection, table, row)
    said = verdict(filled)
    assert "credential key-1 is as it was before its last change" in said
    assert "version key-1 v2 is as it was before its last change" in said
    assert "version key-1 v3 was changed" in said


def test_a_retired_version_that_is_made_current_again_is_named(filled: OpenVault, hand: Hand) -> None:
    """Agents would be given a key that is known to have leaked."""
    forge = "UPDATE version SET state = :state WHERE number = :number AND credential_id IN (SELECT id FROM credential WHERE name LIKE :name)"
    with hand.connection() as connection:
        connection.execute(text(forge), {"state": "retiring", "number": 2, "name": "key-0"})
        connection.execute(text(forge), {"state": "current", "number": 1, "name": "key-0"})
    said = verdict(filled)
    assert "version key-0 v1" in said
    assert "version key-0 v2 was changed" in said
    with hand.connection() as connection:
        connection.execute(text(forge), {"state": "retiring", "number": 2, "name": "%"})
        connection.execute(text(forge), {"state": "current", "number": 1, "name": "%"})
    said = verdict(filled)
    assert "and 1 more" in said


def _append_statement(connection: Connection) -> None:
    """State a forged row in the open chain, all hashes right: the chain has no key, the ledger's entries have."""
    connection.execute(text("UPDATE credential SET owner = 'mallory' WHERE name = 'key-0'"))
    last = connection.execute(select(tables.row_state).order_by(tables.row_state.c.seq.desc()).limit(1)).one()
    (name, key, digest) = next(row for row in row_states.all_rows(connection) if row[0] == "credential")
    values = {"seq": last.seq + 1, "table_name": name, "row_key": key, "digest": digest}
    connection.execute(
        insert(tables.row_state).values(values | {"chain": row_states.link(last.chain, name, key, digest)})
    )


def _rewrite_statements(connection: Connection) -> None:
    """Put another digest into the past and compute every link anew."""
    connection.execute(text("UPDATE credential SET owner = 'mallory'"))
    chain = row_states.GENESIS
    now = {(name, key): digest for name, key, digest in row_states.all_rows(connection)}
    for statement in list(row_states.statements(connection)):
        digest = now.get((statement.table, statement.key))
        chain = row_states.link(chain, statement.table, statement.key, digest)
        connection.execute(
            update(tables.row_state).where(tables.row_state.c.seq == statement.seq).values(digest=digest, chain=chain)
        )


def _do(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        connection.execute(text(statement))

    return run


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        pytest.param(_append_statement, "is named by no entry of the ledger", id="one more, well chained"),
        pytest.param(_rewrite_statements, "are not those that ledger entry", id="all rewritten, well chained"),
        pytest.param(
            _do("DELETE FROM row_state WHERE seq > 5"), "statements about rows are missing", id="the end cut off"
        ),
        pytest.param(_do("DELETE FROM row_state"), "statements about rows are missing", id="all gone"),
        pytest.param(_do("DELETE FROM row_state WHERE seq = 3"), "statement 3 about", id="one in the middle gone"),
        pytest.param(_do("UPDATE row_state SET row_key = '[\"x\"]' WHERE seq = 4"), "statement 4 about", id="a key"),
        pytest.param(_do("UPDATE row_state SET table_name = 'agent' WHERE seq = 4"), "statement 4 about", id="a table"),
        pytest.param(_do("UPDATE row_state SET digest = chain WHERE seq = 4"), "statement 4 about", id="a digest"),
        pytest.param(_do("UPDATE row_state SET chain = digest WHERE seq = 4"), "statement 4 about", id="a link"),
    ],
)
def test_forged_statements_are_named(
    filled: OpenVault, hand: Hand, tamper: Callable[[Connection], None], says: str
) -> None:
    """The statements themselves cannot be forged without the ledger's key."""
    with hand.connection() as connection:
        tamper(connection)
    assert says in verdict(filled)


def test_what_keysweep_writes_is_never_named(filled: OpenVault) -> None:
    """In transactions with and without an entry of the ledger, also when a row is written, deleted and written again."""
    randomly = random.Random(5)
    for _ in range(60):
        with filled.database.write() as connection:
            for _ in range(randomly.randrange(1, 4)):
                _change(filled, connection, randomly)
        assert verdict(filled) == ""
    check_ledger(filled)


def _change(opened: OpenVault, connection: Connection, randomly: random.Random) -> None:
    chosen = store.credential_named(connection, f"key-{randomly.randrange(3)}")
    match randomly.randrange(8):
        case 0:
            store.mark_rotated(connection, chosen.id, opened.clock())
        case 1:
            value = Secret(secrets.token_urlsafe(30))
            add(
                connection, opened, Entry(name=secrets.token_hex(4), provider="p", value=value, agent="a"), actor="test"
            )
        case 2:
            connection.execute(tables.binding.delete().where(tables.binding.c.credential_id == chosen.id))
        case 3:
            profiles.put(connection, chosen.id, policy_class=secrets.token_hex(1), kind="k")
        case 4:
            profiles.note_use(connection, chosen.id, opened.clock(), "provider")
        case 5:
            wanted = State.RETIRED if randomly.randrange(2) else State.CURRENT
            store.change_version(connection, VersionRef(credential_id=chosen.id, number=2), wanted)
            connection.execute(
                update(tables.credential)
                .where(tables.credential.c.id == chosen.id)
                .values(
                    max_age_days=randomly.randrange(9),
                    retired_at=None if wanted is State.CURRENT else to_text(opened.clock()),
                )
            )
        case 6:
            number = randomly.randrange(1, 3)
            store.set_provider_key_id(connection, VersionRef(credential_id=chosen.id, number=number), "new")
        case _:
            opened.vault.add_version(connection, chosen, Secret(secrets.token_urlsafe(30)), state=State.STANDBY)


def test_a_transaction_that_is_undone_states_nothing(filled: OpenVault) -> None:
    """Statements stand or fall with the rows."""

    def begin_and_fail() -> None:
        with filled.database.write() as connection:
            store.mark_rotated(connection, store.credential_named(connection, "key-0").id, filled.clock())
            raise KeyError

    with pytest.raises(KeyError):
        begin_and_fail()
    assert verdict(filled) == ""


def test_a_store_of_an_older_keysweep_is_stated_at_its_first_write(filled: OpenVault, hand: Hand) -> None:
    """Until then nothing is said about its rows, as nothing was stated of them."""
    hand.run(text("DELETE FROM row_state"))
    hand.run(text("DELETE FROM ledger"))
    with filled.database.read() as connection:
        assert check_rows(connection) is None
    with filled.database.write() as connection:
        store.mark_rotated(connection, store.credential_named(connection, "key-0").id, filled.clock())
    assert verdict(filled) == ""
    with filled.database.read() as connection:
        assert (check_rows(connection) or 0) > len(STATED)


def test_every_table_is_stated_or_says_why_not() -> None:
    """A table that is added later is stated without anybody's doing; a reason is a sentence about a table that exists."""
    assert set(row_states.UNSTATED) < set(tables.metadata.tables)
    assert all(len(why) > 5 for why in row_states.UNSTATED.values())
