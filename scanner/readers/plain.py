"""Anything as text: windows of bounded size over the stored bytes, with exact offsets, lines and columns.

UTF-16 and UTF-32 are turned into UTF-8 first; their offsets then cover the whole file.  The stored bytes are looked at all the
same: a mark promises nothing, and programs append plain lines to files of wide ones.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import BinaryIO

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, Origin, Segment, name_of
from keysweep.scanner.readers import OVERLAP, WINDOW, Reader

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_MARKS = tuple(mark for mark, _ in _BOMS)
_SAMPLE = 2048
"""Bytes that tell whether text without a mark is wide."""
_LAYOUTS = {"utf-32-le": {0}, "utf-32-be": {3}, "utf-16-le": {0, 2}, "utf-16-be": {1, 3}}
"""Which of four bytes are not zero in text of mostly Latin letters without a mark."""
_FEW, _MOST = 0.1, 0.7
"""Shares of zeros: text has few, its padding is mostly zeros even where a few letters are not Latin."""
_LARGEST_WIDE = 256 << 20


def _segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
    name = name_of(blob.origin)
    try:
        with blob.open() as file:
            asked = WINDOW if blob.size is None else min(blob.size + 1, WINDOW)
            head = blob.begun
            if len(head) != blob.size:
                head += read_fully(file, asked - len(head))
            encoding = _wide(head)
            if encoding is not None:
                yield from _decoded(blob.origin, file, head, encoding, log, name)
            elif len(head) < asked:
                yield Segment(blob.origin, head)
                log.read(len(head))
            else:
                yield from _windows(blob.origin, file, head + read_fully(file, WINDOW - asked), log)
    except OSError:
        log.skip(name, Gap.UNREADABLE)


def read_fully(file: BinaryIO, count: int) -> bytes:
    """Return *count* bytes, fewer only at the end; a pipe gives them in portions."""
    data = file.read(count) if count else b""
    while len(data) < count and (more := file.read(count - len(data))):
        data += more
    return data


def _windows(origin: Origin, file: BinaryIO, data: bytes, log: CoverageLog, *, read_as: str = "") -> Iterator[Segment]:
    start, line, column, repeated = 0, 1, 1, 0
    while True:
        following = _following(file, data) if len(data) >= WINDOW else b""
        yield Segment(
            origin=origin,
            data=data,
            start=start,
            line=line,
            column=column,
            repeated=repeated,
            goes_on=bool(following),
            read_as=read_as,
        )
        if not following:
            log.read(start + len(data))
            return
        passed = len(data) - OVERLAP
        breaks = data.count(b"\n", 0, passed)
        column = passed - data.rfind(b"\n", 0, passed) if breaks else column + passed
        line += breaks
        start += passed
        data = following
        repeated = OVERLAP


def _following(file: BinaryIO, data: bytes) -> bytes:
    """Return the next window, which begins with the end of *data*; empty at the end of the file.

    A plain file is read from there once more: to put megabytes together costs more than that.
    """
    if isinstance(file, io.FileIO) and file.seekable():
        file.seek(-OVERLAP, io.SEEK_CUR)
        again = read_fully(file, OVERLAP + WINDOW)
        return again if len(again) > OVERLAP else b""
    fresh = read_fully(file, WINDOW)
    return data[-OVERLAP:] + fresh if fresh else b""


def _decoded(
    origin: Origin, file: BinaryIO, head: bytes, encoding: str, log: CoverageLog, name: str
) -> Iterator[Segment]:
    stored = head + read_fully(file, _LARGEST_WIDE)
    if file.read(1):
        log.skip(name, Gap.TRUNCATED)
    text = stored.decode(encoding, "replace").encode("utf-8", "replace")
    for at in range(0, max(len(text), 1), WINDOW):
        yield Segment(
            origin=origin,
            data=text[max(at - OVERLAP, 0) : at + WINDOW],
            repeated=min(at, OVERLAP),
            goes_on=at + WINDOW < len(text),
            via=(encoding[:6],),
            encoded_length=len(stored),
        )
    rest = io.BytesIO(stored)
    yield from _windows(origin, rest, rest.read(WINDOW), log, read_as=encoding[:6])


def _wide(head: bytes) -> str | None:
    """Return the encoding of text in units of two or four bytes: by its mark, or by the zeros of plain letters."""
    for mark, encoding in _BOMS if head.startswith(_MARKS) else ():
        if head.startswith(mark):
            return encoding
    if head.find(b"\0", 0, _SAMPLE) < 0:
        return None
    sample = head[: min(len(head) // 4 * 4, _SAMPLE)]
    if len(sample) < 16:
        return None
    zeros = [sample[place::4].count(0) * 4 / len(sample) for place in range(4)]
    text = [share < _FEW for share in zeros]
    empty = [share > _MOST for share in zeros]
    for encoding, used in _LAYOUTS.items():
        if all(text[place] if place in used else empty[place] for place in range(4)):
            return encoding if _readable(sample.decode(encoding, "replace")) else None
    return None


def _readable(text: str) -> bool:
    """Whether it is text, not small numbers in a table."""
    return sum(char.isprintable() or char.isspace() for char in text) > len(text) * 0.9


READER = Reader(name="plain", accepts=lambda _name, _head: True, segments=_segments)
