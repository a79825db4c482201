"""Objects of a repository as `git cat-file --batch` gives them; git stops at a corrupt one, this goes on behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from keysweep.scanner.coverage import CoverageLog, Gap
from keysweep.scanner.shadow import Shadow

_LARGEST = 512 << 20
_ATTEMPTS = 100
"""Corrupt objects after which the rest is given up."""


class Object(NamedTuple):
    """One object, whole."""

    id: str
    kind: bytes
    data: bytes


@dataclass(slots=True)
class _Progress:
    """How far one run of git came."""

    headers: int = 0
    cut: bool = False
    """The last object ended early."""


def read_objects(shadow: Shadow, wanted: Sequence[bytes] | None, log: CoverageLog, name: str) -> Iterator[Object]:
    """Yield the objects of the given ids, or all there are; what is missing, corrupt or too large goes to *log*.

    Args:
        shadow: the repository.
        wanted: object ids; None for every object, the unreachable ones too.
        log: where gaps go.
        name: of the repository, for the gaps.
    """
    ids = wanted
    for _ in range(_ATTEMPTS):
        command = ["cat-file", "--batch", "--buffer"]
        command += ["--batch-all-objects", "--unordered"] if ids is None else []
        running = shadow.stream(*command, stdin=None if ids is None else b"".join(i + b"\n" for i in ids))
        progress = _Progress()
        try:
            yield from _parse(running.stdout, progress, log, name)
            status = running.wait()
        finally:
            running.stop()
        if running.complained:
            log.skip(name, Gap.CORRUPT)
        if status == 0:
            return
        if ids is None:
            # NOTE: without the content git lists in the same order, so the count of headers is the place to go on.
            listed = shadow.lines("cat-file", "--batch-all-objects", "--unordered", "--batch-check=%(objectname)")
            ids = [line.split(b" ", 1)[0] for line in listed.splitlines()]
        ids = ids[progress.headers :]
        if not progress.cut and ids:
            log.skip(f"{name} {ids[0].decode('ascii', 'replace')}", Gap.CORRUPT)
            ids = ids[1:]
        if not ids:
            return
    log.skip(name, Gap.CORRUPT)


def _parse(stream: BinaryIO, progress: _Progress, log: CoverageLog, name: str) -> Iterator[Object]:
    """Read the batch format: `<id> <type> <size>`, the bytes, a line break."""
    while header := stream.readline():
        progress.headers += 1
        fields = header.split()
        if len(fields) != 3 or not fields[2].isdigit():
            log.skip(f"{name} {fields[0][:64].decode('ascii', 'replace') if fields else '?'}", Gap.CORRUPT)
            continue
        identifier, size = fields[0].decode(), int(fields[2])
        if size > _LARGEST:
            log.skip(f"{name} {identifier}", Gap.TOO_LARGE)
            while size > 0 and (block := stream.read(min(size, 1 << 20))):
                size -= len(block)
            stream.read(1)
            continue
        data = stream.read(size)
        if len(data) < size:
            progress.cut = True
            log.skip(f"{name} {identifier}", Gap.TRUNCATED)
        stream.read(1)
        yield Object(identifier, fields[1], data)
