"""The exit codes, and the base of every failure that we expect."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a process ends with.  Fixed for ever: other programs rely on it."""

    DONE = 0
    """Nothing at or above the threshold, and everything was read."""
    FINDINGS = 1
    """Findings at or above `--fail-on`, or a policy is broken.  Wins over 3."""
    USAGE = 2
    """Usage or configuration error; nothing was done."""
    INCOMPLETE = 3
    """Nothing to scan, or inputs were not read under `--strict`.  Never reported as clean."""
    ROLLED_BACK = 4
    """A rotation failed and was undone: the old key still works."""
    HALF_WAY = 5
    """A rotation stopped half way: a person must act, the message names the one next command."""
    DENIED = 6
    """Store locked, wrong role, bad token."""
    INTEGRITY = 7
    """Audit chain, report signature or store was tampered with."""
    BUG = 70
    """A mistake of ours."""
    INTERRUPTED = 130
    """Stopped by the user; state is saved."""


class KeysweepError(Exception):
    """A failure that a user can do something about.

    Args:
        message: what happened, one sentence without a full stop.  Never holds key material.
        hint: what to do next.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.USAGE

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(KeysweepError):
    """The request itself is wrong: a name, an option or a setting."""


class DeniedError(KeysweepError):
    """The caller may not do this, or the store cannot be opened."""

    exit_code = ExitCode.DENIED


class IntegrityError(KeysweepError):
    """Stored evidence or ciphertext is not what was written."""

    exit_code = ExitCode.INTEGRITY


class MissingExtraError(KeysweepError):
    """A feature needs an optional dependency that is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs packages that are not installed",
            hint=f"pip install 'keysweep[{extra}]'",
        )
