"""Providers' ids of stored keys, where they stand whole in text.  Not a leak: an id opens nothing, but it says whose key a log is about.

Ids that begin as their vendor's do cost a search for that beginning; others, such as UUIDs, a pass over the text.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, final

from keysweep.foundation.fingerprint import Fingerprints, Preview
from keysweep.scanner.known import KnownKeys, Resemblance

if TYPE_CHECKING:
    from keysweep.scanner.finding import Segment

_MOST_HEADS = 12
"""Beginnings that are searched for one by one; a pass over the text costs less than more of them."""
_SIGN = re.compile(rb"[\w-]")
_WORD = re.compile(rb"[\w-]+")
_ESCAPED = re.compile(rb"\\[abfnrtv]|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}")
_ESCAPES, _WIDEST_ESCAPE = (b"\\", b"%"), 6


@final
class KeyIds:
    """Looks for them.

    Args:
        known: whose keys.
        fingerprinter: of the store.
    """

    def __init__(self, known: KnownKeys, fingerprinter: Fingerprints) -> None:
        self._known = known
        self._fingerprinter = fingerprinter

    def find(self, segment: Segment) -> Sequence[Resemblance]:
        """Return every such id in *segment*."""
        found = []
        spans = list(self._whole(segment))
        prints = self._fingerprinter.of_each(segment.data[start:end] for start, end in spans)
        for (start, end), fingerprint in zip(spans, prints, strict=True):
            if (owner := self._known.named(fingerprint, end - start)) is not None:
                preview = Preview(prefix="", length=end - start)
                found.append(Resemblance(start, end, fingerprint, preview, owner))
        return found

    @cached_property
    def _heads(self) -> dict[bytes, frozenset[int]]:
        """By beginning, the lengths of the ids that have it; all of them have none where there are too many."""
        by_head: dict[bytes, set[int]] = defaultdict(set)
        shapes = self._known.key_ids()
        few = len({shape.head for shape in shapes}) <= _MOST_HEADS
        for shape in shapes:
            by_head[shape.head if few else b""].add(shape.length)
        return {head: frozenset(lengths) for head, lengths in by_head.items()}

    @cached_property
    def _runs(self) -> re.Pattern[bytes]:
        return re.compile(rb"\b[\w-]{%d,}" % min(self._heads[b""]))

    def _whole(self, segment: Segment) -> Iterator[tuple[int, int]]:
        """Yield where something of the shape of such an id begins and ends."""
        data = segment.data
        low, high = int(segment.repeated > 0), len(data) - int(segment.goes_on)
        for head, lengths in self._heads.items():
            for start, end in _headed(data, head) if head else self._bare(data):
                if end - start in lengths and low <= start and end <= high:
                    yield start, end

    def _bare(self, data: bytes) -> Iterator[tuple[int, int]]:
        for run in self._runs.finditer(data):
            start, end = run.span()
            if data[start - 1 : start] != b"-":
                yield start, end
            if data[start - 1 : start] in _ESCAPES and (escape := _ESCAPED.match(data, start - 1)) is not None:
                yield escape.end(), end


def _headed(data: bytes, head: bytes) -> Iterator[tuple[int, int]]:
    at = data.find(head)
    while at >= 0:
        if _begins(data, at) and (run := _WORD.match(data, at)) is not None:
            yield run.span()
        at = data.find(head, at + 1)


def _begins(data: bytes, start: int) -> bool:
    """Whether nothing before *start* belongs to what stands there: an escape that ends there does not."""
    if not start or _SIGN.match(data, start - 1) is None:
        return True
    return any(
        (escape := _ESCAPED.match(data, at)) is not None and escape.end() == start
        for at in range(max(start - _WIDEST_ESCAPE, 0), start - 1)
    )
