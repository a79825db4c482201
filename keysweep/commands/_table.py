"""Tables for the terminal: columns as wide as their content and straight in colour, control characters shown, nothing else."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from keysweep.foundation.shown import visible


@dataclass(frozen=True, slots=True)
class Painted:
    """Text with the look it is to have, where looks are shown."""

    text: str
    colour: str = ""
    bold: bool = False


def plain(cell: Painted) -> str:
    """Return the text of a cell."""
    return visible(cell.text)


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[str | Painted]],
    *,
    style: Callable[[Painted], str] = plain,
    spare: Sequence[str] = (),
) -> str:
    """Lay out rows under a header; columns that are empty throughout are left out.

    Args:
        header: names of the columns.
        rows: as many cells each.
        style: makes the text of a cell that is printed; it adds no width.
        spare: columns that a narrow terminal does without, the first one first.
    """
    cells = [tuple(cell if isinstance(cell, Painted) else Painted(cell) for cell in row) for row in rows]
    shown = [at for at in range(len(header)) if not cells or any(row[at].text for row in cells)]
    head = tuple(Painted(name, bold=True) for name in header)
    widths = {at: max(len(visible(row[at].text)) for row in [head, *cells]) for at in shown}
    columns = shutil.get_terminal_size().columns
    for name in spare:
        if sum(widths[at] + 2 for at in shown) - 2 > columns:
            shown = [at for at in shown if header[at] != name]
    return "\n".join(
        "  ".join(style(row[at]) + " " * (widths[at] - len(visible(row[at].text))) for at in shown).rstrip()
        for row in [head, *cells]
    )
