"""Take a key from a person or a program: prompt, standard input or a private file; never from the command line."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import click

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret

_LARGEST = 1 << 20


def read_value(from_file: Path | None) -> Secret:
    """Return the value: of *from_file*, else of standard input where that is no terminal, else prompted for.

    Raises:
        UsageError: it is empty, or the file is open to others.
    """
    if from_file is not None:
        secret = Secret(_private(from_file).strip(b"\r\n"))
    elif sys.stdin.isatty():
        secret = Secret(click.prompt("Value (not shown)", hide_input=True, err=True))
    else:
        secret = Secret(sys.stdin.buffer.read(_LARGEST).strip(b"\r\n"))
    if not secret:
        msg = "the value is empty"
        raise UsageError(msg, hint="give it on standard input, or with --from-file")
    return secret


def _private(path: Path) -> bytes:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or stat.S_IMODE(status.st_mode) & 0o077:
            msg = f"{path} is open to other users"
            raise UsageError(msg, hint=f"chmod 600 {path}")
        return path.read_bytes()[:_LARGEST]
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error
