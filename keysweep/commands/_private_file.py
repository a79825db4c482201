"""Write a file that concerns nobody else: mode 0600, and never half of it under its name."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from keysweep.foundation.errors import UsageError


def write_private(path: Path, text: str) -> None:
    """Write *text* beside *path* and put it in its place.

    Raises:
        UsageError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        msg = f"cannot write {path}: {error.strerror}"
        raise UsageError(msg) from error
