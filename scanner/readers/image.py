"""Screenshots: decoded in a confined process, read by an OCR engine, words joined to lines with their places."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, Box, Placed, Segment, name_of
from keysweep.scanner.magic import is_image
from keysweep.scanner.ocr import OcrEngine, OcrFailedError, OcrTimeoutError, Word
from keysweep.scanner.readers import Reader

_WORKER = Path(__file__).with_name("worker.py")
_WALL_S = 60.0
_REFUSED = 3
_BORDER = 20
"""White frame that the worker adds, in pixels of the enlarged image."""
_LARGEST = 64 << 20


def image_reader(engine: OcrEngine | None) -> Reader:
    """Return the reader for images; without an engine each image is a recorded gap.

    Args:
        engine: reads the words.
    """

    def segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
        name = name_of(blob.origin)
        if engine is None:
            log.skip(name, Gap.NO_OCR)
            return
        try:
            with blob.open() as file:
                stored = file.read(_LARGEST + 1)
        except OSError:
            log.skip(name, Gap.UNREADABLE)
            return
        decoded = _decode(stored)
        if isinstance(decoded, Gap):
            log.skip(name, decoded)
            return
        png, factor, more = decoded
        if more:
            log.skip(name, Gap.TRUNCATED)
        try:
            words = engine.words(png)
        except OcrTimeoutError:
            log.skip(name, Gap.OCR_TIMEOUT)
            return
        except OcrFailedError:
            log.skip(name, Gap.OCR_FAILED)
            return
        log.read(len(stored))
        data, layout = _lines(words, factor)
        yield Segment(origin=blob.origin, data=data, via=("ocr",), encoded_length=len(stored), layout=layout)

    return Reader(name="image", accepts=is_image, segments=segments)


def _decode(stored: bytes) -> tuple[bytes, float, bool] | Gap:
    """Let the worker turn the image into a grey PNG; return it with its enlargement, and whether more frames follow."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(_WORKER)],
            input=stored,
            capture_output=True,
            timeout=_WALL_S,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        return Gap.IMAGE_LIMITS
    if done.returncode == _REFUSED or done.returncode < 0:
        return Gap.IMAGE_LIMITS
    if done.returncode != 0:
        return Gap.IMAGE_BROKEN
    head, _, png = done.stdout.partition(b"\n")
    factor, more = head.split()
    return png, float(factor), more == b"1"


def _lines(words: Sequence[Word], factor: float) -> tuple[bytes, tuple[Placed, ...]]:
    """Join words with spaces and lines with line breaks; boxes in pixels of the image as stored."""
    data = bytearray()
    layout: list[Placed] = []
    previous: int | None = None
    for word in words:
        if previous is not None:
            data += b" " if word.line == previous else b"\n"
        start = len(data)
        data += word.text.encode()
        layout.append(Placed(start=start, end=len(data), box=_unscaled(word.box, factor)))
        previous = word.line
    return bytes(data), tuple(layout)


def _unscaled(box: Box, factor: float) -> Box:
    return Box(
        left=max(round((box.left - _BORDER) / factor), 0),
        top=max(round((box.top - _BORDER) / factor), 0),
        width=round(box.width / factor),
        height=round(box.height / factor),
    )
