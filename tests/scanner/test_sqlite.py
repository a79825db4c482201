"""SQLite databases: a key in a row is found with table, row and column; what was deleted is found too; a hostile file harms nothing."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from keysweep.scanner.coverage import Gap
from keysweep.scanner.finding import Occurrence
from keysweep.scanner.on_demand import databases
from keysweep.scanner.pipeline import ScanResult
from keysweep.scanner.place import describe_place
from keysweep.scanner.readers.plain import READER as PLAIN
from keysweep.scanner.sources.files import Files
from keysweep.scanner.sqlite_rows import open_for_reading
from tests.scanner.making import key, look

READERS = (databases(PLAIN), PLAIN)
SECRET = key("github-pat")


def scanned(path: Path) -> ScanResult:
    return look(Files(path), readers=READERS)


def made(path: Path, *statements: str, **parameters: object) -> Path:
    """Make a database by statements, each in its own transaction."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement, parameters if ":" in statement else {})
    return path


def in_rows(path: Path) -> list[tuple[str | None, int | None, str | None]]:
    """Return table, row and column of each place of the one key that stands in a row."""
    (finding,) = scanned(path).findings
    return [(place.table, place.rowid, place.pointer) for place in finding.occurrences if place.table]


CREATE = "CREATE TABLE ItemTable (key TEXT UNIQUE, value BLOB)"
INSERT = "INSERT INTO ItemTable VALUES ('chat.7', :value)"


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f'{{"text":"use {SECRET} please"}}', id="text"),
        pytest.param(f'{{"text":"use {SECRET} please"}}'.encode(), id="bytes"),
        pytest.param(f"token={SECRET}".encode().hex(), id="hexadecimal"),
        pytest.param("x" * 70_000 + " " + SECRET, id="over many pages"),
        pytest.param("x " * (5 << 20) + SECRET, id="ten megabytes"),
    ],
)
def test_a_key_in_a_row_is_named_by_table_row_and_column(value: object) -> None:
    """Also where the raw bytes of the file are cut by the edges of its pages."""
    path = made(
        Path("state.vscdb"), CREATE, "INSERT INTO ItemTable VALUES ('first', 'nothing here')", INSERT, value=value
    )
    assert in_rows(path) == [("ItemTable", 2, "/value")]


def test_the_place_of_a_row_reads_as_one() -> None:
    place = Occurrence(path="a.db", table="t", rowid=3, pointer="/value")
    assert describe_place(place) == "a.db t[3]/value"
    assert describe_place(place._replace(rowid=None)) == "a.db t[?]/value"


def test_a_database_in_wide_characters_is_read() -> None:
    """Its text is UTF-16 as stored."""
    path = made(Path("a.db"), "PRAGMA encoding = 'UTF-16le'", CREATE, INSERT, value=f"token={SECRET}")
    assert in_rows(path) == [("ItemTable", 2 - 1, "/value")]


def test_a_table_without_row_ids_and_odd_names() -> None:
    """Quotes, spaces and a column called like the row's id."""
    create = 'CREATE TABLE "odd ""name; --" (_rowid_ TEXT PRIMARY KEY, "the token" TEXT) WITHOUT ROWID'
    path = made(Path("a.db"), create, """INSERT INTO "odd ""name; --" VALUES ('alpha-beta', :value)""", value=SECRET)
    assert in_rows(path) == [('odd "name; --', None, "/the token")]


