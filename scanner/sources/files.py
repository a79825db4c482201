"""A file or a folder, settings and logs inside of a `.git` included; a repository's objects are read by `git:PATH`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import final

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob
from keysweep.scanner.walk import Walk


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
        self._walk = Walk(root, exclude, largest)
        self._share = share

    @property
    def name(self) -> str:
        """The path, as it was given."""
        return str(self._walk.root)

    def share(self, number: int, count: int) -> Files:
        """Return a share of these files."""
        walk = self._walk
        return Files(walk.root, exclude=walk.exclude, largest=walk.largest, share=(number, count))

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield every regular file of this share; what is none, or cannot be listed, goes to *log*."""
        number, count = self._share
        return islice(self._walk.blobs(log), number, None, count)
