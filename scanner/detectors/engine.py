"""The multi-pattern engine (Vectorscan): many anchors in one pass, compiled once and cached.

The cache is private to the user, checked when it is read, and safe to delete.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import platform
import stat
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import final

import hyperscan

_KEY = b"keysweep-matcher-cache-v1"


@final
class Engine:
    """Finds where anchors end.

    Args:
        anchors: regular expressions in Vectorscan's subset.
        cache_dir: folder for the compiled database; None means none is kept.
    """

    def __init__(self, anchors: Sequence[bytes], cache_dir: Path | None) -> None:
        name = hashlib.sha256(
            b"\0".join([version("hyperscan").encode(), platform.machine().encode(), _cpu_flags(), *anchors])
        ).hexdigest()
        cached = cache_dir / f"{name}.db" if cache_dir else None
        self._database = (_load(cached) if cached else None) or _compile(anchors, cached)
        self._database.scratch = hyperscan.Scratch(self._database)

    def hits(self, data: bytes) -> list[tuple[int, int]]:
        """Return (end, number of the anchor) of every hit in *data*."""
        found: list[tuple[int, int]] = []
        add = found.append

        def on_hit(identifier: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add((end, identifier))

        self._database.scan(data, match_event_handler=on_hit)
        return found


def _compile(anchors: Sequence[bytes], cached: Path | None) -> hyperscan.Database:
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=list(anchors), ids=list(range(len(anchors))), elements=len(anchors), flags=[0] * len(anchors)
    )
    if cached is not None:
        _store(cached, hyperscan.dumpb(database))
    return database


def _load(path: Path) -> hyperscan.Database | None:
    """Read a cached database; None on any doubt about whose it is or whether it is whole."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        private = status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o077
        content = file.read()
    digest, body = content[:32], content[32:]
    if not private or not _folder_is_private(path.parent) or not hmac.compare_digest(digest, _digest(path, body)):
        return None
    try:
        return hyperscan.loadb(body, hyperscan.HS_MODE_BLOCK)
    except hyperscan.HyperscanError:
        return None


def _store(path: Path, body: bytes) -> None:
    """Put a database into the cache in one step; a cache that cannot be written is done without."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _folder_is_private(path.parent):
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(_digest(path, body) + body)
        Path(temporary).replace(path)
    except OSError:
        return


def _folder_is_private(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o022


def _digest(path: Path, body: bytes) -> bytes:
    """Bind the content to the name it is cached under; against damage, not against the user himself."""
    return hmac.digest(_KEY, path.name.encode() + body, "sha256")


def _cpu_flags() -> bytes:
    """A compiled database fits one family of processors only."""
    try:
        lines = Path("/proc/cpuinfo").read_bytes().splitlines()
    except OSError:
        return b""
    return next((line for line in lines if line.startswith((b"flags", b"Features"))), b"")
