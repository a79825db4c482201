"""The file of a match-only key: private, one line, told from a key file of a store by its first bytes."""

from __future__ import annotations

import base64
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.secret import Secret

_MARK = b"keysweep-match-v1:"
_LARGEST = 512


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MatchFile:
    """What the file holds."""

    id: str
    key: Secret

    def write(self, path: Path) -> None:
        """Make the file with mode 0600; never overwrites.

        Raises:
            UsageError: it is there, or cannot be made.
        """
        line = _MARK + self.id.encode() + b":" + base64.b64encode(self.key.reveal()) + b"\n"
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            msg = f"cannot make the key file {path}: {error.strerror}"
            raise UsageError(msg) from error

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Return the match-only key that *path* holds, None if it holds something else or cannot be read.

        Raises:
            DeniedError: it is one, and open to others or broken.
        """
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(handle)
            content = file.read(_LARGEST) if stat.S_ISREG(status.st_mode) else b""
        if not content.startswith(_MARK):
            return None
        if stat.S_IMODE(status.st_mode) & 0o077:
            msg = f"the key file {path} is open to other users"
            raise DeniedError(msg, hint=f"chmod 600 {path}")
        return cls._parsed(path, content.removeprefix(_MARK).strip())

    @classmethod
    def _parsed(cls, path: Path, content: bytes) -> Self:
        fields = re.fullmatch(rb"([0-9a-f]{32}):([A-Za-z0-9+/]{43}=)", content)
        if fields is None:
            msg = f"{path} is not a whole match-only key"
            raise DeniedError(msg)
        return cls(id=fields[1].decode(), key=Secret(base64.b64decode(fields[2])))


def is_match_file(path: Path) -> bool:
    """Whether *path* is a match-only key, whole or not."""
    try:
        return MatchFile.read(path) is not None
    except DeniedError:
        return True
