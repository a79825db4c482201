"""Opening a store: full durability, private files, and a named failure for whatever is not a store."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event, text

from keysweep.foundation.database.connect import Database, StoreMissingError, open_database
from keysweep.foundation.errors import DeniedError, ExitCode, IntegrityError, KeysweepError, UsageError


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store is made; its folder is not there yet."""
    return tmp_path / "new" / "store.db"


@pytest.mark.parametrize(
    ("pragma", "expected"),
    [
        pytest.param("journal_mode", "wal", id="a write-ahead log: readers do not wait"),
        pytest.param("synchronous", 2, id="FULL: a commit survives a power cut"),
        pytest.param("foreign_keys", 1, id="references hold"),
        pytest.param("secure_delete", 1, id="deleted bytes are overwritten"),
        pytest.param("trusted_schema", 0, id="a planted view runs no function"),
        pytest.param("recursive_triggers", 1, id="REPLACE asks the delete trigger"),
    ],
)
@pytest.mark.parametrize("through", ["read", "write"])
def test_every_connection_has_the_pragmas(path: Path, through: str, pragma: str, expected: object) -> None:
    """They are set anew for each connection, not only for the one that made the file."""
    open_database(str(path), create=True).close()
    database = open_database(str(path))
    for _ in range(2):
        with getattr(database, through)() as connection:
            assert expected == connection.execute(text(f"PRAGMA {pragma}")).scalar()
    database.close()


def test_the_files_are_private_whatever_the_umask(path: Path) -> None:
    """0600 for the file, its log and its index; 0700 for a folder that we make."""
    before = os.umask(0)
    try:
        database = open_database(str(path), create=True)
        with database.write() as connection:
            connection.execute(text("INSERT INTO store VALUES (1, 't', 'now')"))
            files = sorted(file.name for file in path.parent.iterdir())
            assert files == ["store.db", "store.db-shm", "store.db-wal"]
            assert {0o600} == {mode(file) for file in path.parent.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert mode(path.parent) == 0o700


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is not a database at all" * 200)
    path.chmod(0o600)


def _open_to_others(path: Path) -> None:
    open_database(str(path), create=True).close()
    path.chmod(0o640)


def _link(path: Path) -> None:
    open_database(str(path.with_name("real.db")), create=True).close()
    path.symlink_to(path.with_name("real.db"))


def _dangling(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.db"))


def _folder(path: Path) -> None:
    path.mkdir(mode=0o700)


@pytest.mark.parametrize(
    ("prepare", "error", "code"),
    [
        pytest.param(_garbage, IntegrityError, ExitCode.INTEGRITY, id="a file that is no database"),
        pytest.param(_open_to_others, DeniedError, ExitCode.DENIED, id="a file that others may read"),
        pytest.param(_link, DeniedError, ExitCode.DENIED, id="a link to a store"),
        pytest.param(_dangling, UsageError, ExitCode.USAGE, id="a link to nothing"),
        pytest.param(_folder, DeniedError, ExitCode.DENIED, id="a folder"),
    ],
)
def test_what_is_not_a_private_store_is_refused(
    path: Path, prepare: Callable[[Path], None], error: type[KeysweepError], code: ExitCode
) -> None:
    """A named error with its exit code, also when asked to create."""
    path.parent.mkdir(mode=0o700)
    prepare(path)
    with pytest.raises(error) as caught:
        open_database(str(path), create=True)
    assert code == caught.value.exit_code


def test_a_store_that_is_not_there_is_not_made_by_opening(path: Path) -> None:
    """Only `init` makes one; the error names the command."""
    with pytest.raises(StoreMissingError) as caught:
        open_database(str(path))
    assert caught.value.hint == "keysweep init"
    assert not path.parent.exists()


@pytest.mark.parametrize(
    "store",
    [
        pytest.param("/proc/keysweep/store.db", id="a folder where nothing can be made"),
        pytest.param("/dev/null/store.db", id="below something that is no folder"),
        pytest.param("mystery://host/db", id="a URL of an engine that nobody knows"),
        pytest.param("postgresql+psycopg://host:port/db", id="a URL that cannot be read"),
    ],
)
def test_a_place_that_cannot_be_is_a_usage_error(store: str) -> None:
    """Exit 2, and no traceback."""
    with pytest.raises(UsageError):
        open_database(store, create=True)


def test_an_unreachable_server_is_denied_without_its_password() -> None:
    """The message has neither the address nor the password of the URL."""
    password = "swordfish-swordfish"
    with pytest.raises(DeniedError) as caught:
        open_database(f"postgresql+psycopg://me:{password}@127.0.0.1:1/db")
    assert "swordfish" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize(
    ("end", "expected"),
    [pytest.param(None, 1, id="committed at its end"), pytest.param(KeyError, 0, id="undone when it raises")],
)
def test_a_write_is_all_or_nothing(store: Database, end: type[Exception] | None, expected: int) -> None:
    """One block, one transaction, on either engine."""

    def write() -> None:
        with store.write() as connection:
            connection.execute(text("INSERT INTO store VALUES (1, 't', 'now')"))
            if end is not None:
                raise end

    if end is None:
        write()
    else:
        with pytest.raises(end):
            write()
    with store.read() as connection:
        assert expected == connection.execute(text("SELECT count(*) FROM store")).scalar()


def test_reading_and_then_writing_is_one_decision(path: Path) -> None:
    """Writers wait for each other from the first read on: no update is lost and none fails as busy."""
    database = open_database(str(path), create=True)
    with database.write() as connection:
        connection.execute(text("INSERT INTO store VALUES (1, '0', 'now')"))

    def add_one(_: int) -> None:
        with database.write() as connection:
            seen = int(connection.execute(text("SELECT tenant FROM store")).scalar() or 0)
            connection.execute(text("UPDATE store SET tenant = :t"), {"t": str(seen + 1)})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(40)))
    with database.read() as connection:
        assert connection.execute(text("SELECT tenant FROM store")).scalar() == "40"
    database.close()


