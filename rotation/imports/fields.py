"""The fields of one secret of a manager: text, or a JSON object whose texts are values of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Given, Left, Placed, Reason
from keysweep.rotation.imports.structured import NoTreeError, Tree, leaves, parse_json
from keysweep.rotation.inventory import ImportRowError

_SCALAR_NAMES = ("value", "secret", "key", "api_key", "apikey", "token", "password")
"""A field of such a name, alone in its secret, needs no name of its own."""


def fields_of(name: str, content: str | bytes, *, created_at: datetime | None = None) -> Iterator[Placed]:
    """Yield the values in the text of a secret."""
    text = content if isinstance(content, str) else None
    if text is not None and text.lstrip()[:1] in {"{", "["}:
        try:
            yield from fields_in(name, parse_json(text), created_at=created_at)
        except NoTreeError:
            pass
        except ImportRowError as error:
            yield name, error
            return
        else:
            return
    yield name, Given(path=(name,), field="value", value=Secret(content), declared=True, created_at=created_at)


def fields_in(name: str, tree: Tree, *, created_at: datetime | None = None) -> Iterator[Placed]:
    """Yield the values in the tree of a secret."""
    found = list(leaves(tree))
    for path, value in found:
        place = "/".join((name, *path))
        if not isinstance(value, str):
            yield place, Left(name=place, reason=Reason.EMPTY if value is None else Reason.NUMBER)
            continue
        alone = len(found) == 1 and path[-1].lower() in _SCALAR_NAMES
        variable = path[-1] if path and path[-1].isupper() else ""
        yield (
            place,
            Given(
                path=(name,) if alone and not variable else (name, *path),
                field=path[-1] if path else "value",
                variable=variable,
                value=Secret(value),
                hints=tuple(reversed((name, *path))),
                declared=True,
                created_at=created_at,
            ),
        )
