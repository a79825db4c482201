"""Keep the memory of this process to itself: no core dump, no debugger of the same user, no page in swap where that is allowed.

Linux has all three, macOS the first.  What the system does not give is reported, not enforced: `doctor` says it.
"""

from __future__ import annotations

import ctypes
import resource
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardened:
    """What holds for this process now."""

    core_dumps_off: bool
    tracing_off: bool
    """Another process of the same user cannot read this one's memory."""
    locked: bool
    """Its memory is not swapped."""


def harden(*, lock: bool = True) -> Hardened:
    """Turn core dumps and tracing off, and lock memory where the system lets us; children inherit the limit of core dumps.

    Args:
        lock: keep memory out of swap as well; not wanted where files of any size are read.
    """
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    traced = True
    locked = False
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
        traced = libc.prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) != 0
        locked = lock and _may_lock() and libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) == 0
    return Hardened(
        core_dumps_off=resource.getrlimit(resource.RLIMIT_CORE)[0] == 0, tracing_off=not traced, locked=locked
    )


def swaps() -> tuple[str, ...]:
    """Return the swap areas of this machine that memory can go to; a compressed one in memory is none."""
    try:
        lines = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()[1:]
    except OSError:
        return ()
    return tuple(area for area in (line.split()[0] for line in lines if line.strip()) if "/zram" not in area)


def _may_lock() -> bool:
    """Whether all memory may be locked; with a small limit the next allocation would fail instead."""
    return resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == resource.RLIM_INFINITY or _has_ipc_lock()


def _has_ipc_lock() -> bool:
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) >> 14 & 1)
