"""CSV with our own columns; a cell that holds a comma or a line end is quoted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from keysweep.rotation.imports import Form, Placed
from keysweep.rotation.imports.columns import NEEDED, entry, unknown_column
from keysweep.rotation.imports.document import Document
from keysweep.rotation.inventory import ImportRowError


def _recognises(document: Document) -> bool:
    first = document.text.lstrip().split("\n", 1)[0]
    return "," in first and "name" in first.lower() and "=" not in first and not first.startswith(("{", "["))


def _read(document: Document) -> Iterator[Placed]:
    reader = csv.DictReader(io.StringIO(document.text), strict=True, skipinitialspace=True)
    try:
        _check_header(set(reader.fieldnames or ()))
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row:
                yield place, ImportRowError("more cells than columns; quote a cell that holds a comma")
            else:
                yield place, entry({key: value or "" for key, value in row.items()})
    except csv.Error:
        msg = f"line {reader.reader.line_num} is not CSV"
        raise ImportRowError(msg) from None


def _check_header(found: set[str]) -> None:
    if missing := sorted(NEEDED - found):
        msg = f"the CSV has no column {', '.join(missing)}"
        raise ImportRowError(msg)
    if error := unknown_column(found):
        msg = f"the CSV has an {error.message}"
        raise ImportRowError(msg, hint=error.hint)


FORM = Form(rank=60, recognises=_recognises, read=_read)
