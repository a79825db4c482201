"""How one agent is run: how its keys reach it, how it is put on new ones, and how it is told that it is ready."""

from __future__ import annotations

import re
import signal
from dataclasses import dataclass
from urllib.parse import urlsplit

from keysweep.foundation.errors import UsageError
from keysweep.rotation.http import LOOPBACK
from keysweep.rotation.readiness import LineReady, Ready, parse
from keysweep.rotation.supervisor.inject import How

_RELOADS = ("HUP", "USR1", "USR2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What the options of `keysweep run` say."""

    how: How = How.ENV
    reload_signal: signal.Signals | None = None
    """Makes the agent read its keys again; None for an agent that is started anew instead."""
    ready: Ready | None = None
    """None: it is ready when it has run for `rotation.settle_s`."""
    ready_timeout_s: float = 30.0
    challenge: str | None = None
    """Where each process proves what it holds, separated by blanks."""
    overlap: bool = False
    """The new process is ready before the old one is told to end."""

    @property
    def pattern(self) -> re.Pattern[str] | None:
        """Of the line that says that the agent is ready, if that is how."""
        return self.ready.pattern if isinstance(self.ready, LineReady) else None


def manner(
    *,
    how: str,
    reload_signal: str | None,
    ready: str | None,
    ready_timeout_s: float,
    challenge: str | None,
    overlap: bool,
) -> Manner:
    """Read the options, as stated, into what they mean together.

    Raises:
        UsageError: one is malformed, or they do not go together.
    """
    name = (reload_signal or "").upper().removeprefix("SIG")
    if name and name not in _RELOADS:
        msg = f"{reload_signal!r} is no signal to reload by"
        raise UsageError(msg, hint=f"known: {', '.join(_RELOADS)}")
    if name and how == How.ENV:
        msg = "the environment of a running process cannot be changed: it would reload its old key"
        raise UsageError(msg, hint="--inject file or --inject fd with --reload-signal, or neither")
    if name and not challenge:
        msg = "that an agent was told to reload does not show that it did"
        raise UsageError(msg, hint="--challenge URL, where it proves what it holds (docs/attestation.md)")
    if name and overlap:
        msg = "an agent is reloaded or replaced, not both"
        raise UsageError(msg, hint="leave out --reload-signal or --overlap")
    for url in (challenge or "").split():
        if urlsplit(url).scheme != "https" and not (
            urlsplit(url).scheme == "http" and urlsplit(url).hostname in LOOPBACK
        ):
            msg = f"{url!r} is no address for a challenge"
            raise UsageError(msg, hint="https, or http://127.0.0.1:PORT/PATH")
    return Manner(
        how=How(how),
        reload_signal=signal.Signals[f"SIG{name}"] if name else None,
        ready=parse(ready) if ready else None,
        ready_timeout_s=ready_timeout_s,
        challenge=challenge or None,
        overlap=overlap,
    )
