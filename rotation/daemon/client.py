"""Ask the resident process: one question a connection, over a socket whose other end is checked first."""

import os
import socket
import stat
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from keysweep.foundation.errors import DeniedError
from keysweep.foundation.secret import Secret
from keysweep.rotation.daemon import protocol
from keysweep.rotation.daemon.protocol import Known, MalformedError, Question, Resolve, Status

_ANSWER_S = 4.5
"""An agent that asks by OpenClaw's protocol waits five seconds."""
_CREDENTIALS = struct.Struct("3i")
_OTHERS_WRITE = 0o022


class NoDaemonError(DeniedError):
    """The resident process cannot be asked."""


class BusyError(NoDaemonError):
    """It is there and has no time now."""


class RefusedByDaemonError(DeniedError):
    """The resident process does not answer this user, or not this question."""


class Value(NamedTuple):
    """What became of one id."""

    id: str
    variable: str
    secret: Secret | None
    """None where the agent may not have it, or there is none."""


def resolve(path: Path, agent: str, ids: tuple[str, ...], purpose: str) -> tuple[Value, ...]:
    """Return the values of *ids*, or of all that the agent is bound to.

    Raises:
        NoDaemonError: nobody answers there.
        RefusedByDaemonError: the question was refused whole.
    """
    said, raw, at = _asked(path, Resolve(agent, ids, purpose))
    try:
        found = []
        for name, variable, length in protocol.read_served(said):
            with memoryview(raw) as whole, whole[at : at + (length or 0)] as part:
                if len(part) != (length or 0):
                    raise MalformedError
                found.append(Value(name, variable, None if length is None else Secret(part)))
            at += length or 0
        return tuple(found)
    except MalformedError:
        raise _garbled(path) from None
    finally:
        raw[:] = bytes(len(raw))


def known(path: Path, question: Known) -> Mapping[str, object]:
    """Return what the store says of values.

    Raises:
        NoDaemonError: nobody answers there.
        RefusedByDaemonError: this user may not ask.
    """
    return _asked(path, question)[0]


def status(path: Path) -> Mapping[str, object]:
    """Return what the process says of itself.

    Raises:
        NoDaemonError: nobody answers there.
    """
    return _asked(path, Status())[0]


def _asked(path: Path, question: Question) -> tuple[Mapping[str, object], bytearray, int]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S)
        try:
            connection.connect(str(path))
            _check(connection, path)
            connection.sendall(protocol.write_question(question))
            raw = _received(connection)
        except TimeoutError:
            msg = f"the keysweep daemon at {path} does not answer"
            raise NoDaemonError(msg, hint="keysweep doctor") from None
        except OSError as error:
            msg = f"no keysweep daemon answers at {path}: {error.strerror or error}"
            raise NoDaemonError(msg, hint=f"keysweep daemon --socket {path}") from None
    if not raw:  # another connection was more in need of its place
        msg = f"the keysweep daemon at {path} hung up"
        raise BusyError(msg, hint="keysweep doctor")
    try:
        said, at = protocol.read_answer(raw)
    except MalformedError:
        raise _garbled(path) from None
    if "error" in said:
        raise _refusal(said, path)
    return said, raw, at


def _received(connection: socket.socket) -> bytearray:
    raw = bytearray()
    while piece := connection.recv(1 << 16):
        raw += piece
    return raw


def _check(connection: socket.socket, path: Path) -> None:
    """Make sure that nobody else listens there: candidates are sent to it, and what it answers is believed.

    Raises:
        NoDaemonError: others may replace the socket, or another user listens on it.
    """
    folder = path.parent.stat()
    if folder.st_mode & _OTHERS_WRITE and not folder.st_mode & stat.S_ISVTX:
        msg = f"the folder of {path} is open to others, who could listen in the daemon's place"
        raise NoDaemonError(msg, hint=f"chmod go-w {path.parent}")
    _, user, _ = _CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    if user not in {0, os.getuid(), folder.st_uid}:
        msg = f"at {path} listens another user ({user}), who is not the folder's owner"
        raise NoDaemonError(msg, hint="keysweep doctor")


def _garbled(path: Path) -> NoDaemonError:
    return NoDaemonError(f"what answers at {path} is no keysweep daemon of this version", hint="keysweep doctor")


def _refusal(said: Mapping[str, object], path: Path) -> DeniedError:
    why, says, hint = (str(said.get(part) or "") for part in ("error", "says", "hint"))
    if why in {protocol.REFUSED, protocol.UNAVAILABLE}:
        return RefusedByDaemonError(says or "the keysweep daemon refused", hint=hint or None)
    if why == protocol.BUSY:
        return BusyError(f"the keysweep daemon at {path} is busy", hint="keysweep doctor")
    return NoDaemonError(f"the keysweep daemon at {path} could not answer ({why[:20]})", hint="keysweep doctor")
