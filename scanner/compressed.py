"""Streams that one program compressed: gzip, bzip2, xz and zstd, opened for reading with bounded memory whatever their heads ask for."""

from __future__ import annotations

import io
from typing import IO, BinaryIO, cast, final

from keysweep.scanner.magic import BZIP2, GZIP, XZ, ZSTD

_MEMORY = 128 << 20
"""Bytes of window that a stream may ask for: what `zstd` itself takes without being told."""
_BLOCK = 256 << 10
_PIECE = 1 << 10
_CELL = 16 << 20
"""Bytes that a small compressed value may hold."""


class DamagedError(OSError):
    """The stream is not what its first bytes promise, or asks for too much memory."""


def open_compressed(file: BinaryIO) -> IO[bytes]:
    """Return what a compressed file holds, as a stream.

    Raises:
        DamagedError: when it is read: the stream is damaged.
        OSError, EOFError, zlib.error: the same, from the standard library.
    """
    head = file.read(6)
    file.seek(0)
    if head.startswith(GZIP):
        import gzip

        return cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb"))
    if head.startswith(BZIP2):
        import bz2

        return bz2.BZ2File(file)
    return cast("IO[bytes]", _Xz(file) if head == XZ else _Zstd(file))


def inflated(value: bytes) -> bytes:
    """Return what a small value holds if it begins like one that was compressed, else the value: as far as it can be read, and bounded."""
    if not value.startswith((GZIP, ZSTD)):
        return value
    found = bytearray()
    try:
        stream = open_compressed(io.BytesIO(value))
        while len(found) < _CELL and (block := stream.read(_BLOCK)):
            found += block
    except (OSError, EOFError, ValueError):
        return bytes(found) or value
    return bytes(found)


@final
class _Xz(io.RawIOBase):
    """One stream of xz behind the other; the standard library's file object sets no limit to memory."""

    def __init__(self, file: BinaryIO) -> None:
        import lzma

        super().__init__()
        self._lzma = lzma
        self._file = file
        self._stream = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        count = _BLOCK if count < 0 else count
        while True:
            if self._stream.eof:
                rest = self._stream.unused_data.lstrip(b"\0") or self._file.read(_BLOCK).lstrip(b"\0")
                if not rest:
                    return b""
                self._stream = self._lzma.LZMADecompressor(format=self._lzma.FORMAT_XZ, memlimit=_MEMORY)
            else:
                rest = self._file.read(_BLOCK) if self._stream.needs_input else b""
                if self._stream.needs_input and not rest:
                    raise DamagedError
            try:
                data = self._stream.decompress(rest, count)
            except self._lzma.LZMAError as error:
                raise DamagedError from error
            if data:
                return data


@final
class _Zstd(io.RawIOBase):
    """One frame of zstd behind the other; the library's own stream does not say that a frame is cut short."""

    def __init__(self, file: BinaryIO) -> None:
        import zstandard

        super().__init__()
        self._error = zstandard.ZstdError
        self._new = zstandard.ZstdDecompressor(max_window_size=_MEMORY).decompressobj
        self._file = file
        self._frame = self._new()
        self._begun = False
        self._waiting = self._out = b""

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        count = _BLOCK if count < 0 else count
        while not self._out and (piece := self._piece()):
            try:
                self._out = self._frame.decompress(piece)
            except self._error as error:
                raise DamagedError from error
        if not self._out and self._begun:
            raise DamagedError
        data, self._out = self._out[:count], self._out[count:]
        return data

    def _piece(self) -> bytes:
        """Return the next bytes, few at a time: each may become as many as a block holds for every three of them."""
        if self._frame.eof:
            self._waiting = self._frame.unused_data + self._waiting
            self._frame, self._begun = self._new(), False
        if not self._waiting:
            self._waiting = self._file.read(_BLOCK)
        piece, self._waiting = self._waiting[:_PIECE], self._waiting[_PIECE:]
        self._begun = self._begun or bool(piece)
        return piece
