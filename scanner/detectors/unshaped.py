"""Stored keys whose form no rule knows, where they stand whole in text: told by their length first, then by their keyed fingerprint.

Costs a pass over the text of its own, so it is asked only where such keys are stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, final

from keysweep.foundation.fingerprint import Fingerprint, Fingerprints, Preview
from keysweep.scanner.known import KnownKeys, Resemblance, Unshaped

if TYPE_CHECKING:
    from keysweep.scanner.finding import Segment

_RUNS = (rb"[^\s\"'`\x00-\x20]", rb"[A-Za-z0-9_+/.~!@#$%^*-]")
"""What one value is made of: anything between spaces and quotes, or what assignments and lists do not divide."""
_PADDING = rb"={0,2}"
_CLOSING = b".,;:!?)]}>"
"""What a sentence or a list puts behind a value."""


@final
class UnshapedKeys:
    """Looks for them.

    Args:
        known: whose keys.
        fingerprinter: of the store.
    """

    def __init__(self, known: KnownKeys, fingerprinter: Fingerprints) -> None:
        self._known = known
        self._fingerprinter = fingerprinter

    def find(self, segment: Segment) -> Sequence[Resemblance]:
        """Return every such key in *segment*, in order of the forms that a run can have."""
        if not self._wanted.lengths:
            return ()
        return [
            Resemblance(start, end, fingerprint, Preview(prefix="", length=end - start), owner)
            for start, end, fingerprint in self._seen(segment.data)
            if (owner := self._known.owner(fingerprint)) is not None
        ]

    @cached_property
    def _wanted(self) -> Unshaped:
        return self._known.unshaped()

    @cached_property
    def _patterns(self) -> tuple[re.Pattern[bytes], ...]:
        least = min(self._wanted.lengths)
        return tuple(re.compile(run + b"{%d,}" % least + _PADDING) for run in _RUNS)

    def _seen(self, data: bytes) -> Iterator[tuple[int, int, Fingerprint]]:
        lengths, fingerprints = self._wanted
        spans = [
            (start, start + len(value))
            for pattern in self._patterns
            for run in pattern.finditer(data)
            for start, text in [(run.start(), run[0])]
            for value in {text, text.rstrip(b"="), text.rstrip(_CLOSING)}
            if len(value) in lengths
        ]
        prints = self._fingerprinter.of_each(data[start:end] for start, end in spans)
        for (start, end), found in zip(spans, prints, strict=True):
            if found in fingerprints:
                yield start, end, found
