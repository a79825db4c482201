"""Members of a tar archive from a stream, without believing its headers: none of what they claim is held in memory."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Protocol, cast, final

_BLOCK = 512
_LONGEST_NAME = 1 << 16
_REGULAR = b"0\0007"
_LONG_NAME, _EXTENDED, _GLOBAL = b"L", b"x", b"g"


class TarBrokenError(Exception):
    """It ends too early, or is none."""


class Stream(Protocol):
    """Where the archive comes from."""

    def read(self, count: int = -1, /) -> bytes:
        """Return at most *count* bytes; none at the end."""
        ...


def is_tar(head: bytes) -> bool:
    """Whether bytes begin like a tar archive: its first header adds up."""
    if len(head) < _BLOCK or not head[:1].strip(b"\0"):
        return False
    try:
        claimed = int(head[148:156].strip(b"\0 ") or b"x", 8)
    except ValueError:
        return False
    return claimed == sum(head[:148]) + 8 * 32 + sum(head[156:_BLOCK])


def tar_members(stream: Stream) -> Iterator[tuple[str, IO[bytes]]]:
    """Yield the name of each regular file and its bytes, which must be read before the next one is asked for.

    Raises:
        TarBrokenError: a header is none, or the archive ends inside of a member.
    """
    name = ""
    while True:
        header = _exactly(stream, _BLOCK)
        if not header or not header.strip(b"\0"):
            return
        if not is_tar(header):
            raise TarBrokenError
        kind, size = header[156:157], _size(header[124:136])
        member = _Member(stream, size)
        if kind in {_LONG_NAME, _EXTENDED} and size <= _LONGEST_NAME:
            text = member.read()
            name = _extended(text) if kind == _EXTENDED else text.rstrip(b"\0").decode("utf-8", "replace")
        elif kind not in {_LONG_NAME, _EXTENDED, _GLOBAL}:
            if kind in _REGULAR or size:
                yield name or _short(header), cast("IO[bytes]", member)
            name = ""
        member.skip()


def _size(field: bytes) -> int:
    """Read a size: octal, or binary where the first bit is set."""
    if field[0] & 0x80:
        return int.from_bytes(field, "big") & ((1 << 64) - 1)
    try:
        size = int(field.strip(b"\0 ") or b"0", 8)
    except ValueError as error:
        raise TarBrokenError from error
    if size < 0:
        raise TarBrokenError
    return size


def _short(header: bytes) -> str:
    parts = [header[:100]] if header[257:262] != b"ustar" else [header[345:500], header[:100]]
    return "/".join(part.split(b"\0")[0].decode("utf-8", "replace") for part in parts if part[:1].strip(b"\0"))


def _extended(text: bytes) -> str:
    """Return the path that an extended header names; empty if it names none."""
    for record in text.split(b"\n"):
        word, _, value = record.partition(b"=")
        if word.endswith(b" path"):
            return value.decode("utf-8", "replace")
    return ""


def _exactly(stream: Stream, count: int) -> bytes:
    data = stream.read(count)
    while data and len(data) < count:
        more = stream.read(count - len(data))
        if not more:
            raise TarBrokenError
        data += more
    return data


@final
class _Member(io.RawIOBase):
    """The bytes of one member, and the padding behind them."""

    def __init__(self, stream: Stream, size: int) -> None:
        super().__init__()
        self._stream = stream
        self._left = size
        self._padding = -size % _BLOCK

    def readable(self) -> bool:
        return True

    def read(self, count: int = -1) -> bytes:
        parts = []
        wanted = self._left if count < 0 else min(count, self._left)
        while wanted > 0:
            data = self._stream.read(wanted)
            if not data:
                raise TarBrokenError
            parts.append(data)
            self._left -= len(data)
            wanted -= len(data)
            if count >= 0:
                break
        return b"".join(parts)

    def skip(self) -> None:
        """Read on to the next header."""
        while self._left and self.read(1 << 20):
            pass
        while self._padding:
            data = self._stream.read(self._padding)
            if not data:
                return
            self._padding -= len(data)
