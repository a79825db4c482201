"""JSON Lines with our own columns: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator

from keysweep.rotation.imports import Form, Placed
from keysweep.rotation.imports.columns import NEEDED, entry
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.structured import NoTreeError, parse_json
from keysweep.rotation.imports.wording import shown
from keysweep.rotation.inventory import ImportRowError


def _recognises(document: Document) -> bool:
    """Whether a line is an object with our columns, or lines of braces are not one JSON document together."""
    lines = (line for line in document.lines() if line.strip())
    first = next(lines, "").strip()
    if not first.startswith("{"):
        return False
    record = _record(first)
    if isinstance(record, dict):
        return bool(NEEDED & set(record)) or next(lines, "").lstrip().startswith("{")
    return document.tree is None


def _read(document: Document) -> Iterator[Placed]:
    for number, content in enumerate(document.lines(), start=1):
        if not content.strip():
            continue
        record = _record(content)
        if isinstance(record, ImportRowError):
            yield f"line {number}", record
        elif not isinstance(record, dict):
            yield f"line {number}", ImportRowError("not a JSON object")
        elif odd := [name for name, value in record.items() if _is_nested(str(name), value)]:
            yield f"line {number}", ImportRowError(f"{shown(str(odd[0]))} is no text")
        else:
            yield f"line {number}", entry({str(key): _text(value) for key, value in record.items()})


def _is_nested(name: str, value: object) -> bool:
    return isinstance(value, list) or (isinstance(value, dict) and name != "settings")


def _record(line: str) -> object:
    try:
        return parse_json(line)
    except NoTreeError:
        return None
    except ImportRowError as error:
        return error


def _text(value: object) -> str:
    match value:
        case None:
            return ""
        case dict():
            return json.dumps(value)
        case _:
            return str(value)


FORM = Form(rank=30, recognises=_recognises, read=_read)
