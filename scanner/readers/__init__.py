"""Bytes to text segments: one file a format, each exporting `READER`."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob, Segment

WINDOW = 4 << 20
"""Bytes of one segment."""
OVERLAP = 64 << 10
"""Bytes that two segments share, so that a key on the seam is whole in one of them."""


class Reader(NamedTuple):
    """How one format becomes text."""

    name: str
    accepts: Callable[[str, bytes], bool]
    """Whether it reads a blob, from its name and its first 64 bytes."""
    segments: Callable[[Blob, CoverageLog], Iterator[Segment]]
    """Yields the text; output is bounded, whatever the input.  Logs what it leaves out."""
    begins: tuple[bytes, ...] = (b"",)
    """One of these is at the beginning of all that it accepts: most files are told from it without asking."""
