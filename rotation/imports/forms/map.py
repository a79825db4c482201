"""Any JSON, YAML or TOML: every text in it, named by the way that leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.structured import leaves
from keysweep.rotation.inventory import ImportRowError

_BEGINS = re.compile(r"\s*(?:[{\[]|---|- |[\w./\"'-]+[ \t]*:(?:\s|$)|#|//|/\*)")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def _recognises(document: Document) -> bool:
    return _BEGINS.match(document.text) is not None and bool(document.trees) and any(document.trees)


def _read(document: Document) -> Iterator[Placed]:
    if not document.trees:
        msg = f"{document.name} is neither JSON nor YAML nor TOML"
        raise ImportRowError(msg)
    for tree in document.trees:
        for path, value in leaves(tree):
            place = "/".join(path)
            if not isinstance(value, str):
                yield place, Left(name=place, reason=Reason.EMPTY if value is None else Reason.NUMBER)
            else:
                yield (
                    place,
                    Given(path=path, variable=path[-1] if _VARIABLE.fullmatch(path[-1]) else "", value=Secret(value)),
                )


FORM = Form(rank=90, recognises=_recognises, read=_read)
