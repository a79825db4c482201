"""Infisical: `infisical export --format json`, a list of keys and values, or the same as YAML; its `dotenv` format is dotenv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document

_NAMES, _VALUES = ("key", "secretKey"), ("value", "secretValue")


def _recognises(document: Document) -> bool:
    if document.text.lstrip()[:1] not in {"[", "-"}:
        return False
    items = _items(document)
    return bool(items) and all(
        _first(item, _NAMES) is not None and any(name in item for name in _VALUES) for item in items
    )


def _read(document: Document) -> Iterator[Placed]:
    for item in _items(document):
        name, value = _first(item, _NAMES) or "", _first(item, _VALUES)
        folder = (_first(item, ("secretPath", "path")) or "").strip("/")
        path = (*(folder.split("/") if folder else ()), name)
        if value is None:
            yield "/".join(path), Left(name=name, reason=Reason.EMPTY)
        else:
            environment = _first(item, ("environment",)) or ""
            yield "/".join(path), Given(path=path, variable=name, value=Secret(value), environment=environment)


def _items(document: Document) -> list[Mapping[str, object]]:
    match document.trees:
        case [[*items]]:
            return [item for item in items if isinstance(item, Mapping)]
        case _:
            return []


def _first(item: Mapping[str, object], names: tuple[str, ...]) -> str | None:
    return next((value for name in names if isinstance(value := item.get(name), str)), None)


FORM = Form(rank=45, recognises=_recognises, read=_read)
