"""Archives and compressed files: members are read one after the other, by whichever reader they need; nothing is extracted.

Whatever the headers say, only bytes that really come out are counted against the limits.
"""

from __future__ import annotations

import io
import lzma
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast, final

from keysweep.scanner.compressed import open_compressed
from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.finding import Blob, Origin, Segment, StreamOrigin, name_of
from keysweep.scanner.magic import is_archive
from keysweep.scanner.readers import Reader
from keysweep.scanner.tarball import TarBrokenError, is_tar, tar_members

_DEEPEST = 3
"""Archives inside of each other that are opened."""
_MEMBERS = 20_000
"""Of one file, those of archives inside of it included."""
_DIRECTORY = 8 << 20
"""Bytes of a zip's list of members: it is held in memory."""
_HEAD = 1024
_BLOCK = 1 << 20
_LARGEST = 32 << 30
"""Bytes that may come out of one file; a year of logs does, and is never held as a whole."""
_SPOOLED = 1 << 30
"""Bytes of a member that has to be written down to be read, such as a database."""
_SMALL = 64 << 20
_RATIO = 200
"""Times its own size that a file may hold, once it holds more than a little."""
_IN_MEMORY = 8 << 20
_END = b"PK\x05\x06"
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    ValueError,
    RuntimeError,
    TarBrokenError,
    struct.error,
)
_ENCRYPTED = 0x1
_ENDINGS = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd")

Choose = Callable[[str, bytes], Reader]
"""Given the name and the first bytes of a member, say which reader reads it."""


class _TooMuchError(Exception):
    """More came out than a file of that size may hold."""


@final
class _Budget:
    """What may still come out of one file."""

    def __init__(self, stored: int) -> None:
        self._bytes = min(max(_SMALL, _RATIO * stored), _LARGEST)
        self._members = _MEMBERS

    def spend(self, count: int) -> None:
        self._bytes -= count
        if self._bytes < 0:
            raise _TooMuchError

    def member(self) -> bool:
        """Whether one more member may be opened."""
        self._members -= 1
        return self._members >= 0


@final
class _Counted(io.RawIOBase):
    """Bytes as they come out, up to where they are damaged; what came before that is read."""

    def __init__(self, inner: IO[bytes], budget: _Budget, damaged: Callable[[], None]) -> None:
        super().__init__()
        self._head = b""
        self._inner = inner
        self._budget = budget
        self._damaged = damaged

    def peek(self) -> bytes:
        """Return the first bytes, which stay to be read."""
        while len(self._head) < _HEAD and (more := self._fresh(_HEAD - len(self._head))):
            self._head += more
        return self._head

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        if self._head:
            cut = len(self._head) if count < 0 else count
            data, self._head = self._head[:cut], self._head[cut:]
            return data
        return self._fresh(_BLOCK if count < 0 else min(count, _BLOCK))

    def _fresh(self, count: int) -> bytes:
        try:
            data = self._inner.read(count)
        except (OSError, *_BROKEN):
            self._damaged()
            return b""
        self._budget.spend(len(data))
        return data


def archive_reader(choose: Choose) -> Reader:
    """Return the reader for archives.

    Args:
        choose: says which reader reads a member that is no archive itself.
    """

    def segments(blob: Blob, log: CoverageLog) -> Iterator[Segment]:
        try:
            file = blob.open()
        except OSError:
            log.skip(name_of(blob.origin), Gap.UNREADABLE)
            return
        with file:
            size = file.seek(0, io.SEEK_END)
            file.seek(0)
            opened = _Opened(choose, log, _Budget(size))
            log.read(size)
            try:
                yield from opened.archive(blob.origin, file, 1)
            except _TooMuchError:
                log.skip(name_of(blob.origin), Gap.ARCHIVE_BOMB)

    return Reader(name="archive", accepts=is_archive, segments=segments)


