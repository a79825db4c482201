"""What the kernel says of processes: whether one lives, since when, and with which environment."""

from __future__ import annotations

import os
import signal
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from keysweep.foundation.errors import DeniedError

_PR_SET_PDEATHSIG = 1
"""From linux/prctl.h."""
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
