"""Colour on a terminal, and tables whose columns stay straight in colour."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import visible


@dataclass(frozen=True, slots=True)
class Painted:
    """Text with the colour it is to have."""

    text: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paint:
    """Whether colour is shown."""

    color: bool

    @classmethod
    def of(cls, invocation: Invocation) -> Paint:
        """Return what this run wants, and what its output can show."""
        return cls(color=sys.stdout.isatty() if invocation.color is None else invocation.color)

    def __call__(self, text: str, colour: str) -> Painted:
        """Return a cell of a table in a colour."""
        return Painted(text, colour)

    def styled(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        """Return text for a line, control characters shown."""
        shown = visible(text)
        return click.style(shown, fg=colour, bold=bold or None) if self.color and (colour or bold) else shown

    def table(
        self, header: Sequence[str], rows: Iterable[Sequence[str | Painted]], *, spare: Sequence[str] = ()
    ) -> str:
        """Lay out rows under a header; columns that are empty throughout are left out, and where it is narrow those of *spare*, in order."""
        cells = [tuple(cell if isinstance(cell, Painted) else Painted(cell, "") for cell in row) for row in rows]
        shown = [at for at in range(len(header)) if not cells or any(row[at].text for row in cells)]
        widths = {at: max(len(visible(row[at].text)) for row in [*cells, _plain(header)]) for at in shown}
        columns = shutil.get_terminal_size().columns
        for name in spare:
            if sum(widths[at] + 2 for at in shown) - 2 > columns:
                shown = [at for at in shown if header[at] != name]
        lines = ["  ".join(self.styled(header[at].ljust(widths[at]), bold=True) for at in shown).rstrip()]
        for row in cells:
            parts = [self._padded(row[at], widths[at], last=at == shown[-1]) for at in shown]
            lines.append("  ".join(parts).rstrip())
        return "\n".join(lines)

    def _padded(self, cell: Painted, width: int, *, last: bool) -> str:
        space = "" if last else " " * (width - len(visible(cell.text)))
        return self.styled(cell.text, cell.colour or None) + space


def _plain(header: Sequence[str]) -> tuple[Painted, ...]:
    return tuple(Painted(text, "") for text in header)


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in the largest unit; `never` for None."""
    if moment is None:
        return "never"
    seconds = max(int((now - moment).total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"