@final
class _Opened:
    """One file and the archives inside of it."""

    def __init__(self, choose: Choose, log: CoverageLog, budget: _Budget) -> None:
        self._choose = choose
        self._log = log
        self._budget = budget

    def archive(self, origin: Origin, file: BinaryIO, depth: int) -> Iterator[Segment]:
        """Yield the text of every member; what is broken, encrypted or too deep goes to the log."""
        if depth > _DEEPEST:
            self._log.skip(name_of(origin), Gap.ARCHIVE_LIMITS)
            return
        head = file.read(4)
        file.seek(0)
        try:
            if head == b"PK\x03\x04":
                yield from self._zip(origin, file, depth)
            else:
                with open_compressed(file) as stream:
                    yield from self._compressed(origin, stream, depth)
        except (OSError, *_BROKEN):
            self._log.skip(name_of(origin), Gap.ARCHIVE_BROKEN)

    def _zip(self, origin: Origin, file: BinaryIO, depth: int) -> Iterator[Segment]:
        if _directory(file) > _DIRECTORY:
            self._log.skip(name_of(origin), Gap.ARCHIVE_LIMITS)
            return
        with zipfile.ZipFile(file) as opened:
            for member in opened.infolist():
                if member.is_dir():
                    continue
                place = _within(origin, member.filename)
                if member.flag_bits & _ENCRYPTED:
                    self._log.skip(name_of(place), Gap.ENCRYPTED)
                elif member.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2}:
                    self._log.skip(name_of(place), Gap.UNREADABLE)
                elif not self._budget.member():
                    self._log.skip(name_of(origin), Gap.ARCHIVE_LIMITS)
                    return
                else:
                    # NOTE: a checksum is compared before the last bytes are given out; a wrong one must hide nothing.
                    del member.CRC
                    try:
                        stream = opened.open(member)
                    except (OSError, *_BROKEN):
                        self._log.skip(name_of(place), Gap.ARCHIVE_BROKEN)
                        continue
                    with stream:
                        yield from self._content(place, self._counted(place, stream), depth)

    def _compressed(self, origin: Origin, stream: IO[bytes], depth: int) -> Iterator[Segment]:
        """Read what was compressed: a tar archive or a single file."""
        counted = self._counted(origin, stream)
        if not is_tar(counted.peek()):
            yield from self._content(_within(origin, _bare(origin)), counted, depth)
            return
        for name, data in tar_members(counted):
            if not self._budget.member():
                self._log.skip(name_of(origin), Gap.ARCHIVE_LIMITS)
                return
            place = _within(origin, name)
            yield from self._content(place, self._counted(place, data), depth)

    def _counted(self, origin: Origin, stream: IO[bytes]) -> _Counted:
        return _Counted(stream, self._budget, lambda: self._log.skip(name_of(origin), Gap.ARCHIVE_BROKEN))

    def _content(self, origin: Origin, stream: _Counted, depth: int) -> Iterator[Segment]:
        name, head = name_of(origin), stream.peek()
        nested = is_archive(name, head)
        reader = self._choose(name, head)
        if reader.name == "plain" and not nested:
            yield from reader.segments(Blob(origin=origin, size=None, open=lambda: cast("BinaryIO", stream)), self._log)
            return
        inner = _spooled(stream)
        if inner is None:
            self._log.skip(name, Gap.TOO_LARGE)
            return
        with inner:
            if nested:
                yield from self.archive(origin, inner, depth + 1)
                return
            size = inner.seek(0, io.SEEK_END)
            inner.seek(0)
            yield from reader.segments(Blob(origin=origin, size=size, open=lambda: inner), self._log)


def _spooled(stream: _Counted) -> BinaryIO | None:
    """Return the bytes as a file that can be sought in, which lies on disk without a name if it is large; None if it is too large."""
    spool = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  the caller closes it
    while block := stream.read():
        spool.write(block)
        if spool.tell() > _SPOOLED:
            spool.close()
            return None
    spool.seek(0)
    return cast("BinaryIO", spool)


def _directory(file: BinaryIO) -> int:
    """Return how large a zip's list of members says it is; the end of the file tells."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(size - (1 << 16) - 22, 0))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 16:
        raise zipfile.BadZipFile
    return int(struct.unpack_from("<I", tail, at + 12)[0])


def _within(origin: Origin, name: str) -> Origin:
    """Return the origin of a member; archives inside of each other are joined with `!`."""
    if isinstance(origin, StreamOrigin):
        return origin
    return origin._replace(member=name if origin.member is None else f"{origin.member}!{name}")


def _bare(origin: Origin) -> str:
    """Return the name of what a compressed file holds."""
    name = PurePosixPath(name_of(origin).rpartition("!")[2]).name
    return name.rpartition(".")[0] if name.lower().endswith(_ENDINGS) else name
