"""The matcher's file: compiled patterns and their tables, kept between runs in the user's own cache folder.

One file, checked when it is read, rebuilt on any doubt, and safe to delete.  A run reads all of it and understands only what it needs: a
rule is parsed when its anchor was seen.  The engine checks its own part; the rest has a checksum.
"""

import json
import os
import stat
import sys
import zlib
from pathlib import Path
from typing import NamedTuple

from keysweep.scanner.matching.compiled import CompiledRule

_HEAD = 32
"""Bytes before the tables: their checksum and length."""


class DecoderAnchor(NamedTuple):
    """What an anchor of a decoder means."""

    decoder: str
    """Name of its file."""
    width: int
    note: int


class Tables(NamedTuple):
    """What the numbers of anchors mean, in the order of the engine: rules, decoders, gates."""

    digest: str
    """Of the rule set."""
    owners: tuple[tuple[int, int, bool], ...]
    """For each anchor of a rule: number of the rule, widest match in bytes, whether every match is as wide."""
    rules: tuple[bytes, ...]
    """Rules as JSON, one each."""
    decoders: tuple[str, ...]
    """Names of the decoders' files."""
    anchors: bytes
    """Three bytes for each anchor of a decoder: number of the decoder, width, note."""
    gates: tuple[str, ...]
    """For each gate the detector that wants to see its places."""

    def rule(self, number: int) -> CompiledRule:
        """Return one rule."""
        return CompiledRule(*json.loads(self.rules[number]))

    def anchor(self, place: int) -> DecoderAnchor:
        """Return one anchor of a decoder."""
        number, width, note = self.anchors[3 * place : 3 * place + 3]
        return DecoderAnchor(self.decoders[number], width, note)


def signature_of(rules: str, layout: int) -> str:
    """Return what a kept file must have been made for: these rules, this program, this engine, this processor."""
    import hyperscan

    engine = str(hyperscan.__version__)  # type: ignore[attr-defined]  # its stub lacks it
    return (
        f"{layout} {','.join(CompiledRule._fields)} {rules} {sys.version} {engine} {os.uname().machine} {_cpu_flags()}"
    )


def read(path: Path, signature: str) -> tuple[Tables, bytes] | None:
    """Return the tables and the dumped engine; None on any doubt about whose the file is or whether it is whole."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    with os.fdopen(handle, "rb", buffering=0) as file:
        status = os.fstat(handle)
        if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077 or not _folder_is_private(path.parent):
            return None
        head = file.read(_HEAD).split()
        if len(head) != 2 or not head[1].isdigit():
            return None
        described, dumped = file.read(int(head[1])), file.read()
    if head[0] != _checksum(described):
        return None
    first, *rules = described.split(b"\n")
    kept = json.loads(first)
    if kept.pop("signature") != signature:
        return None
    anchors = bytes.fromhex(kept.pop("anchors"))
    owners = tuple((number, reach, bool(fixed)) for number, reach, fixed in kept.pop("owners"))
    decoders, gates = tuple(kept.pop("decoders")), tuple(kept.pop("gates"))
    tables = Tables(kept.pop("digest"), owners, tuple(rules), decoders, anchors, gates)
    return tables, dumped


def write(path: Path, signature: str, tables: Tables, dumped: bytes) -> None:
    """Put a matcher into the cache in one step; a cache that cannot be written is done without."""
    import tempfile

    fields = {
        "signature": signature,
        **tables._asdict(),
        "anchors": tables.anchors.hex(),
        "rules": None,
    }
    described = b"\n".join((json.dumps(fields).encode(), *tables.rules))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _folder_is_private(path.parent):
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            file.write((_checksum(described) + b" %d" % len(described)).ljust(_HEAD) + described + dumped)
        Path(temporary).replace(path)
    except OSError:
        return


def _checksum(content: bytes) -> bytes:
    """Return what tells damage; the file's owner and mode tell who wrote it."""
    return b"%08x" % zlib.crc32(content)


def _folder_is_private(folder: Path) -> bool:
    status = folder.stat()
    return status.st_uid == os.getuid() and not stat.S_IMODE(status.st_mode) & 0o022


def _cpu_flags() -> str:
    """A compiled engine fits one family of processors only."""
    try:
        with Path("/proc/cpuinfo").open("rb") as file:
            text = file.read(8192)
    except OSError:
        return ""
    return next((line.decode("ascii", "replace") for line in text.splitlines() if line[:5] in {b"flags", b"Featu"}), "")
