"""Where the daemon listens: in a folder that nobody else can write, in the place of a dead one, or on what systemd hands over."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.rotation.daemon import client
from keysweep.rotation.daemon.client import NoDaemonError
from keysweep.rotation.daemon.listening import AlreadyRunningError, listening, notify
from keysweep.rotation.daemon.peer import is_listed
from keysweep.rotation.daemon.refusals import Refusals
from tests.fakes.daemons import STRANGER, as_stranger, furnish, house, needs_root, ready


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a path that is short enough for a socket."""
    made = Path(tempfile.mkdtemp(prefix="ks-", dir="/tmp"))
    yield made
    shutil.rmtree(made)


@pytest.mark.parametrize(("shared", "modes"), [(False, (0o700, 0o600)), (True, (0o711, 0o666))])
def test_others_can_connect_only_where_that_is_asked_for(shared: bool, modes: tuple[int, int], folder: Path) -> None:
    """By the modes of the folder, which is made, and of the socket, which goes when it ends."""
    path = folder / "run" / "d.sock"
    with listening(path, {}, shared=shared) as (_, where):
        assert where == str(path)
        assert tuple(stat.S_IMODE(one.stat().st_mode) for one in (path.parent, path)) == modes
    assert not path.exists()


def test_one_daemon_at_a_place(folder: Path) -> None:
    """The second is refused while the first lives."""
    path = folder / "d.sock"
    with listening(path, {}, shared=False):
        with pytest.raises(AlreadyRunningError), listening(path, {}, shared=False):
            pass
        assert path.is_socket()


def test_what_is_no_socket_is_not_removed(folder: Path) -> None:
    """Whoever mistypes a path loses no file."""
    path = folder / "d.sock"
    path.write_text("mine")
    with pytest.raises(UsageError), listening(path, {}, shared=False):
        pass
    assert path.read_text() == "mine"


def test_a_folder_that_others_write_is_refused(folder: Path) -> None:
    """They could put a socket of their own there."""
    folder.chmod(0o777)
    with pytest.raises(DeniedError), listening(folder / "d.sock", {}, shared=False):
        pass


def test_a_path_that_is_too_long_for_a_socket_is_named(folder: Path) -> None:
    """Before anything is made."""
    with pytest.raises(UsageError, match="107 bytes"), listening(folder / ("x" * 120), {}, shared=False):
        pass
    assert list(folder.iterdir()) == []


def test_a_client_believes_no_socket_that_others_could_have_put_there(folder: Path) -> None:
    """It would send what it found to whoever listens, and take from it what it says."""
    with listening(folder / "d.sock", {}, shared=False):
        folder.chmod(0o777)
        with pytest.raises(NoDaemonError, match="open to others"):
            client.status(folder / "d.sock")


@needs_root
def test_a_client_believes_no_other_user(folder: Path) -> None:
    """Unless the folder is that user's: here it is root's, and a stranger listens."""
    inner = folder / "d.sock"
    folder.chmod(0o711)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(inner))

        def act() -> bytes:
            listener.listen(1)
            return b"listens"

        assert as_stranger(act) == b"listens"
        with pytest.raises(NoDaemonError, match="another user"):
            client.status(inner)


_HANDS_OVER = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.executable, [sys.executable, "-m", "keysweep", "-q", "daemon"])
"""


def test_it_takes_the_socket_that_systemd_opened() -> None:
    """Who asks before it is ready is answered; it says when it is, and when it ends; the socket stays, it is systemd's."""
    with house() as home, ready(home) as (where, word):
        furnish(home, {"orders-key": ("orders", "orders-0123456789")}, {"orders": ("process", "")})
        home.socket.parent.mkdir(mode=0o700)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(home.socket))
            listener.listen(8)
            process = subprocess.Popen(
                [sys.executable, "-c", _HANDS_OVER, str(listener.fileno())],
                env={**os.environ, **home.environ, "NOTIFY_SOCKET": where},
                pass_fds=[listener.fileno()],
            )
            try:
                assert word() == b"READY=1"
                (answer,) = client.resolve(home.socket, "orders", ("orders-key",), "helper")
                assert answer.secret is not None
                assert answer.secret.reveal() == b"orders-0123456789"
            finally:
                process.terminate()
                assert process.wait(60) == 0
            assert word() == b"STOPPING=1"
        assert home.socket.is_socket()


@pytest.mark.parametrize("count", ["2", "0", "x"])
def test_what_systemd_hands_over_must_be_one_socket(count: str, folder: Path) -> None:
    """Else it does not start, and does not listen elsewhere."""
    environ = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}
    kept = os.dup(3) if _is_open(3) else None
    ours, theirs = os.pipe()
    os.dup2(ours, 3)
    try:
        with pytest.raises(UsageError, match="systemd"), listening(folder / "d.sock", environ, shared=False):
            pass
    finally:
        os.close(3) if kept is None else os.dup2(kept, 3)
        for descriptor in {ours, theirs} - {3}:
            os.close(descriptor)
        if kept is not None:
            os.close(kept)
    assert environ == {}


def test_what_is_meant_for_another_process_is_not_taken(folder: Path) -> None:
    """LISTEN_PID names it."""
    with listening(folder / "d.sock", {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, shared=False) as (_, where):
        assert where == str(folder / "d.sock")


def test_nobody_is_notified_where_nobody_asked() -> None:
    """And an address that is none does no harm."""
    notify({}, "READY=1")
    notify({"NOTIFY_SOCKET": "/nowhere/at/all"}, "READY=1")


@pytest.mark.parametrize(
    ("users", "expected"),
    [
        pytest.param("", False, id="nobody"),
        pytest.param("65534", True, id="by number"),
        pytest.param("alice, svc ,bob", True, id="by name, among others"),
        pytest.param("alice", False, id="somebody else"),
        pytest.param("6553", False, id="another number that begins so"),
        pytest.param("nobody-of-that-name", False, id="a user that is not there"),
        pytest.param(",", False, id="a comma"),
    ],
)
def test_users_are_told_by_number(users: str, expected: bool) -> None:
    """Names are looked up when somebody asks."""
    assert (
        is_listed(STRANGER, users, uid_of=lambda user: {"svc": STRANGER, "alice": 7}.get(user, _number(user)))
        is expected
    )


def test_a_name_that_this_machine_does_not_know_is_nobody() -> None:
    """With the machine's own list."""
    assert not is_listed(0, "no-such-user-here")
    assert is_listed(0, "root")


def test_refusals_beyond_sixty_a_minute_are_counted() -> None:
    """By user; another one's are written down, and after a minute one by one again."""
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    assert [refusals.count(1) for _ in range(62)] == [True] * 60 + [False] * 2
    assert refusals.count(2)
    assert refusals.owed() == {1: 2}
    assert refusals.owed() == {}
    now[0] = 61.0
    assert refusals.count(1)


def _number(user: str) -> int | None:
    return int(user) if user.isdecimal() else None


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
