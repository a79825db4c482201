"""A file that keys are imported from, read once: its bytes, its text and, if it is structured, its tree.

Regular files and pipes are opened, nothing else.  The buffer is overwritten when the import is over.
"""

from __future__ import annotations

import stat
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, final

from keysweep.foundation.errors import UsageError
from keysweep.rotation.imports.structured import NoTreeError, Tree, parse_json, parse_json5, parse_toml, parse_yaml

LARGEST = 64 << 20
"""Bytes of a file that is read as a whole."""
_SQLITE = b"SQLite format 3\0"
_HEAD = 64


@final
class Document:
    """One file, or what came over standard input.

    Args:
        name: how it is called in messages.
        data: its bytes; of a database only the first ones.
        path: where it lies, if it is a file.
        mode: its permissions, if it is a file.
    """

    def __init__(
        self, name: str, data: bytes | bytearray, *, path: Path | None = None, mode: int | None = None
    ) -> None:
        self.name = name
        self.path = path
        self.mode = mode
        self.data = bytearray(data)

    @property
    def is_database(self) -> bool:
        """Whether it is a SQLite file."""
        return self.data.startswith(_SQLITE)

    @property
    def is_archive(self) -> bool:
        """Whether it is a zip file."""
        return self.data.startswith(b"PK\x03\x04")

    @property
    def open_to_others(self) -> bool:
        """Whether other users of this machine can read it."""
        return self.mode is not None and bool(self.mode & (stat.S_IRGRP | stat.S_IROTH))

    @cached_property
    def text(self) -> str:
        """The text, without a byte order mark; empty if it is no text.

        Raises:
            UsageError: it is neither UTF-8 nor marked as UTF-16.
        """
        if self.is_database or self.is_archive:
            return ""
        try:
            wide = self.data.startswith((b"\xff\xfe", b"\xfe\xff"))
            return self.data.decode("utf-16" if wide else "utf-8-sig")
        except UnicodeDecodeError:
            msg = f"{self.name} is not UTF-8 text"
            raise UsageError(msg) from None

    @cached_property
    def tree(self) -> Tree:
        """What it holds as JSON, JSON with comments or TOML; None if it is none of them.

        Raises:
            ImportRowError: it gives a name twice.
        """
        begins = self.text.lstrip()[:2]
        readers = (parse_json, parse_json5) if begins[:1] in {"{", "["} or begins in {"//", "/*"} else ()
        for read in (*readers, parse_toml):
            try:
                return read(self.text)
            except NoTreeError:
                continue
        return None

    @cached_property
    def trees(self) -> list[Tree]:
        """The documents in it: those of YAML, or the one of another syntax; none if it is not structured.

        Raises:
            ImportRowError: it gives a name twice, is nested too deeply or refers to itself.
        """
        if self.tree is not None:
            return [self.tree]
        try:
            found = parse_yaml(self.text)
        except NoTreeError:
            return []
        return [tree for tree in found if isinstance(tree, dict | list)]

    def lines(self) -> list[str]:
        """Return its lines, cut at line feeds only: JSON text may hold other line separators as they are."""
        return self.text.split("\n")

    def wipe(self) -> None:
        """Overwrite the bytes; Python may keep copies of the text until it needs the memory."""
        self.data[:] = bytes(len(self.data))
        for kept in ("text", "tree", "trees"):
            self.__dict__.pop(kept, None)


def read_file(path: Path) -> Document:
    """Read a regular file, or a pipe that has a name.

    Raises:
        UsageError: it cannot be read, is something else or too large.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
            msg = f"{path} is no regular file"
            raise UsageError(msg, hint="keysweep keys import - reads what is piped")
        with path.open("rb") as file:
            held = stat.S_ISREG(mode)
            return _read(file, str(path), path=path if held else None, mode=stat.S_IMODE(mode) if held else None)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error


def read_stream(file: BinaryIO) -> Document:
    """Read standard input.

    Raises:
        UsageError: it is too large.
    """
    return _read(file, "standard input", path=None, mode=None)


def _read(file: BinaryIO, name: str, *, path: Path | None, mode: int | None) -> Document:
    head = file.read(_HEAD)
    if head.startswith(_SQLITE):
        return Document(name, head, path=path, mode=mode)
    data = head + file.read(LARGEST + 1)
    if len(data) > LARGEST:
        msg = f"{name} is larger than {LARGEST >> 20} MB"
        raise UsageError(msg, hint="import it in parts")
    return Document(name, data, path=path, mode=mode)
