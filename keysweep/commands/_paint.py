"""Colour on a terminal, where it is wanted and can be shown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import Painted, table
from keysweep.foundation.shown import visible


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
        """Lay out rows under a header (`_table.table`), in colour."""
        return table(
            header, rows, style=lambda cell: self.styled(cell.text, cell.colour or None, bold=cell.bold), spare=spare
        )


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago something was, in the largest unit; `never` for None."""
    if moment is None:
        return "never"
    seconds = max(int((now - moment).total_seconds()), 0)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return "just now"
