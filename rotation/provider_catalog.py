"""Providers by name: a file of rotation/providers is one vendor, loaded when it is asked for."""

from __future__ import annotations

import importlib
from functools import cache
from pathlib import Path

from keysweep.foundation.errors import ExitCode, UsageError
from keysweep.rotation.providers import Provider

_FOLDER = Path(__file__).parent / "providers"


class UnknownProviderError(UsageError):
    """No adapter of that name: its keys are rotated by hand."""

    exit_code = ExitCode.HALF_WAY


def names() -> tuple[str, ...]:
    """Return the vendors there are adapters for, in order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.py") if path.stem != "__init__"))


@cache
def rotation_of(name: str) -> str:
    """Return the class of the adapter that rotates keys of a provider, `guided` where a person does."""
    return get(name).facts.kind.value if name in names() else "guided"


def get(name: str) -> Provider:
    """Return one vendor's adapter.

    Raises:
        UnknownProviderError: there is none of that name.
    """
    if name not in names():
        msg = f"no adapter rotates keys of {name!r}"
        raise UnknownProviderError(
            msg, hint=f"replace it by hand, then: keysweep keys set NAME; adapters: {', '.join(names())}"
        )
    provider: Provider = importlib.import_module(f"keysweep.rotation.providers.{name}").PROVIDER
    return provider
