"""Where bytes come from: one file a kind.  A source yields blobs lazily; what it leaves out goes to the coverage log."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob


class Source(Protocol):
    """One target of a scan."""

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield what there is to read, in a fixed order.  One bad item is logged and never ends the run."""
        ...
