"""From a match in a segment to the place where it stands: path, line, column, stored bytes, image box."""

from __future__ import annotations

from bisect import bisect_right
from typing import final

from keysweep.scanner.finding import Cell, CommitOrigin, FileOrigin, Occurrence, Region, Segment, StreamOrigin

_AROUND = 1024
"""Bytes to each side in which the ends of a line are looked for."""


@final
class Placer:
    """Tells where matches of one segment stand; asked in order of their places, it counts each line break once.

    Args:
        segment: the text.
    """

    def __init__(self, segment: Segment) -> None:
        self._segment = segment
        self._bare = _at(segment)
        self._counted = 0
        self._breaks = 0
        self._line_begins = 0
        self._measured = 0
        self._units = 0

    def occurrence(self, start: int, end: int, via: tuple[str, ...] = ()) -> Occurrence:
        """Return the place of `data[start:end]`, which was decoded as *via* says."""
        segment = self._segment
        if segment.cells:
            cell = segment.cells[bisect_right(segment.cells, start, key=_start) - 1]
            pointer = f"/{cell.column}"
            return self._bare._replace(via=segment.via + via, table=cell.table, rowid=cell.rowid, pointer=pointer)
        if segment.encoded_length is not None:
            return self._bare._replace(
                start=segment.start,
                end=segment.start + segment.encoded_length,
                via=segment.via + via,
                box=_box(segment, start, end),
            )
        breaks = self._breaks_before(start)
        return self._bare._replace(
            line=segment.line + breaks,
            column=start - self._line_begins + self._first_column,
            start=segment.start + start,
            end=segment.start + end,
            via=segment.via + via,
            region=self._region(segment.line + breaks, start, end),
        )

    @property
    def _first_column(self) -> int:
        """Column at which the text of the current line begins: what was before the segment is known in bytes only."""
        return 1 if self._line_begins else self._segment.column

    def _region(self, line: int, start: int, end: int) -> Region:
        """Return the place as editors count it; each byte of a line is measured once, however many keys it has."""
        if self._measured < self._line_begins:
            self._measured, self._units = self._line_begins, 0
        self._units += _units(self._segment.data[self._measured : start])
        self._measured = start
        column = self._units + self._first_column
        text = self._segment.data[start:end]
        breaks = text.count(b"\n")
        if not breaks:
            return Region(line, column, line, column + _units(text))
        return Region(line, column, line + breaks, _units(text[text.rfind(b"\n") + 1 :]) + 1)

    def _breaks_before(self, start: int) -> int:
        if start < self._counted:
            self._counted = self._breaks = self._line_begins = self._measured = self._units = 0
        if (more := self._segment.data.count(b"\n", self._counted, start)) > 0:
            self._breaks += more
            self._line_begins = self._segment.data.rfind(b"\n", self._counted, start) + 1
        self._counted = start
        return self._breaks


def occurrence(segment: Segment, start: int, end: int, via: tuple[str, ...] = ()) -> Occurrence:
    """Return the place of `segment.data[start:end]`, which was decoded as *via* says."""
    return Placer(segment).occurrence(start, end, via)


def _units(text: bytes) -> int:
    """Return the length of text in units of UTF-16."""
    return len(text) if text.isascii() else len(text.decode("utf-8", "replace").encode("utf-16-le")) // 2


def _start(cell: Cell) -> int:
    return cell.start


def describe_place(occurrence: Occurrence) -> str:
    """Return a place as one line: path, member, commit, position."""
    name = occurrence.path + (f"!{occurrence.member}" if occurrence.member else "")
    if occurrence.commit:
        name = f"{occurrence.commit[:12]}:{name}"
    if occurrence.line is not None:
        return f"{name}:{occurrence.line}:{occurrence.column}"
    if occurrence.table is not None:
        return f"{name} {occurrence.table}[{'?' if occurrence.rowid is None else occurrence.rowid}]{occurrence.pointer}"
    if occurrence.box is not None:
        left, top, width, height = occurrence.box
        return f"{name} [{width}x{height}+{left}+{top}]"
    return f"{name} @{occurrence.start}" if occurrence.start is not None else name


def line_around(segment: Segment, start: int, end: int) -> bytes:
    """Return the text of the line, or lines, of a match; at most a kilobyte to each side."""
    low, high = max(start - _AROUND, 0), min(end + _AROUND, len(segment.data))
    before, behind = segment.data.rfind(b"\n", low, start), segment.data.find(b"\n", end, high)
    return segment.data[before + 1 if before >= 0 else low : behind if behind >= 0 else high]


def _at(segment: Segment) -> Occurrence:
    match segment.origin:
        case FileOrigin(path=path, member=member):
            return Occurrence(path=path, member=member)
        case CommitOrigin(path=path, commit=commit, author=author, date=date, member=member):
            return Occurrence(path=path, commit=commit, author=author, date=date, member=member)
        case StreamOrigin(name=name):
            return Occurrence(path=name)


def _box(segment: Segment, start: int, end: int) -> tuple[int, int, int, int] | None:
    """Return the rectangle around the words that a run of text was read from."""
    boxes = [placed.box for placed in segment.layout if placed.start < end and placed.end > start]
    if not boxes:
        return None
    left, top = min(b.left for b in boxes), min(b.top for b in boxes)
    right, bottom = max(b.left + b.width for b in boxes), max(b.top + b.height for b in boxes)
    return left, top, right - left, bottom - top
