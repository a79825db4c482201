"""A key file: mode 0600, one key a line.  While a key is replaced it holds both, so that a crash leaves a file that opens."""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.rotation.vault.slots import Means, NewKey, Params, Place, Slot

MARK = b"keysweep-key-v1:"
_LARGEST = 1024


def create_key_file(path: Path) -> bytes:
    """Make a key file with mode 0600 and return its key; never overwrites.

    Raises:
        UsageError: it cannot be made there.
    """
    key = os.urandom(32)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, (key,))
        _sync(path.parent)
    except OSError as error:
        msg = f"cannot make the key file {path}: {error.strerror}"
        raise UsageError(msg) from error
    return key


def read_key_file(path: Path) -> tuple[bytes, ...]:
    """Return the keys of a key file.

    Raises:
        DeniedError: it is missing, open to others, a link, or not a key file.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        msg = f"cannot read the key file {path}: {error.strerror}"
        raise DeniedError(msg, hint="say where it is with --key-file or KEYSWEEP_KEY_FILE") from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            msg = f"the key file {path} is open to other users"
            raise DeniedError(msg, hint=f"chmod 600 {path}")
        content = file.read(_LARGEST)
    keys = parse_keys(content)
    if not keys:
        msg = f"{path} is not a keysweep key file"
        raise DeniedError(msg)
    return keys


def parse_keys(content: bytes) -> tuple[bytes, ...]:
    """Return the keys that the content of a key file holds; none where it is not one."""
    keys = []
    for line in content.strip().split(b"\n"):
        try:
            key = base64.b64decode(line.strip().removeprefix(MARK), validate=True)
        except ValueError:
            return ()
        if not line.startswith(MARK) or len(key) != 32:
            return ()
        keys.append(key)
    return tuple(keys)


def _make(means: Means, place: Place, replaces: Params | None) -> NewKey:  # noqa: ARG001  every kind has this shape
    path = means.key_file
    if replaces is None:
        return NewKey(key=read_key_file(path)[0] if path.exists() else create_key_file(path), params={})
    before, key = read_key_file(path), os.urandom(32)
    _replace(path, (key, *before))
    return NewKey(key=key, params={}, done=lambda: _replace(path, (key,)))


def _keys(means: Means, place: Place, params: Params) -> tuple[bytes, ...]:  # noqa: ARG001  every kind has this shape
    return read_key_file(means.key_file)


def _replace(path: Path, keys: tuple[bytes, ...]) -> None:
    """Write beside, then put in its place: at no moment is there no file, or half of one."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        _write(beside, keys)
        beside.replace(path)
        _sync(path.parent)
    except OSError as error:
        msg = f"cannot write the key file {path}: {error.strerror}"
        raise UsageError(msg, hint=f"check that you may write in {path.parent}") from error


def _write(path: Path, keys: tuple[bytes, ...]) -> None:
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(b"".join(MARK + base64.b64encode(key) + b"\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


SLOT = Slot(title="A key file (mode 0600)", rank=10, make=_make, keys=_keys)
