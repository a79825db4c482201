"""What the ids look like that providers give to keys: told from names that people give, and looked for by how they begin."""

import re
from typing import NamedTuple

_ID = re.compile(rb"(?=[A-Za-z0-9])(?=[a-z_-]*[A-Z0-9])(AKIA|ASIA|[A-Za-z]{2,12}[_-]|)[A-Za-z0-9_-]*")
_LEAST, _MOST = 12, 128
"""Bytes of an id that is looked for: a shorter one stands in text by chance."""


class Shape(NamedTuple):
    """What an id of a stored key looks like, which tells less than the id."""

    head: bytes
    """What its vendor lets all of them begin with, such as `apikey_`; empty for hexadecimal ones, UUIDs and the like."""
    length: int
    """In bytes, with the head."""


def shape_of(key_id: bytes) -> Shape | None:
    """Return the shape of an id; None for one that is too short, has other signs, or is a name of small letters."""
    if not _LEAST <= len(key_id) <= _MOST or (match := _ID.fullmatch(key_id)) is None:
        return None
    return Shape(match[1], len(key_id))
