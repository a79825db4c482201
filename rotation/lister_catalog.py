"""Listers by name of their provider: a file of rotation/listers is one vendor, loaded when it is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.rotation.listers import Lister

_FOLDER = Path(__file__).parent / "listers"


def names() -> tuple[str, ...]:
    """Return the vendors whose keys can be listed, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


def get(name: str) -> Lister:
    """Return one vendor's lister.

    Raises:
        UsageError: there is none of that name.
    """
    if name not in names():
        msg = f"the keys of {name!r} cannot be listed"
        raise UsageError(msg, hint=f"keysweep keys reconcile --provider {names()[0]}; known: {', '.join(names())}")
    lister: Lister = importlib.import_module(f"keysweep.rotation.listers.{name}").LISTER
    return lister
