"""The multi-pattern engine (Vectorscan): many anchors in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import hyperscan


@final
class Engine:
    """Finds where anchors end.

    Args:
        database: compiled anchors.
    """

    def __init__(self, database: hyperscan.Database) -> None:
        self._database = database
        self._database.scratch = hyperscan.Scratch(database)

    def hits(self, data: bytes) -> list[tuple[int, int]]:
        """Return (number of the anchor, end) of every hit in *data*, in order of the anchors."""
        found: list[tuple[int, int]] = []
        add = found.append

        def on_hit(identifier: int, _start: int, end: int, _flags: int, _context: object) -> None:
            add((identifier, end))

        self._database.scan(data, match_event_handler=on_hit)
        found.sort()
        return found


def compile_anchors(anchors: Sequence[bytes]) -> hyperscan.Database:
    """Compile anchors, regular expressions in Vectorscan's subset, numbered from 0."""
    count = len(anchors)
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(expressions=list(anchors), ids=list(range(count)), elements=count, flags=[0] * count)
    return database


def dump(database: hyperscan.Database) -> bytes:
    """Return a compiled database as bytes for this kind of processor."""
    return bytes(hyperscan.dumpb(database))


def load(dumped: bytes) -> hyperscan.Database | None:
    """Return the database that `dump` gave; None if it is damaged or of another processor."""
    try:
        return hyperscan.loadb(dumped, hyperscan.HS_MODE_BLOCK)
    except hyperscan.HyperscanError:
        return None
