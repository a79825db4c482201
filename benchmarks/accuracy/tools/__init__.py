"""One file a tool, exporting `TOOL`: how it is run, and what its report means in our words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy.scoring import Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A scanner."""

    name: str
    version: Callable[[], str]
    """Empty where it is not installed."""
    scan: Callable[[Path], Sequence[Reported]]
    """Look through a folder with the tool's defaults; nothing is sent anywhere."""
    print_of: Callable[[str], str]
    """What the tool reports in place of a value: the value itself, or a hash of it."""
    sampled: int = 1
    """Only each n-th case is tried, because the tool is slow."""


PEERS = Path(".venv-peers")
"""Virtual environment that `make bench-accuracy` installs the peers into."""


def below(path: str, folder: Path) -> str:
    """Return a reported path as it is below the folder that was scanned."""
    return Path(path).resolve().relative_to(folder.resolve()).as_posix()
