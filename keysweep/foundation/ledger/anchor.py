"""Take checkpoints off this host: to a file that is only added to, to syslog (RFC 5424), or to standard output.

Whoever has one notices that the ledger was cut or rewritten since.  One line of JSON each; `verify.py` reads them back.
"""

from __future__ import annotations

import base64
import json
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import UsageError
from keysweep.foundation.ledger.chain import head
from keysweep.foundation.ledger.checkpoint import Checkpoint

_SCHEMA = "keysweep.dev/checkpoint/v1"
_PRIORITY = 13 * 8 + 5
"""Facility `log audit`, severity `notice`."""
_LOCAL = "/dev/log"
_TIMEOUT_S = 5.0


class SinkError(UsageError):
    """A checkpoint could not be taken there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSink:
    """A file that is added to."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalSyslog:
    """A datagram socket of this host; a daemon carries it on."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSyslog:
    """A collector elsewhere."""

    host: str
    port: int
    tcp: bool


Sink = FileSink | LocalSyslog | RemoteSyslog


def parse_sink(text: str) -> Sink:
    """Read `FILE`, `syslog`, `syslog:/SOCKET`, `syslog:udp://HOST:PORT` or `syslog:tcp://HOST:PORT`.

    Raises:
        UsageError: it is none of them.
    """
    kind, _, rest = text.partition(":")
    if kind != "syslog":
        return FileSink(path=Path(text))
    if not rest or rest.startswith("/"):
        return LocalSyslog(path=rest or _LOCAL)
    try:
        address = urlsplit(rest)
        host, port = address.hostname, address.port
    except ValueError:
        host = port = None
    if host is None or address.scheme not in {"udp", "tcp"}:
        msg = "a syslog is given as syslog, syslog:/SOCKET, syslog:udp://HOST:PORT or syslog:tcp://HOST:PORT"
        raise UsageError(msg)
    return RemoteSyslog(host=host, port=port or 514, tcp=address.scheme == "tcp")


def line_of(checkpoint: Checkpoint, tenant: str, time_stamp: bytes | None = None) -> str:
    """Return a checkpoint as one line of JSON, with all that its check needs, and its time stamp where there is one."""
    stamp = {"time_stamp": base64.b64encode(time_stamp).decode()} if time_stamp else {}
    return json.dumps(
        {
            "schema": _SCHEMA,
            "store": tenant,
            "seq": checkpoint.seq,
            "head": checkpoint.head.hex(),
            "at": to_text(checkpoint.at),
            "public_key": checkpoint.public_key.hex(),
            "signature": checkpoint.signature.hex(),
            **stamp,
        }
    )


def send(line: str, sink: Sink, at: datetime) -> None:
    """Take a line there.

    Raises:
        SinkError: it did not arrive, as far as that can be told.
    """
    try:
        match sink:
            case FileSink(path=path):
                _append(path, line)
            case LocalSyslog(path=path):
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as local:
                    local.settimeout(_TIMEOUT_S)
                    local.connect(path)
                    local.send(_record(line, at))
            case RemoteSyslog(host=host, port=port, tcp=False):
                family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
                with socket.socket(family, kind) as datagram:
                    datagram.sendto(_record(line, at), address)
            case RemoteSyslog(host=host, port=port):
                record = _record(line, at)
                with socket.create_connection((host, port), timeout=_TIMEOUT_S) as stream:
                    stream.sendall(str(len(record)).encode() + b" " + record)  # octet counting, RFC 6587
    except OSError as error:
        msg = f"the checkpoint was not taken off: {error.strerror or type(error).__name__}"
        raise SinkError(msg, hint="keysweep audit checkpoint --to FILE") from error


def note(connection: Connection, seq: int, sink: str, at: datetime, receipt: bytes | None = None) -> None:
    """Write down that a checkpoint was taken somewhere; once is enough."""
    table = tables.checkpoint_export
    if not connection.execute(select(table.c.seq).where(table.c.seq == seq, table.c.sink == sink)).first():
        connection.execute(insert(table).values(seq=seq, sink=sink, at=to_text(at), receipt=receipt))


def receipt(connection: Connection, seq: int, sink: str) -> bytes | None:
    """Return what came back when a checkpoint was taken there; None if nothing did, or it was not."""
    table = tables.checkpoint_export
    found = connection.execute(select(table.c.receipt).where(table.c.seq == seq, table.c.sink == sink)).scalar()
    return bytes(found) if found is not None else None


def receipts(connection: Connection) -> dict[tuple[int, str], bytes]:
    """Return everything that came back, by checkpoint and place."""
    table = tables.checkpoint_export
    query = select(table).where(table.c.receipt.is_not(None)).order_by(table.c.seq, table.c.sink)
    return {(row.seq, row.sink): bytes(row.receipt) for row in connection.execute(query)}


def is_due(connection: Connection, sink: str, now: datetime, *, entries: int, minutes: float) -> bool:
    """Whether the ledger has grown by so much, or for so long, since its checkpoint was last taken there."""
    table = tables.checkpoint_export
    last = connection.execute(
        select(table.c.seq, table.c.at).where(table.c.sink == sink).order_by(table.c.seq.desc()).limit(1)
    ).first()
    length, _ = head(connection)
    if last is None:
        return length > 0
    return length - last.seq >= entries or (
        length > last.seq and now - from_text(last.at) >= timedelta(minutes=minutes)
    )


def _append(path: Path, line: str) -> None:
    fresh = not path.exists()
    handle = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        size = os.fstat(handle).st_size
        cut = size > 0 and os.pread(handle, 1, size - 1) != b"\n"  # a process died while it wrote the line before
        file.write((b"\n" if cut else b"") + line.encode() + b"\n")
        os.fsync(handle)
    if fresh:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _record(line: str, at: datetime) -> bytes:
    host = "".join(c for c in socket.gethostname() if "!" <= c <= "~")[:255] or "-"
    return f"<{_PRIORITY}>1 {to_text(at)} {host} keysweep {os.getpid()} checkpoint - {line}".encode()
