"""Parts of a scan that are loaded when the first input asks for them: a scan of text starts without reading images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, final

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.detectors import Detector
from keysweep.scanner.finding import Blob, Match, Segment
from keysweep.scanner.magic import ARCHIVES, DATABASES, IMAGES, is_archive, is_image, is_sqlite
from keysweep.scanner.readers import Reader

if TYPE_CHECKING:
    from keysweep.scanner.matching.matcher import Gated


def images(load: Callable[[], Reader]) -> Reader:
    """Return a reader for images that is loaded at the first one."""
    return _on_demand("image", is_image, IMAGES, load)


def databases(raw: Reader) -> Reader:
    """Return a reader for SQLite databases that is loaded at the first one; *raw* reads their pages as bytes."""

    def load() -> Reader:
        from keysweep.scanner.readers.sqlite import sqlite_reader

        return sqlite_reader(raw)

    return _on_demand("sqlite", is_sqlite, DATABASES, load)


def archives(inner: Sequence[Reader]) -> Reader:
    """Return a reader for archives that is loaded at the first one; *inner* read the members, and the last accepts everything."""

    def choose(name: str, head: bytes) -> Reader:
        return next(reader for reader in inner if reader.accepts(name, head))

    def load() -> Reader:
        from keysweep.scanner.readers.archive import archive_reader

        return archive_reader(choose)

    return _on_demand("archive", is_archive, ARCHIVES, load)


def _on_demand(
    name: str, accepts: Callable[[str, bytes], bool], begins: tuple[bytes, ...], load: Callable[[], Reader]
) -> Reader:
    def segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
        yield from load().segments(blob, log)

    return Reader(name=name, accepts=accepts, segments=segments, begins=begins)


@final
class ForImages:
    """A detector for text that was read from images, loaded at the first such text.

    Args:
        load: makes the detector.
    """

    def __init__(self, load: Callable[[], Detector]) -> None:
        self._load = load

    @cached_property
    def _detector(self) -> Detector:
        return self._load()

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return what the detector finds; nothing in text from elsewhere."""
        return self._detector.find(segment) if "ocr" in segment.via else ()


_FoundT_co = TypeVar("_FoundT_co", covariant=True)


class Look(Protocol[_FoundT_co]):
    """A detector that looks around places only."""

    def find(self, segment: Segment, spots: Sequence[Gated]) -> Sequence[_FoundT_co]:
        """Return what stands around *spots*, in order of its start."""
        ...


@final
class BehindGates(Generic[_FoundT_co]):
    """A detector that is loaded, and asked, only where the engine saw one of its gates.

    Args:
        name: of the detector's file, which declares the gates.
        gated: tells the places of a detector's gates in a text.
        load: makes the detector.
    """

    def __init__(
        self, name: str, gated: Callable[[bytes, str], Sequence[Gated]], load: Callable[[], Look[_FoundT_co]]
    ) -> None:
        self._name = name
        self._gated = gated
        self._load = load

    @cached_property
    def _detector(self) -> Look[_FoundT_co]:
        return self._load()

    def find(self, segment: Segment) -> Sequence[_FoundT_co]:
        """Return what the detector finds; nothing in text without its gates."""
        spots = self._gated(segment.data, self._name)
        return self._detector.find(segment, spots) if spots else ()
