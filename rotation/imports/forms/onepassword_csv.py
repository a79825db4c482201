"""1Password's CSV export: its columns Title, Url, Username, Password and the like."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.inventory import ImportRowError

_NEEDED = {"title", "password"}


def _recognises(document: Document) -> bool:
    first = document.text.lstrip().split("\n", 1)[0]
    return {cell.strip().strip('"').lower() for cell in first.split(",")} >= _NEEDED and "provider" not in first.lower()


def _read(document: Document) -> Iterator[Placed]:
    reader = csv.reader(io.StringIO(document.text), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        if missing := sorted(_NEEDED - set(header)):
            msg = f"the CSV has no column {', '.join(missing)}"
            raise ImportRowError(msg)
        for cells in reader:
            row = dict(zip(header, cells, strict=False))
            yield from ((f"line {reader.line_num}", item) for item in _row(row))
    except csv.Error:
        msg = f"line {reader.line_num} is not CSV"
        raise ImportRowError(msg) from None


def _row(row: dict[str, str]) -> Iterator[Given | Left]:
    title = row.get("title") or row.get("url") or "item"
    if row.get("archived", "").lower() == "true":
        yield Left(name=title, reason=Reason.ARCHIVED)
        return
    if row.get("otpauth"):
        yield Left(name=title, reason=Reason.SEED)
    yield Given(
        path=(title,),
        field="password",
        value=Secret(row.get("password", "")),
        hints=(title, row.get("url", "")),
        declared=True,
    )


FORM = Form(rank=50, recognises=_recognises, read=_read)
