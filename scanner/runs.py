"""The ends of an encoded run: as far as its alphabet goes to both sides of a spot, line breaks of a wrapped run included."""

from __future__ import annotations

import re

from keysweep.scanner.decoders import EXTENT


def extent(
    data: bytes, start: int, end: int, *, forward: re.Pattern[bytes], backward: re.Pattern[bytes]
) -> tuple[int, int]:
    """Return where the run around `data[start:end]` begins and ends.

    Args:
        data: the text.
        start: beginning of what is known to belong to the run.
        end: its end.
        forward: matches what may follow, in order of the text.
        backward: matches what may stand before, read backwards.
    """
    after = forward.match(data, end, end + EXTENT)
    before = backward.match(data[max(start - EXTENT, 0) : start][::-1])
    return start - (before.end() if before else 0), after.end() if after else end
