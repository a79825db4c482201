"""Which git folder belongs to a path: its own, or that of a linked work tree or submodule, if both point at each other.  Text only, no git."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

_LINE = 1 << 16
_WORKTREE = re.compile(rb'(?im)^[ \t]*worktree[ \t]*=[ \t]*"?([^"\r\n]+?)"?[ \t]*$')


class GitFolder(NamedTuple):
    """Where a repository keeps its things."""

    own: Path
    """Of this work tree alone: `HEAD` and the index."""
    common: Path
    """Of all its work trees: objects, branches and settings; mostly the same folder."""


def git_folder(path: Path) -> GitFolder | None:
    """Return the git folder of a work tree or bare repository; None if there is none that may be read.

    A `.git` that is a link is refused.  One that is a file names a folder anywhere on this machine, and the target must not choose which
    of them is read in its name: it is followed only where that folder names this very work tree in turn.
    """
    inside = path / ".git"
    if inside.is_symlink():
        return None
    if inside.is_file():
        return _pointed_to(inside)
    for candidate in (inside, path):
        if _is_repository(candidate):
            return GitFolder(candidate.resolve(), candidate.resolve())
    return None


def read_text(path: Path, limit: int = _LINE) -> bytes:
    """Return the beginning of a small file, no link followed; empty if it cannot be read."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read(limit)
    except OSError:
        return b""


def _is_repository(folder: Path) -> bool:
    return (folder / "objects").is_dir() and (folder / "HEAD").exists()


def _pointed_to(file: Path) -> GitFolder | None:
    """Follow `gitdir: FOLDER`, where the folder points back."""
    named = read_text(file)
    if not named.startswith(b"gitdir: "):
        return None
    try:
        own = _path(file.parent, named.removeprefix(b"gitdir: "))
        if (own / "commondir").is_file():
            common = _path(own, read_text(own / "commondir"))
            listed = own.parent == common / "worktrees"
            back = _path(own, read_text(own / "gitdir"))
            return GitFolder(own, common) if listed and _is_repository(common) and back.samefile(file) else None
        worktree = _WORKTREE.search(read_text(own / "config"))
        if worktree is None or not _is_repository(own):
            return None
        return GitFolder(own, own) if _path(own, worktree[1]).samefile(file.parent) else None
    except (OSError, ValueError):
        return None


def _path(base: Path, text: bytes) -> Path:
    return (base / os.fsdecode(text.rstrip(b"\r\n"))).resolve(strict=True)
