"""keysweep: find leaked agent keys, map each to its stored credential, force its rotation, prove it dead.

The public interface is what stands here; it is loaded when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keysweep.reports.build import build_report
    from keysweep.rotation.engine.rotate import rotate
    from keysweep.rotation.vault.unlock import unlock as open_vault
    from keysweep.scanner.pipeline import scan

__all__ = ["build_report", "open_vault", "rotate", "scan"]

_HOME = {
    "build_report": ("keysweep.reports.build", "build_report"),
    "open_vault": ("keysweep.rotation.vault.unlock", "unlock"),
    "rotate": ("keysweep.rotation.engine.rotate", "rotate"),
    "scan": ("keysweep.scanner.pipeline", "scan"),
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    module, attribute = _HOME[name]
    return getattr(importlib.import_module(module), attribute)
