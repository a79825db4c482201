"""Match what a provider shows of a key, masked, with a stored value."""

from __future__ import annotations

import re

from keysweep.foundation.secret import Secret

_MASK = re.compile(r"\.{2,}|…|\*{2,}|x{4,}")
_LEAST = 4
"""Characters of the tail that must be shown: fewer fit too many keys."""


def matches_hint(hint: str, value: Secret) -> bool:
    """Whether *hint* (`sk-abc...def4`) is a masked form of *value*; one without enough of a tail fits nothing."""
    shown = _MASK.split(hint)
    head, tail = shown[0], shown[-1]
    if len(shown) < 2 or len(tail) < _LEAST:
        return False
    text = value.reveal()
    return text.startswith(head.encode()) and text.endswith(tail.encode())
