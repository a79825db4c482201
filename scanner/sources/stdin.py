"""Standard input, read once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO, final

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob, StreamOrigin


@final
class Stdin:
    """What is piped in.

    Args:
        stream: bytes; whoever reads the blob closes it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:  # noqa: ARG002  the seam's shape
        """Yield the one stream."""
        yield Blob(origin=StreamOrigin(), size=None, open=lambda: self._stream)
