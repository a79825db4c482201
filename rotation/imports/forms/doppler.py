"""Doppler: `doppler secrets download --format json` and `doppler secrets --json`; its `env` format is dotenv."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.inventory import ImportRowError

_META = ("DOPPLER_PROJECT", "DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT")


def _recognises(document: Document) -> bool:
    return isinstance(document.tree, Mapping) and all(name in document.tree for name in _META[:2])


def _read(document: Document) -> Iterator[Placed]:
    tree = document.tree
    if not isinstance(tree, Mapping):
        msg = f"{document.name} is no export of Doppler"
        raise ImportRowError(msg)
    environment = _value(tree.get("DOPPLER_ENVIRONMENT")) or _value(tree.get("DOPPLER_CONFIG")) or ""
    for name, entry in tree.items():
        value = _value(entry)
        if name in _META:
            yield name, Left(name=name, reason=Reason.PLAIN)
        elif value is None:
            yield name, Left(name=name, reason=Reason.EMPTY)
        else:
            yield name, Given(path=(name,), variable=name, value=Secret(value), environment=environment)


def _value(entry: object) -> str | None:
    """Return a value of either form; one whose references were not computed has only its raw text."""
    match entry:
        case str(value) | {"computed": str(value)} | {"raw": str(value)}:
            return value
        case _:
            return None


FORM = Form(rank=40, recognises=_recognises, read=_read)
