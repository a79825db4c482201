"""The socket of the resident process: in a folder of its own, for one process at a time, or handed over by systemd."""

from __future__ import annotations

import fcntl
import os
import socket
import stat
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path

from keysweep.foundation.errors import DeniedError, UsageError

_BACKLOG = 256
_FIRST_HANDED_OVER = 3
"""sd_listen_fds(3)."""
_LONGEST = 107
"""Bytes of a socket's path, by the kernel's `sockaddr_un`."""


class AlreadyRunningError(UsageError):
    """Another process listens there."""


@contextmanager
def listening(path: Path, environ: MutableMapping[str, str], *, shared: bool) -> Iterator[tuple[socket.socket, str]]:
    """Listen for the length of a block; yields the socket and where it is.

    Args:
        path: where to listen, unless systemd handed a socket over.
        environ: of this process; what systemd said in it is taken out, so that no child believes it.
        shared: let other users of this machine connect; what they get is decided for each question.

    Raises:
        AlreadyRunningError: another process listens there.
        UsageError: it is no place for a socket.
        DeniedError: the folder is open to others.
    """
    if sys.platform != "linux":
        msg = "the daemon asks the kernel who connects, which it does on Linux only"
        raise UsageError(msg)
    handed = _handed_over(environ)
    if handed is not None:
        with handed:
            yield handed, str(handed.getsockname())
        return
    if len(os.fsencode(path)) > _LONGEST:
        msg = f"the path of a socket has {_LONGEST} bytes at most"
        raise UsageError(msg, hint="keysweep daemon --socket /run/user/UID/keysweep/daemon.sock")
    _make_folder(path.parent, shared=shared)
    with _alone(path), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as own:
        _remove_stale(path)
        own.bind(str(path))
        mine = path.lstat()
        try:
            path.chmod(0o666 if shared else 0o600)
            own.listen(_BACKLOG)
            yield own, str(path)
        finally:
            with suppress(OSError):
                if os.path.samestat(path.lstat(), mine):
                    path.unlink()


def notify(environ: MutableMapping[str, str], state: str) -> None:
    """Tell systemd what this process is about, if it asked for that: `READY=1`, `STOPPING=1` (sd_notify(3))."""
    where = environ.get("NOTIFY_SOCKET", "")
    if not where.startswith(("/", "@")):
        return
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), f"\0{where[1:]}" if where.startswith("@") else where)


def _handed_over(environ: MutableMapping[str, str]) -> socket.socket | None:
    """Return the socket that systemd opened for this process; None if it did not.

    Raises:
        UsageError: it is none that can be used.
    """
    pid, count = environ.pop("LISTEN_PID", ""), environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return None
    try:
        os.set_inheritable(_FIRST_HANDED_OVER, False)  # noqa: FBT003  its shape
        handed = socket.socket(fileno=_FIRST_HANDED_OVER)
        fits = (
            count == "1"
            and (handed.family, handed.type) == (socket.AF_UNIX, socket.SOCK_STREAM)
            and handed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1
        )
    except OSError:
        fits = False
    if not fits:
        msg = "systemd handed over no single stream socket of the UNIX family"
        raise UsageError(msg, hint="one ListenStream= with an absolute path in the .socket unit")
    return handed


def _make_folder(folder: Path, *, shared: bool) -> None:
    mode = 0o711 if shared else 0o700
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
        if found.st_uid not in {0, os.getuid()} or found.st_mode & 0o022:
            msg = f"{folder} is another user's, or others may write there"
            raise DeniedError(msg, hint=f"chmod 700 {folder}, or another folder: keysweep daemon --socket PATH")
        if found.st_uid == os.getuid() and found.st_mode & 0o077 != mode & 0o077:
            folder.chmod(mode)
    except OSError as error:
        msg = f"no socket can be made in {folder}: {error.strerror}"
        raise UsageError(msg, hint="keysweep daemon --socket PATH") from error


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the lock beside the socket; it ends with the process, however that ends."""
    lock = os.open(f"{path}.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            msg = f"another daemon listens at {path}"
            raise AlreadyRunningError(msg, hint="keysweep doctor") from None
        yield
    finally:
        os.close(lock)


def _remove_stale(path: Path) -> None:
    """Remove a socket that a killed daemon left.  The lock is ours, so nobody listens on it."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            msg = f"{path} is there and is no socket"
            raise UsageError(msg, hint="keysweep daemon --socket PATH")
        path.unlink()
    except FileNotFoundError:
        pass
