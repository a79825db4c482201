"""Checkpoints that leave the host, and what they prove: a ledger that was cut, forked, or put back from a backup."""

from __future__ import annotations

import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.settings import Settings
from tests.fakes.program import keysweep


def add(name: str) -> None:
    """Add an entry to the ledger."""
    assert keysweep("keys", "add", name, "--provider", "p", stdin=f"value of {name}").returncode == 0


def cut(place: Settings, behind: int) -> None:
    """Cut the ledger and its checkpoints, as whoever has the file can."""
    connection = sqlite3.connect(place.store)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM checkpoint_export")
    connection.execute("DELETE FROM checkpoint WHERE seq > ?", [behind])
    connection.execute("DELETE FROM ledger WHERE seq > ?", [behind])
    connection.commit()
    connection.close()


def copy_of(place: Settings, folder: Path) -> Path:
    """A backup of the store's file."""
    reading, writing = sqlite3.connect(place.store), sqlite3.connect(folder / "backup.db")
    reading.backup(writing)
    reading.close()
    writing.close()
    return folder / "backup.db"


def put_back(place: Settings, backup: Path) -> None:
    """Put a backup in the store's place."""
    for ending in ("-wal", "-shm"):
        Path(place.store + ending).unlink(missing_ok=True)
    shutil.copy(backup, place.store)
    Path(place.store).chmod(0o600)


@pytest.fixture
def elsewhere(place: Settings, private_world: Path, tmp_path: Path) -> dict[str, str]:
    """The environment of another machine: it has seen nothing of the store."""
    return {"XDG_STATE_HOME": str(tmp_path / "other-state")}


def test_a_checkpoint_is_a_line_of_json(place: Settings) -> None:
    """On standard output, with all that its check needs; the same head is signed once."""
    add("one")
    first, second = (json.loads(keysweep("audit", "checkpoint").stdout) for _ in range(2))
    assert first == second
    assert first["schema"] == "keysweep.dev/checkpoint/v1"
    assert first["head"] == keysweep("verify").stdout.split()[-1]


def test_a_file_is_added_to_and_holds_the_ledger(place: Settings, private_world: Path) -> None:
    """One line each time; mode 0600; verifies."""
    for name in ("one", "two"):
        add(name)
        assert keysweep("audit", "checkpoint", "--to", "anchors").returncode == 0
    path = private_world / "anchors"
    assert [json.loads(line)["seq"] for line in path.read_text().splitlines()] == [2, 3]
    assert path.stat().st_mode & 0o777 == 0o600
    assert keysweep("verify", "--anchor", "anchors").returncode == 0


def test_a_line_that_was_cut_while_it_was_written_spoils_nothing(place: Settings, private_world: Path) -> None:
    """The next one begins on a line of its own; the cut one is left out.  Any other broken line is refused."""
    add("one")
    keysweep("audit", "checkpoint", "--to", "anchors")
    path = private_world / "anchors"
    path.write_text(path.read_text()[:-40])
    add("two")
    keysweep("audit", "checkpoint", "--to", "anchors")
    assert len(path.read_text().splitlines()) == 2
    assert keysweep("verify", "--anchor", "anchors").returncode == 0
    path.write_text(path.read_text().replace('"head": "', '"head": "x'))
    assert keysweep("verify", "--anchor", "anchors").returncode == 2


def test_a_ledger_that_was_cut_is_noticed_with_an_anchor(place: Settings, elsewhere: dict[str, str]) -> None:
    """By a machine that sees the store for the first time; and by none without the anchor."""
    for name in ("one", "two", "three"):
        add(name)
    keysweep("audit", "checkpoint", "--to", "anchors")
    cut(place, behind=2)
    done = keysweep("verify", "--anchor", "anchors", environ=elsewhere)
    assert done.returncode == 7
    assert "ledger entry 3: truncated: an anchor names entry 4" in done.stderr


def test_an_old_copy_is_noticed_by_the_machine_that_saw_the_new_one(place: Settings, tmp_path: Path) -> None:
    """Without any anchor: each command notes how far the ledger was."""
    add("one")
    backup = copy_of(place, tmp_path)
    add("two")
    put_back(place, backup)
    done = keysweep("verify")
    assert done.returncode == 7
    assert "ledger entry 3: truncated" in done.stderr
    assert "keysweep verify --accept-restored" in done.stderr


