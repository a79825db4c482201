"""Bytes to text segments: one file a format, each exporting `READER`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob, Segment


class Reader(NamedTuple):
    """How one format becomes text."""

    name: str
    accepts: Callable[[str, bytes], bool]
    """Whether it reads a blob, from its name and its first 64 bytes."""
    segments: Callable[[Blob, CoverageLog], Iterator[Segment]]
    """Yields the text; output is bounded, whatever the input.  Logs what it leaves out."""
