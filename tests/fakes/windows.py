"""Let time pass more quickly: the revocation windows of some adapters are cut short in a child process.

A key that its vendor accepts for minutes longer would keep a test waiting for minutes; what is tested here does not depend on how long.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

SHORT = "TEST_SHORT_WINDOWS"
"""Environment variable with the names of the adapters."""
_LONGEST = timedelta(seconds=0.2)


def shorten(kinds: Iterable[str]) -> None:
    """Cut the windows of these adapters short, in this process."""
    for kind in kinds:
        module = importlib.import_module(f"keysweep.rotation.providers.{kind}")
        facts = module.PROVIDER.facts
        window = min(facts.revocation_window, _LONGEST)
        module.PROVIDER = replace(module.PROVIDER, facts=replace(facts, revocation_window=window))