def test_a_copy_that_went_on_by_itself_is_noticed_too(
    place: Settings, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    """Every entry is of this store, so that only what was seen before tells; other commands warn of it."""
    add("one")
    backup = copy_of(place, tmp_path)
    add("two")
    keysweep("audit", "checkpoint", "--to", "anchors")
    put_back(place, backup)
    warned = keysweep("keys", "add", "three", "--provider", "p", stdin="value of three")
    assert warned.returncode == 0
    assert "the ledger is not the one that this machine has seen" in warned.stderr
    for more, environ in (((), {}), (("--anchor", "anchors"), elsewhere)):
        done = keysweep("verify", *more, environ=environ)
        assert done.returncode == 7
        assert "ledger entry 3: forked" in done.stderr


def test_a_backup_that_was_put_back_on_purpose_is_accepted_once(place: Settings, tmp_path: Path) -> None:
    """It stands in the ledger, with what was seen before; then all is well."""
    add("one")
    backup = copy_of(place, tmp_path)
    add("two")
    put_back(place, backup)
    assert keysweep("verify", "--accept-restored").returncode == 0
    assert keysweep("verify").returncode == 0
    last = json.loads(keysweep("audit", "-o", "json").stdout)["entries"][-1]
    assert (last["action"], last["detail"]["seen"]) == ("store.restored", 3)


def test_the_anchor_of_another_store_is_refused(place: Settings, tmp_path: Path) -> None:
    """It is signed with another key."""
    other = ("--store", tmp_path / "o.db", "--key-file", tmp_path / "o.key")
    keysweep("init", *other)
    keysweep("audit", "checkpoint", "--to", "anchors", *other)
    done = keysweep("verify", "--anchor", "anchors")
    assert done.returncode == 7
    assert "signed with another key" in done.stderr


def test_an_export_is_held_against_an_anchor_without_the_store(place: Settings, private_world: Path) -> None:
    """An auditor has the export, the anchors and one file of ours, printed by a command."""
    for name in ("one", "two"):
        add(name)
    anchor = json.loads(keysweep("audit", "checkpoint", "--to", "anchors").stdout or "{}")
    assert anchor == {}
    lines = keysweep("audit", "-o", "jsonl").stdout.splitlines()
    (private_world / "verify.py").write_text(keysweep("audit", "verifier").stdout)
    shutil.rmtree(Path(place.store).parent)
    key = json.loads((private_world / "anchors").read_text())["public_key"]

    def both(*more: str) -> tuple[int, int]:
        ours = keysweep("verify", "ledger.data", "--anchor", "anchors", *(("--public-key", more[0]) if more else ()))
        alone = subprocess.run(
            [sys.executable, "-I", "-S", "verify.py", *(("--key", more[0]) if more else ()), "ledger.data", "anchors"],
            capture_output=True,
            check=False,
        )
        return ours.returncode, alone.returncode

    export = private_world / "ledger.data"
    export.write_text("\n".join(lines) + "\n")
    assert both() == both(key) == (0, 0)
    assert both("00" * 32) == (7, 7)
    export.write_text("\n".join(lines[:2]) + "\n")
    assert both() == (7, 7)
    export.write_text("\n".join(lines) + "\n")
    forged = json.loads((private_world / "anchors").read_text())
    (private_world / "anchors").write_text(json.dumps(forged | {"at": "2027-01-01T00:00:00.000000Z"}) + "\n")
    assert both() == (7, 7)


@pytest.mark.parametrize("key", ["xyz", "0"])
def test_a_public_key_that_is_none_is_a_usage_error(place: Settings, key: str) -> None:
    """Exit 2."""
    assert keysweep("verify", "--public-key", key).returncode == 2


def test_the_public_key_of_another_store_is_an_integrity_failure(place: Settings) -> None:
    """A store that was made anew under the old name."""
    assert keysweep("verify", "--public-key", "00" * 32).returncode == 7


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A syslog collector over TCP: its address and what it got."""
    got: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                while block := connection.recv(4096):
                    got.append(block)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"syslog:tcp://127.0.0.1:{server.getsockname()[1]}", got
        thread.join(5)


def _is_record(record: bytes) -> dict[str, object]:
    head, _, line = record.partition(b"{")
    priority, at, _host, program, pid, name, structured = head.decode().split()
    assert (priority, program, name, structured) == ("<109>1", "keysweep", "checkpoint", "-")
    assert at.endswith("Z")
    assert pid.isdecimal()
    return dict(json.loads(b"{" + line))


def test_syslog_over_tcp_gets_a_record_with_its_length(
    place: Settings, collector: tuple[str, list[bytes]], private_world: Path
) -> None:
    """RFC 5424, framed by counting (RFC 6587); what a collector writes down is an anchor."""
    address, got = collector
    assert keysweep("audit", "checkpoint", "--to", address).returncode == 0
    length, _, record = b"".join(got).partition(b" ")
    assert int(length) == len(record)
    assert _is_record(record)["seq"] == 1
    (private_world / "messages").write_bytes(record + b"\n")
    assert keysweep("verify", "--anchor", "messages").returncode == 0


def test_syslog_over_udp_and_a_local_socket_get_a_datagram(place: Settings, tmp_path: Path) -> None:
    """One each."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local,
    ):
        udp.bind(("127.0.0.1", 0))
        local.bind(str(tmp_path / "log"))
        for where, receiver in (
            (f"syslog:udp://127.0.0.1:{udp.getsockname()[1]}", udp),
            (f"syslog:{tmp_path}/log", local),
        ):
            receiver.settimeout(5)
            assert keysweep("audit", "checkpoint", "--to", where).returncode == 0
            assert _is_record(receiver.recv(4096))["seq"] == 1


