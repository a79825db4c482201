"""Regular files at and below a path, in order of their path; links are not followed, and what is left out is said."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from functools import partial
from io import FileIO
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, FileOrigin

_HOLE = 1 << 30
_GIT = ".git"
_LAYOUT = {"HEAD": False, "objects": True, "refs": True}
"""What a git folder has, and whether it is a folder."""
_INDEX = re.compile("index")
"""Names of files, in a form of git's own."""
_STORED = re.compile(r"pack|[0-9a-f]{2}")
"""Names below `objects` of a git folder that hold objects: compressed, and read by `git:PATH`."""


class Walk(NamedTuple):
    """What to look at and what to leave out."""

    root: Path
    """As the user named it; a link is followed."""
    exclude: tuple[str, ...] = ()
    """Patterns of `fnmatch` over the path below *root*, with `/` between names."""
    largest: int | None = None
    """Size in bytes above which a file is left out and recorded."""
    of_git: bool = False
    """*root* is a git folder, whatever its name."""

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield every regular file; what is none, or cannot be listed, goes to *log*."""
        start = os.path.realpath(self.root)
        try:
            status = os.stat(start)  # noqa: PTH116  text, not paths, throughout: this is the hot loop of every scan
        except OSError:
            log.skip(str(self.root), Gap.VANISHED)
            return
        named = os.path.normpath(self.root)
        if stat.S_ISDIR(status.st_mode):
            yield from self._folder(start, "" if named == "." else named.rstrip("/") + "/", log)
        elif (blob := self._file(start, str(self.root), log)) is not None:
            yield blob

    def _folder(self, start: str, prefix: str, log: CoverageLog) -> Iterator[Blob]:
        """Walk a folder; *prefix* stands before the names as the user would give them."""
        waiting = [""]
        stores = set()
        of_git = self.of_git or start.endswith(f"/{_GIT}")
        while waiting:
            inner = waiting.pop()
            unread = _STORED if inner in stores else None
            try:
                with os.scandir(f"{start}/{inner}") as listing:
                    entries = sorted(listing, key=attrgetter("name"))
            except OSError:
                log.skip(f"{prefix}{inner}".rstrip("/") or start, Gap.UNREADABLE)
                continue
            below = []
            if (of_git or _GIT in inner) and _is_git_folder(f".git/{inner}" if of_git else inner, entries):
                stores.add(f"{inner}objects/")
                unread = _INDEX
            for entry in entries:
                name = inner + entry.name
                if (unread and unread.fullmatch(entry.name)) or (self.exclude and self._excluded(name)):
                    continue
                if entry.is_dir(follow_symlinks=False):
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
        if (self.largest is not None and status.st_size > self.largest) or _is_hole(status):
            log.skip(name, Gap.TOO_LARGE)
            return None
        return Blob(FileOrigin(name), status.st_size, partial(open_regular, path))

    def _link(self, path: str) -> Gap | None:
        """Return why a link is a gap; None where it is none: it leads nowhere, or to what is scanned under its own name."""
        try:
            os.stat(path)  # noqa: PTH116  as above
        except OSError as error:
            return Gap.NOT_A_FILE if error.errno == errno.ELOOP else None
        inside = Path(os.path.realpath(path)).is_relative_to(os.path.realpath(self.root))
        return None if inside else Gap.OUTSIDE

    def _excluded(self, inner: str) -> bool:
        from fnmatch import fnmatchcase

        last = inner.rpartition("/")[2]
        return any(fnmatchcase(inner, pattern) or fnmatchcase(last, pattern) for pattern in self.exclude)


def _is_git_folder(inner: str, entries: list[os.DirEntry[str]]) -> bool:
    """Whether it is a `.git`, or one of a submodule inside of it: told by what it has, for branches may be called anything."""
    found = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries if entry.name in _LAYOUT}
    return found == _LAYOUT and _GIT in inner.split("/")


def _is_hole(status: os.stat_result) -> bool:
    """Whether a file claims a size that would take for ever to read, and stores nearly none of it."""
    return status.st_size > _HOLE and status.st_blocks * 512 * 100 < status.st_size


def open_regular(path: str) -> BinaryIO:
    """Open a file that was seen to be regular; if it was swapped for something else meanwhile, refuse."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        msg = "not a regular file any more"
        raise OSError(msg)
    return cast("BinaryIO", FileIO(handle))
