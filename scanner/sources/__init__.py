"""Where bytes come from: one file a kind.  A source yields blobs lazily; what it leaves out goes to the coverage log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.finding import Blob, Origin


class Source(Protocol):
    """One target of a scan."""

    def blobs(self, log: CoverageLog) -> Iterator[Blob]:
        """Yield what there is to read, in a fixed order.  One bad item is logged and never ends the run."""
        ...


@runtime_checkable
class Shares(Protocol):
    """A source that several processes can look through together."""

    @property
    def name(self) -> str:
        """What it is called in coverage."""
        ...

    def share(self, number: int, count: int) -> Source:
        """Return the source of every blob whose place, counted from 0, is *number* modulo *count*."""
        ...


@runtime_checkable
class Resolver(Protocol):
    """A source that can say more about where a blob stands, once it is known which blobs matter."""

    def resolve(self, origins: Sequence[Origin]) -> Mapping[Origin, Origin]:
        """Return fuller origins for those of *origins* that it knows more about."""
        ...
