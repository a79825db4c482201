"""One report a file, exporting `REPORT`."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.reports.document import Document
from keysweep.reports.evidence import Evidence

_FOLDER = Path(__file__).parent


class Framework(StrEnum):
    """Whose controls are printed."""

    SOC2 = "soc2"
    PCI_DSS = "pci-dss"
    BOTH = "both"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One kind of report."""

    id: str
    title: str
    build: Callable[[Evidence, Framework], Document]
    """Pure; works on empty evidence and then says so."""


class UnknownReportError(UsageError):
    """No file of that name."""


def names() -> tuple[str, ...]:
    """Return the reports there are, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


def get(name: str) -> Report:
    """Return one report.

    Raises:
        UnknownReportError: there is none of that name.
    """
    if name not in names():
        msg = f"no report is called {name!r}"
        raise UnknownReportError(msg, hint=f"known: {', '.join(names())}")
    report: Report = importlib.import_module(f"keysweep.reports.catalog.{name}").REPORT
    return report
