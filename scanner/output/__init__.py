"""One file a format, exporting `FORMAT`; converts, never computes."""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from keysweep.foundation.errors import UsageError
from keysweep.scanner.pipeline import ScanResult

_FOLDER = Path(__file__).parent


class Look(NamedTuple):
    """How text for people looks."""

    color: bool = False
    columns: int = 80


class Format(NamedTuple):
    """One output format."""

    title: str
    render: Callable[[ScanResult, Look], str]


class UnknownFormatError(UsageError):
    """No file of that name."""


def names() -> tuple[str, ...]:
    """Return the formats there are, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


def get(name: str) -> Format:
    """Return one format.

    Raises:
        UnknownFormatError: there is none of that name.
    """
    if name not in names():
        msg = f"no output format is called {name!r}"
        raise UnknownFormatError(msg, hint=f"known: {', '.join(names())}")
    found: Format = importlib.import_module(f"keysweep.scanner.output.{name}").FORMAT
    return found
