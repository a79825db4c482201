"""The ledger: whatever is done to a chain of entries is detected, and the first bad place is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keysweep.foundation.database.connect import Database
from keysweep.foundation.ledger.chain import Ledger, entries, export, head
from keysweep.foundation.ledger.entry import GENESIS, Entry, entry_hash
from keysweep.foundation.ledger.verify import Result, Row, verify
from tests.fakes.engines import NOON, ticking

text = st.text(max_size=12)
details = st.dictionaries(text, st.one_of(text, st.integers(-(2**53), 2**53), st.booleans(), st.none()), max_size=3)


@st.composite
def chains(draw: st.DrawFn, least: int = 0) -> list[Row]:
    """Any chain that `append` could have written."""
    rows: list[Row] = []
    previous = GENESIS
    for seq in range(1, draw(st.integers(least, 8)) + 1):
        at = draw(st.datetimes(min_value=datetime(1971, 1, 1), max_value=datetime(9000, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001  Hypothesis adds the zone
        entry = Entry(seq=seq, at=at, actor=draw(text), action=draw(text), subject=draw(text), detail=draw(details))
        rows.append(Row(seq, entry.body(), previous, entry_hash(seq, previous, entry.body())))
        previous = rows[-1].hash
    return rows


@given(chains())
def test_any_sequence_of_entries_verifies(rows: list[Row]) -> None:
    """Whole, with its length and its head; any checkpoint that was taken on the way agrees."""
    anchors = [(0, GENESIS), *((row.seq, row.hash) for row in rows)]
    expected = Result(len(rows), rows[-1].hash if rows else GENESIS, None, "")
    assert expected == verify(rows)
    assert expected == verify(rows, anchors)


@given(chains(least=1), st.data())
def test_any_change_names_the_entry_that_was_changed(rows: list[Row], data: st.DataObject) -> None:
    """One byte of one column of one entry."""
    place = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(["seq", "body", "previous", "hash"]))
    row = rows[place]
    if column == "seq":
        changed: object = row.seq + data.draw(st.integers(-3, 3).filter(bool))
    elif column == "body":
        at = data.draw(st.integers(0, len(row.body) - 1))
        changed = row.body[:at] + chr(ord(row.body[at]) ^ data.draw(st.integers(1, 127))) + row.body[at + 1 :]
    else:
        old = bytearray(getattr(row, column))
        old[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
        changed = bytes(old)
    rows[place] = row._replace(**{column: changed})
    assert place + 1 == verify(rows).bad


@given(chains(least=2), st.data())
def test_a_deleted_entry_is_named(rows: list[Row], data: st.DataObject) -> None:
    """Any but the last; for that one see truncation."""
    place = data.draw(st.integers(0, len(rows) - 2))
    del rows[place]
    found = verify(rows)
    assert place + 1 == found.bad
    assert "missing" in found.why


@given(chains(least=2), st.data())
def test_entries_in_another_order_are_named(rows: list[Row], data: st.DataObject) -> None:
    """The first place that differs."""
    shuffled = data.draw(st.permutations(rows))
    assume(shuffled != rows)
    first = next(i for i, (a, b) in enumerate(zip(rows, shuffled, strict=True), start=1) if a != b)
    assert first == verify(shuffled).bad


@given(chains(least=1), st.data())
def test_a_truncated_ledger_is_found_with_an_anchor(rows: list[Row], data: st.DataObject) -> None:
    """The first missing place is named; without an anchor a shorter chain is just a shorter chain."""
    anchor = (len(rows), rows[-1].hash)
    left = rows[: data.draw(st.integers(0, len(rows) - 1))]
    assert verify(left).bad is None
    found = verify(left, [anchor])
    assert len(left) + 1 == found.bad
    assert "truncated" in found.why


@given(chains(least=1), st.data())
def test_a_fork_is_found_with_an_anchor(rows: list[Row], data: st.DataObject) -> None:
    """Whoever rewrites history from some entry on, hashes and all, meets the first anchor behind it."""
    place = data.draw(st.integers(0, len(rows) - 1))
    anchored = data.draw(st.integers(place, len(rows) - 1))
    anchors = [(row.seq, row.hash) for row in rows[anchored:]]
    previous = rows[place].previous
    for i in range(place, len(rows)):
        body = json.dumps(
            {**json.loads(rows[i].body), "actor": "nobody did this"}, sort_keys=True, separators=(",", ":")
        )
        assume(body != rows[i].body)
        rows[i] = Row(i + 1, body, previous, entry_hash(i + 1, previous, body))
        previous = rows[i].hash
    assert verify(rows).bad is None
    found = verify(rows, anchors)
    assert anchored + 1 == found.bad
    assert "forked" in found.why


def test_two_anchors_for_one_place_cannot_both_hold() -> None:
    """An anchor is never forgotten because another one names the same place."""
    entry = Entry(seq=1, at=NOON, actor="a", action="b", subject="c", detail={})
    row = Row(1, entry.body(), GENESIS, entry_hash(1, GENESIS, entry.body()))
    for anchors in ([(1, b"x" * 32), (1, row.hash)], [(1, row.hash), (1, b"x" * 32)]):
        assert verify([row], anchors).bad == 1


junk = st.one_of(st.none(), st.integers(), st.text(max_size=5), st.binary(max_size=40), st.floats())


@given(st.lists(st.tuples(st.just(1) | junk, junk, st.just(GENESIS) | junk, junk), min_size=1, max_size=3))
def test_rows_of_any_kind_are_bad_and_never_a_crash(cells: list[tuple[object, ...]]) -> None:
    """A hostile store can hold any type in any column."""
    assert verify([Row(*cell) for cell in cells]).bad == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("[" * 100_000, id="nested too deeply"),
        pytest.param("1" * 10_000, id="a number too long"),
        pytest.param("[]", id="a list"),
        pytest.param("{}", id="no place"),
        pytest.param('{"seq":"1"}', id="a place that is text"),
        pytest.param('{"seq":true}', id="a place that is truth"),
        pytest.param('{"seq":1.0}', id="a place that is a fraction"),
        pytest.param('{"seq":2}', id="another place"),
        pytest.param('{"seq":1,"a":"é"}', id="not ASCII"),
        pytest.param("", id="empty"),
    ],
)
def test_a_body_that_no_ledger_holds_is_bad(body: str) -> None:
    """Even with a hash that fits it."""
    digest = entry_hash(1, GENESIS, body) if body.isascii() else GENESIS
    assert verify([Row(1, body, GENESIS, digest)]).bad == 1


def test_the_canonical_form_is_fixed() -> None:
    """Sorted keys, no spaces, ASCII, UTC with microseconds: another program can write the same bytes."""
    entry = Entry(
        seq=7, at=NOON, actor="cli:ä", action="key.stored", subject="x", detail={"b": 1, "a": None, "c": True}
    )
    assert entry.body() == (
        '{"action":"key.stored","actor":"cli:\\u00e4","at":"2026-09-30T12:00:00.000000Z",'
        '"detail":{"a":null,"b":1,"c":true},"seq":7,"subject":"x"}'
    )


@dataclass(frozen=True)
class _Fact:
    actor: str
    action: str
    subject: str
    detail: dict[str, str | int | bool | None]


# PostgreSQL's text holds no NUL; SQLite's does.
facts = st.builds(_Fact, actor=text, action=text, subject=text, detail=details)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batch=st.lists(st.lists(facts, max_size=3), max_size=3))
def test_what_is_appended_is_read_back_and_verifies(store: Database, batch: list[list[_Fact]]) -> None:
    """Across transactions, with any text in any field, on both engines."""
    ledger = Ledger(b"k" * 32, ticking())
    written: list[Entry] = []
    with store.read() as connection:
        before, _ = head(connection)
    for group in batch:
        with store.write() as connection:
            written += [
                ledger.append(connection, actor=f.actor, action=f.action, subject=f.subject, detail=f.detail)
                for f in group
            ]
    with store.read() as connection:
        assert written == list(entries(connection, after=before))
        result = verify(_rows(export(connection)))
        assert result.bad is None
        assert head(connection) == (result.entries, result.head)
        assert ledger.bad_mac(connection) is None


def _rows(exported: object) -> list[Row]:
    return [
        Row(int(e["seq"]), str(e["body"]), bytes.fromhex(str(e["previous"])), bytes.fromhex(str(e["hash"])))
        for e in exported  # type: ignore[attr-defined]
    ]


def test_an_entry_stands_or_falls_with_its_transaction(store: Database) -> None:
    """What was rolled back was never in the ledger, and leaves no gap."""
    ledger = Ledger(b"k" * 32, ticking())

    def fail() -> None:
        with store.write() as connection:
            ledger.append(connection, actor="a", action="lost", subject="")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with store.write() as connection:
        assert ledger.append(connection, actor="a", action="kept", subject="").seq == 1
    with store.read() as connection:
        assert [entry.action for entry in entries(connection)] == ["kept"]


def test_writers_at_the_same_time_make_one_chain(store: Database) -> None:
    """No gap, no fork, whoever comes first, on either engine."""
    from concurrent.futures import ThreadPoolExecutor

    with store.write() as connection:
        from sqlalchemy import insert

        from keysweep.foundation.database import tables

        connection.execute(insert(tables.store).values(id=1, tenant="t", created_at="now"))
    ledger = Ledger(b"k" * 32, lambda: NOON)

    def append(number: int) -> None:
        with store.write() as connection:
            ledger.append(connection, actor="a", action=str(number), subject="")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(24)))
    with store.read() as connection:
        assert Result(24, head(connection)[1], None, "") == verify(_rows(export(connection)))


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda key: b"another key of 32 bytes, exactly", id="written with another key"),
        pytest.param(lambda key: bytes(32), id="written without a key"),
    ],
)
def test_an_entry_of_a_stranger_is_named(store: Database, forge: Callable[[bytes], bytes]) -> None:
    """Whoever can write the database but lacks the store's key extends the chain only noticeably."""
    own = b"k" * 32
    with store.write() as connection:
        Ledger(own, ticking()).append(connection, actor="a", action="b", subject="c")
        Ledger(forge(own), ticking()).append(connection, actor="a", action="forged", subject="c")
    with store.read() as connection:
        assert Ledger(own, ticking()).bad_mac(connection) == 2
        assert verify(_rows(export(connection))).bad is None, "the chain alone does not tell"


def test_only_what_concerns_a_subject_is_listed(store: Database) -> None:
    """`keysweep audit --key`."""
    ledger = Ledger(b"k" * 32, ticking())
    with store.write() as connection:
        for subject in ("one", "two", "one"):
            ledger.append(connection, actor="a", action="b", subject=subject)
    with store.read() as connection:
        assert [entry.seq for entry in entries(connection, subject="one")] == [1, 3]
        assert [entry.seq for entry in entries(connection, subject="one", after=2)] == [3]