@pytest.mark.parametrize(
    "where", ["syslog:/nowhere/log", "syslog:tcp://127.0.0.1:1", "syslog:ftp://host", "syslog:udp://", "/nowhere/file"]
)
def test_a_place_that_cannot_be_reached_is_said(place: Settings, where: str) -> None:
    """Exit 2, no traceback."""
    done = keysweep("audit", "checkpoint", "--to", where)
    assert done.returncode == 2
    assert "Error: " in done.stderr


def test_checkpoints_leave_by_themselves_as_often_as_the_settings_say(place: Settings, private_world: Path) -> None:
    """After two entries more, or after a time; a place that cannot be reached is said and ends nothing."""
    settings = private_world / "keysweep.toml"
    settings.write_text('[audit]\nanchor = "anchors"\nanchor_entries = 2\nanchor_minutes = 1000\n')
    for name in ("a", "b", "c", "d"):
        add(name)
    seqs = [json.loads(line)["seq"] for line in (private_world / "anchors").read_text().splitlines()]
    assert seqs == [2, 4]
    assert keysweep("keys", "list").returncode == 0
    assert len((private_world / "anchors").read_text().splitlines()) == 2
    settings.write_text('[audit]\nanchor = "/nowhere/anchors"\n')
    done = keysweep("keys", "add", "e", "--provider", "p", stdin="value")
    assert done.returncode == 0
    assert "Warning: the checkpoint was not taken off" in done.stderr


def test_the_ledger_is_asked_by_time_action_and_actor(place: Settings) -> None:
    """Each narrows; what is no time is a usage error."""
    for name in ("one", "two"):
        add(name)

    def asked(*options: str) -> list[int]:
        done = keysweep("audit", "-o", "json", *options)
        assert done.returncode == 0, done.stderr
        record = json.loads(done.stdout)
        assert record["schema"] == "keysweep.dev/ledger/v1"
        return [entry["seq"] for entry in record["entries"]]

    assert asked() == [1, 2, 3]
    assert asked("--action", "key.*") == [2, 3]
    assert asked("--action", "store.created") == [1]
    assert asked("--actor", "agent:*") == []
    assert asked("--since", "1h") == [1, 2, 3]
    assert asked("--until", "1h") == []
    assert asked("--since", "2020-01-01", "--until", "2020-01-02T00:00:00Z") == []
    assert asked("--key", "two", "--action", "key.*") == [3]
    for wrong in ("yesterday", "2026-13-01", "2026-01-01T00:00:00"):
        assert keysweep("audit", "--since", wrong).returncode == 2
    assert keysweep("audit", "-o", "jsonl", "--action", "key.*").returncode == 2