def test_a_damaged_page_is_an_integrity_failure(path: Path) -> None:
    """A store of which one page was overwritten ends in exit 7, not in a traceback."""
    database = open_database(str(path), create=True)
    with database.read() as connection:
        root = connection.execute(text("SELECT rootpage FROM sqlite_master WHERE name = 'credential'")).scalar()
        size = connection.execute(text("PRAGMA page_size")).scalar()
    database.forget_log()
    database.close()
    with path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    database = open_database(str(path))
    with pytest.raises(IntegrityError, match="damaged"), database.read() as connection:
        connection.execute(text("SELECT * FROM credential")).all()
    database.close()


def test_a_store_that_another_program_locks_is_denied(path: Path) -> None:
    """Whoever waited long enough gets a sentence, not a traceback."""
    database = open_database(str(path), create=True)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    event.listen(database.engine, "connect", lambda raw, _: raw.execute("PRAGMA busy_timeout = 1"))
    database.engine.dispose()  # else the connection that is kept waits its fifteen seconds
    with pytest.raises(DeniedError, match="locked"), database.write():
        pass
    holder.close()
    database.close()


def test_forgetting_the_log_empties_it(path: Path) -> None:
    """So that what was shredded does not lie in the write-ahead log any longer."""
    database = open_database(str(path), create=True)
    mark = "shredded-" + "x" * 20
    keeper = sqlite3.connect(path)  # the log is deleted when the last connection goes
    keeper.execute("SELECT 1 FROM store").fetchall()
    with database.write() as connection:
        connection.execute(text("INSERT INTO store VALUES (1, :m, 'now')"), {"m": mark})
    with database.write() as connection:
        connection.execute(text("DELETE FROM store"))
    wal = path.with_name("store.db-wal")
    assert mark.encode() in wal.read_bytes()
    database.forget_log()
    assert wal.read_bytes() == b""
    assert mark.encode() not in path.read_bytes()
    keeper.close()
    database.close()


def test_opening_a_store_that_is_up_to_date_imports_no_alembic(path: Path) -> None:
    """Migrations cost their import only where there is something to migrate."""
    open_database(str(path), create=True).close()
    program = (
        "import sys; from keysweep.foundation.database.connect import open_database;"
        f"open_database({str(path)!r}).close(); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_a_read_is_one_snapshot_on_either_engine(store: Database) -> None:
    """What another transaction commits meanwhile is not seen by a read that has begun."""
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM store")).scalar() == 0
        with store.write() as other:
            other.execute(text("INSERT INTO store VALUES (1, 't', 'now')"))
        assert connection.execute(text("SELECT count(*) FROM store")).scalar() == 0
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM store")).scalar() == 1


def test_two_writers_decide_one_after_the_other_on_either_engine(store: Database) -> None:
    """No update is lost, none fails, and rows that are locked in another order do not deadlock."""
    with store.write() as connection:
        connection.execute(text("INSERT INTO store VALUES (1, '0', 'now')"))
        for name in "ab":
            connection.execute(text("INSERT INTO agent VALUES (:n, '0', '{}', 'now')"), {"n": name})

    def add_one(turn: int) -> None:
        with store.write() as connection:
            for name in "ab" if turn % 2 else "ba":
                seen = int(
                    connection.execute(text("SELECT kind FROM agent WHERE name = :n"), {"n": name}).scalar() or 0
                )
                time.sleep(0.002)
                connection.execute(text("UPDATE agent SET kind = :k WHERE name = :n"), {"k": str(seen + 1), "n": name})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(24)))
    with store.read() as connection:
        assert connection.execute(text("SELECT DISTINCT kind FROM agent")).scalars().all() == ["24"]


def test_text_sorts_by_its_bytes_on_either_engine(store: Database) -> None:
    """Whatever the server's locale: capitals first, accents last."""
    names = ["Zebra", "apple", "banana", "\u00e4pfel", "_x", "a b", "ab"]
    with store.write() as connection:
        for name in names:
            connection.execute(text("INSERT INTO agent VALUES (:n, 'k', '{}', 'now')"), {"n": name})
    with store.read() as connection:
        found = connection.execute(text("SELECT name FROM agent ORDER BY name")).scalars().all()
        assert sorted(names, key=str.encode) == found
        if connection.dialect.name == "postgresql":
            loose = text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
            )
            assert connection.execute(loose).all() == []


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """By the innermost mount that the kernel names, before anything is made there; a local one within it is taken."""
    local = path.parent / "local"
    mounts = f"/dev/sda / ext4 rw 0 0\nserver:/x {path.parent} {kind} rw 0 0\n/dev/sdb {local} ext4 rw 0 0\n"
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda self, *a, **k: mounts if str(self) == "/proc/self/mounts" else read(self, *a, **k)
    )
    with pytest.raises(DeniedError, match="network file system") as caught:
        open_database(str(path), create=True)
    assert caught.value.exit_code is ExitCode.DENIED
    assert not path.exists()
    open_database(str(local / "store.db"), create=True).close()
