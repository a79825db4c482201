"""Providers by name: a file of rotation/providers is one vendor, loaded when it is asked for."""

from __future__ import annotations

import importlib
import pkgutil
import shlex
from functools import cache

from keysweep.foundation.errors import ExitCode, UsageError
from keysweep.rotation import providers
from keysweep.rotation.providers import Kind, Provider


class UnknownProviderError(UsageError):
    """No adapter of that name: its keys are rotated by hand."""

    exit_code = ExitCode.HALF_WAY


def names() -> tuple[str, ...]:
    """Return the vendors there are adapters for, in order."""
    return tuple(sorted(found.name for found in pkgutil.iter_modules(providers.__path__)))


@cache
def rotation_of(name: str) -> str:
    """Return the class of the adapter that rotates keys of a provider, `guided` where a person does."""
    kind = get(name).facts.kind if name in names() else Kind.MANUAL
    return "guided" if kind is Kind.MANUAL else kind.value


def get(name: str) -> Provider:
    """Return one vendor's adapter.

    Raises:
        UnknownProviderError: there is none of that name.
    """
    if name not in names():
        msg = f"no adapter rotates keys of {name!r}"
        raise UnknownProviderError(msg, hint=f"keysweep keys list --provider {shlex.quote(name)}")
    provider: Provider = importlib.import_module(f"keysweep.rotation.providers.{name}").PROVIDER
    return provider
