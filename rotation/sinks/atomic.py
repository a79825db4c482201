"""Replace a file so that whoever reads it sees the old content or the new one, whatever is killed or loses power meanwhile."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from keysweep.rotation.agents import AgentError

_LARGEST = 4 << 20
_TRIES = 3
_PRIVATE = 0o600
_FOLLOWED_BY_NOBODY = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
"""Not through a link, not into a child process, and not waiting at a pipe that stands where the file should."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Found:
    """A file as it was read.  Not printable: it may hold a key."""

    content: bytes
    state: os.stat_result
    attributes: tuple[tuple[str, bytes], ...]


def read(path: Path) -> bytes | None:
    """Return what a file holds, None if there is none.

    Raises:
        AgentError: it is a link, no regular file, or cannot be read.
    """
    with _folder_of(path) as folder:
        found = _read(folder, path)
    return found.content if found else None


def edit(path: Path, change: Callable[[bytes | None], bytes]) -> bool:
    """Give a file the content that *change* makes of what it holds; return False if that is what it held.

    The new content is on disk before it takes the old one's place, with the same owner, mode and attributes; a new file is
    readable by its owner only.  A file that somebody else changes meanwhile is read again.

    Raises:
        AgentError: it is a symbolic link or has hard links, or cannot be replaced; it is as it was.
    """
    with _folder_of(path) as folder:
        temporary = f".{path.name}.keysweep-new"
        _remove(folder, temporary)  # what a killed one left behind holds a key
        for _ in range(_TRIES):
            found = _read(folder, path)
            content = change(found.content if found else None)
            if found is not None and content == found.content:
                return False
            try:
                _write(folder, temporary, content, found)
                if _unchanged(folder, path.name, found):
                    os.replace(temporary, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                    os.fsync(folder)
                    return True
            except OSError as error:
                msg = f"{path} could not be replaced: {error.strerror}"
                raise AgentError(msg) from None
            finally:
                _remove(folder, temporary)
    msg = f"{path} changes faster than it can be edited"
    raise AgentError(msg, hint="stop what writes it, and rotate again")


def settled_at_ns(path: Path) -> int:
    """Return since when, in nanoseconds of the wall clock, the file is what it is; the kernel notes a replacement, too.

    Raises:
        AgentError: there is no such file.
    """
    try:
        state = path.lstat()
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise AgentError(msg) from None
    return max(state.st_mtime_ns, state.st_ctime_ns)


@contextmanager
def _folder_of(path: Path) -> Iterator[int]:
    """Hold the folder open, so that its name may lead elsewhere meanwhile without any effect."""
    if not path.is_absolute():
        msg = f"{path} is no absolute path"
        raise AgentError(msg)
    try:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        msg = f"{path.parent} cannot be opened: {error.strerror}"
        raise AgentError(msg) from None
    try:
        mode = os.fstat(folder).st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            msg = f"anybody may replace files in {path.parent}"
            raise AgentError(msg, hint=f"chmod o-w {path.parent}")
        yield folder
    finally:
        os.close(folder)


def _read(folder: int, path: Path) -> _Found | None:
    try:
        file = os.open(path.name, os.O_RDONLY | _FOLLOWED_BY_NOBODY, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        msg = f"{path} is a symbolic link or cannot be read: {error.strerror}"
        raise AgentError(msg, hint="name the file itself") from None
    state = os.fstat(file)
    if not stat.S_ISREG(state.st_mode) or state.st_nlink != 1:
        os.close(file)
        msg = f"{path} is no regular file, or has further names"
        raise AgentError(msg, hint="a hard link would go on showing the old key")
    with os.fdopen(file, "rb") as opened:
        content = opened.read(_LARGEST + 1)
        attributes = tuple(_attributes(opened.fileno()))
    if len(content) > _LARGEST:
        msg = f"{path} is larger than {_LARGEST} bytes"
        raise AgentError(msg)
    return _Found(content=content, state=state, attributes=attributes)


def _attributes(file: int) -> Iterator[tuple[str, bytes]]:
    """Yield the extended attributes of an open file: access lists, labels."""
    if not hasattr(os, "listxattr"):
        return
    with suppress(OSError):
        for name in os.listxattr(file):
            yield name, os.getxattr(file, name)


def _write(folder: int, name: str, content: bytes, like: _Found | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FOLLOWED_BY_NOBODY
    with os.fdopen(os.open(name, flags, _PRIVATE, dir_fd=folder), "wb") as file:
        if like is not None:
            made = os.fstat(file.fileno())
            if (made.st_uid, made.st_gid) != (like.state.st_uid, like.state.st_gid):
                os.fchown(file.fileno(), like.state.st_uid, like.state.st_gid)
            os.fchmod(file.fileno(), stat.S_IMODE(like.state.st_mode) & 0o777)
            for attribute, value in like.attributes:
                os.setxattr(file.fileno(), attribute, value)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _unchanged(folder: int, name: str, found: _Found | None) -> bool:
    try:
        now = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return found is None
    then = found.state if found else None
    return then is not None and (now.st_ino, now.st_mtime_ns, now.st_size) == (
        then.st_ino,
        then.st_mtime_ns,
        then.st_size,
    )


def _remove(folder: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=folder)
