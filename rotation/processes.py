"""What the kernel says of processes: whether one lives, since when, and with which environment."""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keysweep.foundation.errors import DeniedError

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
MARGIN_NS = 20_000_000
"""Within this, the start of a process and the change of a file cannot be told apart."""
_GONE = frozenset({"Z", "X"})


def process_exists(pid: int) -> bool:
    """Whether a process with that id runs here and is not a zombie."""
    fields = _stat(Path(f"/proc/{pid}"))
    return bool(fields) and fields[0] not in _GONE


def began_at(pid: int) -> datetime:
    """Return when a process began, to a second or so; the epoch if unknown."""
    fields = _stat(Path(f"/proc/{pid}"))
    try:
        uptime = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    except OSError:
        uptime = 0.0
    if not fields or not uptime:
        return datetime.fromtimestamp(0, UTC)
    return datetime.now(UTC) - timedelta(seconds=uptime - int(fields[19]) / os.sysconf("SC_CLK_TCK"))


def started_after(pid: int, moment_ns: int) -> bool:
    """Whether a live process was started after a moment of the wall clock, and not so close that the two cannot be told apart.

    The kernel notes starts in ticks and changes of files by a coarse clock; what lies within that counts as before.
    """
    fields = _stat(Path(f"/proc/{pid}"))
    if not fields or fields[0] in _GONE:
        return False
    booted_ns = time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return booted_ns + int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK") >= moment_ns + MARGIN_NS


def with_argument(argument: str) -> tuple[int, ...]:
    """Return the processes that were started with *argument* as one of theirs, or as their program."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            arguments = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if argument.encode() in arguments and process_exists(int(folder.name)):
            found.append(int(folder.name))
    return tuple(found)


def group_lives(group: int) -> bool:
    """Whether a process of the group still runs; one that only waits to be reaped does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    everyone = [_stat(folder) for folder in Path("/proc").glob("[0-9]*")]
    return not everyone or any(fields and fields[2] == str(group) and fields[0] not in _GONE for fields in everyone)


def environment_of(pid: int) -> dict[bytes, bytes] | None:
    """Return the environment block of a live process as the kernel shows it, None where there is no /proc."""
    try:
        block = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return None if not Path("/proc/self/environ").exists() else {}
    return dict(entry.split(b"=", 1) for entry in block.split(b"\0") if b"=" in entry)


def end_with_parent() -> None:
    """Ask Linux to end this process if its parent is killed: an agent that nobody attests must not go on."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def deny_core_dumps() -> None:
    """Let a crash of this process write no key to disk."""
    import resource

    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ValueError, OSError) as error:
        msg = "core dumps cannot be switched off"
        raise DeniedError(msg) from error


def _stat(folder: Path) -> list[str]:
    """Return the fields of /proc/PID/stat behind the name, from the state on; empty for a process that is gone."""
    try:
        text = (folder / "stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()
