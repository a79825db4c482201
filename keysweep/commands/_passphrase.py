"""Ask a person for a passphrase, on the terminal itself: standard input may carry a value meanwhile."""

from __future__ import annotations

import sys
from collections.abc import Callable

from keysweep.foundation.secret import Secret


def asking() -> Callable[[str], Secret] | None:
    """Return what asks for a passphrase; None where no person sits at a terminal."""
    return _ask if sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty() else None


def _ask(what: str) -> Secret:
    import click

    return Secret(click.prompt(what, hide_input=True, err=True, prompt_suffix=" (not shown): "))
