"""Text that stands encoded in other text: one file an encoding, exporting `DECODER`.

A decoder is cheap because it never looks at all of the text: it says how the *heads* of keys (`sk-ant-api03-`, `postgres://`) look in
its encoding, the engine finds those in the same pass as everything else, and only the run around such a place is decoded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple


class Spot(NamedTuple):
    """One place where the engine saw an anchor of a decoder."""

    end: int
    """Offset behind the anchor."""
    width: int
    """Length of the anchor's text."""
    note: int
    """What `Anchor.note` said."""


class Anchor(NamedTuple):
    """A pattern for the engine."""

    pattern: bytes
    width: int
    """Length of every text that it matches; 0 if it varies."""
    note: int = 0
    """For the decoder itself: which variant this is."""


class Piece(NamedTuple):
    """A stretch of decoded text and where it was taken from.  Inside a stretch positions run in step."""

    at: int
    """Offset in the decoded text."""
    start: int
    """Offset in the encoding text."""
    end: int | None = None
    """For a single decoded character: where its encoded form ends."""


class Decoded(NamedTuple):
    """What one encoded run says."""

    via: tuple[str, ...]
    """How it was decoded, outermost first."""
    data: bytes
    start: int
    end: int
    """The encoded run, as offsets of the text that it stands in."""
    pieces: tuple[Piece, ...] = ()
    """In order; empty where a position inside the run cannot be told from the others."""
    opened: tuple[int, int] | None = None
    """Where in `data` an opening must end to be new; None for all of it.  The rest stands in the encoding text as it is."""


class Decoder(NamedTuple):
    """One encoding."""

    name: str
    anchors: Callable[[Iterable[bytes]], Sequence[Anchor]]
    """Given the heads of keys, say what to look for."""
    decode: Callable[[bytes, Sequence[Spot]], Iterator[Decoded]]
    """Given the text and the spots in order, yield each encoded run once.  Linear in the text; bounded output."""


MOST_DECODED = 1 << 20
"""Bytes that one run may decode to."""
EXTENT = 1 << 16
"""Bytes to each side of a spot in which the ends of its run are looked for."""
