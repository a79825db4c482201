"""One worker a credential: a lease with a fence that grows on each takeover and is checked in every write."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Connection, insert, select, update

from keysweep.foundation.clock import Clock, from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import DeniedError
from keysweep.rotation.credential import CredentialId

TERM = timedelta(seconds=60)
"""How long a lease holds without being renewed; every journal row renews it."""


class BusyError(DeniedError):
    """Another worker rotates this credential now."""


class FencedError(DeniedError):
    """This worker lost its lease while it was paused; what it was about to write was not written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to rotate one credential."""

    credential_id: CredentialId
    holder: str
    """Host, process id, start of the process, random part."""
    fence: int


def acquire(connection: Connection, credential: CredentialId, clock: Clock) -> Lease:
    """Take the lease, or take it over from a worker that is gone.

    Raises:
        BusyError: its holder is alive and the lease has not run out.
    """
    row = connection.execute(
        select(tables.lease).where(tables.lease.c.credential_id == credential).with_for_update()
    ).first()
    holder = f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}/{secrets.token_hex(8)}"
    expires = to_text(clock() + TERM)
    if row is None:
        connection.execute(
            insert(tables.lease).values(credential_id=credential, holder=holder, fence=1, expires_at=expires)
        )
        return Lease(credential_id=credential, holder=holder, fence=1)
    if row.holder and from_text(row.expires_at) > clock() and not _gone(row.holder):
        msg = "another worker rotates this credential now"
        raise BusyError(msg, hint="wait for it, or see keysweep rotate --list")
    fence = int(row.fence) + 1
    connection.execute(
        update(tables.lease)
        .where(tables.lease.c.credential_id == credential)
        .values(holder=holder, fence=fence, expires_at=expires)
    )
    return Lease(credential_id=credential, holder=holder, fence=fence)


def hold(connection: Connection, lease: Lease, clock: Clock) -> None:
    """Check that the lease is still ours and renew it; in the same transaction as what depends on it.

    Raises:
        FencedError: another worker took over.
    """
    done = connection.execute(
        update(tables.lease)
        .where(
            tables.lease.c.credential_id == lease.credential_id,
            tables.lease.c.fence == lease.fence,
            tables.lease.c.holder == lease.holder,
        )
        .values(expires_at=to_text(clock() + TERM))
    )
    if done.rowcount != 1:
        raise _fenced()


def fresh(connection: Connection, lease: Lease, clock: Clock) -> bool:
    """Return whether the lease needs no renewal yet: most of its term is left.  Only reads.

    Raises:
        FencedError: another worker took over.
    """
    row = connection.execute(select(tables.lease).where(tables.lease.c.credential_id == lease.credential_id)).first()
    if row is None or (row.holder, row.fence) != (lease.holder, lease.fence):
        raise _fenced()
    return from_text(row.expires_at) - clock() > TERM * 2 / 3


def release(connection: Connection, lease: Lease) -> None:
    """Give the lease back; the fence stays, so that it keeps growing."""
    connection.execute(
        update(tables.lease)
        .where(tables.lease.c.credential_id == lease.credential_id, tables.lease.c.holder == lease.holder)
        .values(holder="", expires_at=to_text(from_text("1970-01-01T00:00:00Z")))
    )


def _fenced() -> FencedError:
    return FencedError("another worker took this rotation over")


def _gone(holder: str) -> bool:
    """Whether the holder ran on this host and its process is no more: then nobody needs to wait for the term."""
    host, pid, started, _ = holder.split("/")
    return host == socket.gethostname() and Path("/proc/self").exists() and _started(int(pid)) != started


def _started(pid: int) -> str:
    """Return the kernel's start time of a process, so that a reused process id is not taken for the old one."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return "none"
    return "none" if fields[0] in {"Z", "X"} else fields[19]
