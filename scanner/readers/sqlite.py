"""SQLite databases: rows, read in a confined process with what the write-ahead log adds, then raw pages, which keep deleted rows."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, final

from keysweep.scanner import sqlite_rows
from keysweep.scanner.compressed import inflated
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, Cell, FileOrigin, Origin, Segment, name_of
from keysweep.scanner.magic import is_sqlite
from keysweep.scanner.readers import OVERLAP, WINDOW, Reader
from keysweep.scanner.sqlite_rows import BROKEN, CELL, CELL_WITHOUT_ROWID, RECORD, TABLE, TIMEOUT, TOO_MUCH, WHOLE
from keysweep.scanner.walk import open_regular

_WORKER = Path(sqlite_rows.__file__)
_LARGEST = 4 << 30
"""Bytes of a database, or of its log, that are copied so that the rows can be read."""
_BLOCK = 1 << 20
_BETWEEN = b"\n\0\n"
"""Stands between two cells: no key goes on over it."""
_SAYS_NOTHING = frozenset(("id", "key", "name"))
"""Columns whose name before a value would make a key of any identifier."""
_GAPS = {TIMEOUT: Gap.TIMEOUT, TOO_MUCH: Gap.TRUNCATED, BROKEN: Gap.DATABASE_BROKEN}


def sqlite_reader(raw: Reader) -> Reader:
    """Return the reader for SQLite databases.

    Args:
        raw: reads the pages as bytes, whatever is the matter with the rows.
    """

    def segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
        if blob.size is None or blob.size > _LARGEST:
            log.skip(f"{name_of(blob.origin)} (rows)", Gap.TOO_LARGE)
            yield from raw.segments(blob, log)
            return
        try:
            with tempfile.TemporaryDirectory(prefix="keysweep-") as folder:
                copy = Path(folder) / "database"
                _copy(blob.open(), copy)
                _copy_log(blob.origin, copy)
                yield from _rows(blob.origin, copy, log)
                yield from raw.segments(blob._replace(open=lambda: copy.open("rb")), log)
        except OSError:
            log.skip(name_of(blob.origin), Gap.UNREADABLE)

    return Reader(name="sqlite", accepts=is_sqlite, segments=segments)


def _copy(file: BinaryIO, target: Path) -> None:
    with file, target.open("wb") as out:
        while out.tell() <= _LARGEST and (block := file.read(_BLOCK)):
            out.write(block)


def _copy_log(origin: Origin, copy: Path) -> None:
    """Copy the log beside a database: rows that were written last are only there."""
    if not isinstance(origin, FileOrigin) or origin.member is not None:
        return
    try:
        beside = open_regular(f"{origin.path}-wal")
    except OSError:
        return
    _copy(beside, copy.with_name(f"{copy.name}-wal"))


def _rows(origin: Origin, copy: Path, log: CoverageLog) -> Iterator[Segment]:
    """Yield the texts of the rows, many cells in one segment."""
    went, batch = BROKEN, _Batch(origin)
    command = [sys.executable, "-I", str(_WORKER), str(copy)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}) as worker:
        assert worker.stdout is not None  # noqa: S101  asked for above
        try:
            table, columns = "", [""]
            for kind, rowid, number, data in _records(worker.stdout):
                if kind == TABLE:
                    table, columns = json.loads(data)
                elif kind in {CELL, CELL_WITHOUT_ROWID}:
                    cell = Cell(0, table, rowid if kind == CELL else None, columns[number])
                    yield from batch.add(cell, inflated(data))
                else:
                    went = data
            yield from batch.rest()
        finally:
            worker.kill()
    if went != WHOLE:
        log.skip(f"{name_of(origin)} (rows)", _GAPS.get(went, Gap.DATABASE_BROKEN))


def _records(stream: IO[bytes]) -> Iterator[tuple[bytes, int, int, bytes]]:
    """Yield what the worker writes, up to its end or to where it was killed."""
    while len(head := stream.read(RECORD.size)) == RECORD.size:
        kind, rowid, number, length = RECORD.unpack(head)
        data = stream.read(length)
        if len(data) < length:
            return
        yield kind, rowid, number, data


@final
class _Batch:
    """Cells that wait until they fill a segment."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._data = bytearray()
        self._cells: list[Cell] = []

    def add(self, cell: Cell, text: bytes) -> Iterator[Segment]:
        """Take one more cell; yield segments that are full.  A cell of many megabytes becomes several."""
        before = b"" if cell.column.lower() in _SAYS_NOTHING else cell.column.encode("utf-8", "replace") + b"="
        if len(self._data) + len(text) > WINDOW:
            yield from self.rest()
        if len(text) > WINDOW:
            for at in range(0, len(text), WINDOW):
                part = text[max(at - OVERLAP, 0) : at + WINDOW]
                more = at + WINDOW < len(text)
                yield Segment(origin=self._origin, data=part, repeated=min(at, OVERLAP), goes_on=more, cells=(cell,))
            return
        self._cells.append(cell._replace(start=len(self._data)))
        self._data += before + text + _BETWEEN

    def rest(self) -> Iterator[Segment]:
        """Yield what waits."""
        if self._cells:
            yield Segment(origin=self._origin, data=bytes(self._data), cells=tuple(self._cells))
            self._data, self._cells = bytearray(), []
