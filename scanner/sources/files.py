"""A file or a folder: regular files only, in order of their path, links not followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from functools import partial
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast, final

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, FileOrigin

_REPOSITORY = ".git"
"""The inside of a repository is read as history (`git:PATH`), not as files."""
_HOLE = 1 << 30


@final
class Files:
    """What lies at a path.

    Args:
        root: a file or a folder; if it is a link, what it points to.
        exclude: patterns of `fnmatch` over the path below *root*, with `/` between names.
        largest: size in bytes above which a file is left out and recorded.
        share: (number, count): only each *count*-th file, from *number* on.
    """

    def __init__(
        self,
        root: Path,
        *,
        exclude: tuple[str, ...] = (),
        largest: int | None = None,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self._root = root
        self._exclude = exclude
        self._largest = largest
        self._share = share

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return str(self._root)

    def share(self, number: int, count: int) -> Files:
        """Return a share of these files."""
        return Files(self._root, exclude=self._exclude, largest=self._largest, share=(number, count))

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield every regular file of this share; what is none, or cannot be listed, goes to *log*."""
        number, count = self._share
        return islice(self._all(log), number, None, count)

    def _all(self, log: CoverageLog) -> Iterator[Blob]:
        start = os.path.realpath(self._root)
        try:
            status = os.stat(start)  # noqa: PTH116  text, not paths, throughout: this is the hot loop of every scan
        except OSError:
            log.skip(str(self._root), Gap.VANISHED)
            return
        named = os.path.normpath(self._root)
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(start, "" if named == "." else named.rstrip("/") + "/", log)
        elif (blob := self._file(start, str(self._root), log)) is not None:
            yield blob

    def _folder(self, start: str, prefix: str, log: CoverageLog) -> Iterator[Blob]:
        """Walk a folder; *prefix* stands before the names as the user would give them."""
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            try:
                with os.scandir(f"{start}/{inner}") as listing:
                    entries = sorted(listing, key=_name)
            except OSError:
                log.skip(f"{prefix}{inner}".rstrip("/") or start, Gap.UNREADABLE)
                continue
            below = []
            for entry in entries:
                name = inner + entry.name
                if self._exclude and self._excluded(name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if entry.name != _REPOSITORY:
                        below.append(name + "/")
                elif (blob := self._file(f"{start}/{name}", prefix + name, log)) is not None:
                    yield blob
            waiting.extend(reversed(below))

    def _file(self, path: str, name: str, log: CoverageLog) -> Blob | None:
        try:
            status = os.lstat(path)
        except OSError:
            log.skip(name, Gap.VANISHED)
            return None
        if stat.S_ISLNK(status.st_mode):
            if (gap := self._link(path)) is not None:
                log.skip(name, gap)
            return None
        if not stat.S_ISREG(status.st_mode):
            log.skip(name, Gap.NOT_A_FILE)
            return None
        if (self._largest is not None and status.st_size > self._largest) or _is_hole(status):
            log.skip(name, Gap.TOO_LARGE)
            return None
        return Blob(origin=FileOrigin(path=name), size=status.st_size, open=partial(_open, path))

    def _link(self, path: str) -> Gap | None:
        """Return why a link is a gap; None where it is none: it leads nowhere, or to what is scanned under its own name."""
        try:
            os.stat(path)  # noqa: PTH116  as above
        except OSError as error:
            return Gap.NOT_A_FILE if error.errno == errno.ELOOP else None
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self._root))
        return None if inside else Gap.OUTSIDE

    def _excluded(self, inner: str) -> bool:
        from fnmatch import fnmatchcase

        last = inner.rpartition("/")[2]
        return any(fnmatchcase(inner, pattern) or fnmatchcase(last, pattern) for pattern in self._exclude)


def _is_hole(status: os.stat_result) -> bool:
    """Whether a file claims a size that would take for ever to read, and stores nearly none of it."""
    return status.st_size > _HOLE and status.st_blocks * 512 * 100 < status.st_size


def _name(entry: os.DirEntry[str]) -> bytes:
    return os.fsencode(entry.name)


def _open(path: str) -> BinaryIO:
    """Open a file that was seen to be regular; if it was swapped for something else meanwhile, refuse."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        msg = "not a regular file any more"
        raise OSError(msg)
    return cast("BinaryIO", FileIO(handle))
