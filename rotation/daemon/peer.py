"""Who asks: told by the kernel when the connection is made, never by what is said over it."""

from __future__ import annotations

import pwd
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

_CREDENTIALS = struct.Struct("3i")
_ROOT = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """The process at the other end."""

    uid: int
    pid: int
    """As the kernel had it when the process connected; it may have ended since."""
    trusted: bool
    """The daemon's own user, or root: they could read the store anyway."""


def peer_of(connection: socket.socket, *, own: int) -> Peer:
    """Return who connected.

    Args:
        connection: a UNIX socket.
        own: the daemon's user.
    """
    pid, uid, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return Peer(uid=uid, pid=pid, trusted=uid in {_ROOT, own})


def is_listed(uid: int, users: str, *, uid_of: Callable[[str], int | None] | None = None) -> bool:
    """Whether a user is one of *users*: names or numbers, separated by commas."""
    named = uid_of or _uid_of
    return any(named(user.strip()) == uid for user in users.split(",") if user.strip())


def _uid_of(user: str) -> int | None:
    """Return the number of a user; None if this machine has none of that name."""
    if user.isascii() and user.isdecimal():
        return int(user[:10])
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
