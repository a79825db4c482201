"""A fingerprint key for scans without a store: the user's own, so that findings keep their ids from run to run."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

_NAME = "scan.key"


def private_key(data_dir: Path) -> tuple[bytes, bool]:
    """Return 32 bytes, and whether they will be the same next time; made on first use with mode 0600.

    Args:
        data_dir: the user's data folder.
    """
    path = data_dir / _NAME
    with contextlib.suppress(OSError):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (
            contextlib.suppress(FileExistsError),
            os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600), "wb") as file,
        ):
            file.write(os.urandom(32))
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            private = not stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077
            key = file.read(32)
        if private and len(key) == 32:
            return key, True
    return os.urandom(32), False