def test_what_only_the_write_ahead_log_has_is_read() -> None:
    """A program that is running has not put its newest rows into the database yet."""
    with closing(sqlite3.connect("a.db", isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute(CREATE)
        writer.execute(INSERT, {"value": f"token={SECRET}"})
        before = {path.name: path.read_bytes() for path in Path().glob("a.db*")}
        assert SECRET.encode() not in before["a.db"]
        assert ("ItemTable", 1, "/value") in in_rows(Path())
        assert {path.name: path.read_bytes() for path in Path().glob("a.db*")} == before


def test_a_deleted_row_is_found_in_the_raw_pages() -> None:
    """Its table and row are gone, its bytes are not."""
    path = made(
        Path("a.db"), "PRAGMA secure_delete = OFF", CREATE, INSERT, "DELETE FROM ItemTable", value=f"token={SECRET}"
    )
    (finding,) = scanned(path).findings
    (place,) = finding.occurrences
    assert (place.table, path.read_bytes()[place.start : place.end]) == (None, SECRET.encode())


def test_two_cells_are_not_put_together() -> None:
    """What stands at the end of one and the beginning of the next is no key."""
    path = made(
        Path("a.db"), "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (:a, :b)", a="x" * 60 + SECRET[:20], b=SECRET[20:]
    )
    assert scanned(path).findings == ()


def test_what_a_schema_asks_for_is_not_run() -> None:
    """Views, triggers, virtual tables, computed columns: none is asked, and rows of real tables are read."""
    path = made(
        Path("a.db"),
        CREATE,
        INSERT,
        "CREATE VIEW v AS SELECT load_extension('/tmp/evil.so') FROM ItemTable",
        "CREATE VIRTUAL TABLE f USING fts5(body)",
        "CREATE TABLE g (a TEXT GENERATED ALWAYS AS (b), b TEXT)",
        "INSERT INTO g VALUES (:value)",
        value=f"token={SECRET}",
    )
    assert set(in_rows(path)) == {("ItemTable", 1, "/value"), ("g", 1, "/b")}
    assert scanned(path).coverage.complete


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT upper(value) FROM ItemTable",
        "SELECT * FROM v",
        "INSERT INTO ItemTable VALUES ('a', 'b')",
        "ATTACH '/etc/passwd' AS other",
        "PRAGMA writable_schema = ON",
        "CREATE TEMP TABLE t (a)",
    ],
)
def test_a_connection_does_nothing_but_read(statement: str) -> None:
    """Whatever a schema could lead to: functions, other files, writing."""
    path = made(Path("a.db"), CREATE, "CREATE VIEW v AS SELECT upper(value) FROM ItemTable")
    with closing(open_for_reading(str(path))) as connection:
        assert connection.execute("SELECT value FROM ItemTable").fetchall() == []
        with pytest.raises(sqlite3.Error):
            connection.execute(statement)


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _root_of_another(data: bytes) -> bytes:
    chance = random.Random(1)
    spoilt = bytearray(data)
    for _ in range(300):
        spoilt[chance.randrange(100, len(spoilt))] = chance.randrange(256)
    return bytes(spoilt)


HOSTILE = [
    pytest.param(_cut, id="cut off"),
    pytest.param(lambda data: data[:16] + b"\xff" * (len(data) - 16), id="a magic number and garbage"),
    pytest.param(lambda data: data[:20], id="a magic number alone"),
    pytest.param(_root_of_another, id="spoilt here and there"),
    pytest.param(lambda data: data[:16] + b"\xff\xff" + data[18:], id="a page size of no size"),
]


@pytest.mark.parametrize("spoil", HOSTILE)
def test_a_spoilt_database_is_a_gap_and_its_bytes_are_read(spoil: Callable[[bytes], bytes]) -> None:
    """A key that stands in it plainly is found."""
    statements = [CREATE, *(f"INSERT INTO ItemTable VALUES ('{n}', '{'y' * 900}')" for n in range(40))]
    path = made(Path("a.db"), *statements)
    path.write_bytes(spoil(path.read_bytes()) + b"\0\ntoken=" + SECRET.encode() + b"\n")
    result = scanned(path)
    assert [skip.reason for skip in result.coverage.skipped] == [Gap.DATABASE_BROKEN]
    assert len(result.findings) == 1


def test_a_damaged_database_never_ends_a_scan() -> None:
    """Read or a gap, whatever bytes are changed."""
    good = made(Path("a.db"), CREATE, INSERT, "CREATE INDEX i ON ItemTable (value)", value="z" * 3000).read_bytes()
    chance = random.Random(7)
    for number in range(25):
        spoilt = bytearray(good)
        for _ in range(chance.randrange(1, 40)):
            spoilt[chance.randrange(16, len(spoilt))] = chance.randrange(256)
        Path(f"{number}.db").write_bytes(spoilt)
    Path("a.db").unlink()
    result = scanned(Path())
    assert {skip.reason for skip in result.coverage.skipped} <= {Gap.DATABASE_BROKEN}
    assert result.coverage.files == 25


def test_a_schema_that_is_its_own_page_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table whose root is the schema's page, and a log that is a link to another file, lead nowhere."""
    path = made(
        Path("a.db"),
        CREATE,
        INSERT,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET rootpage = 1",
        value="v" * 50,
    )
    Path("other").write_bytes(b"not a log")
    Path("a.db-wal").symlink_to("other")
    assert {skip.reason for skip in scanned(path).coverage.skipped} <= {Gap.DATABASE_BROKEN}


def test_no_copy_stays_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even where a scan is left in the middle."""
    made(Path("a.db"), CREATE, INSERT, value=SECRET)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    from keysweep.scanner.coverage import CoverageLog

    (blob,) = Files(Path("a.db")).blobs(CoverageLog())
    segments = READERS[0].segments(blob, CoverageLog())
    next(segments)
    assert list(temporary.iterdir())
    segments.close()  # type: ignore[attr-defined]  # it is a generator
    assert list(temporary.iterdir()) == []
