"""Parts of a scan that are loaded when the first input asks for them: a scan of text starts without reading images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import final

from keysweep.scanner.coverage import CoverageLog
from keysweep.scanner.detectors import Detector
from keysweep.scanner.finding import Blob, Match, Segment
from keysweep.scanner.magic import is_image
from keysweep.scanner.readers import Reader


def images(load: Callable[[], Reader]) -> Reader:
    """Return a reader for images that is loaded at the first one."""

    def segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
        yield from load().segments(blob, log)

    return Reader(name="image", accepts=is_image, segments=segments)


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
