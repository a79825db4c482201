"""Programs that deliveries start: named in public settings, checked before each start, without a shell, and with no key in their arguments."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import AgentError


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a failure means: one of the words that we know the program has for it, and nothing else of what it said."""

    text: str
    passes: bool
    hint: str | None = None


Complaint = Callable[[bytes], Word | None]
"""Finds such a word in what a program said on its standard error, which is never shown."""


def arguments(stated: str) -> tuple[str, ...]:
    """Split a command as a shell would, without being one.

    Raises:
        UsageError: it does not begin with an absolute path.
    """
    try:
        split = tuple(shlex.split(stated))
    except ValueError:
        split = ()
    if split and split[0].startswith("/"):
        return split
    msg = "a command is an absolute path and its arguments, in the quotes of a shell"
    raise UsageError(msg, hint="like: /usr/local/bin/reload-agent --now")


def found(name: str) -> str:
    """Return the path of a program that the system provides.

    Raises:
        AgentError: it is not installed.
    """
    path = shutil.which(name)
    if path is None:
        msg = f"{name} is not installed"
        raise AgentError(msg)
    return path


def run(
    argv: tuple[str, ...],
    *,
    timeout_s: float,
    given: Secret | None = None,
    environ: Mapping[str, str] | None = None,
    complaint: Complaint | None = None,
) -> None:
    """Run a program to its end; what it prints goes nowhere, and what it leaves running stays.

    Args:
        argv: absolute path and arguments.
        timeout_s: after this it is killed, with whatever it started.
        given: goes to its standard input.
        environ: public variables that it gets beside ours.
        complaint: reads what it says when it fails.

    Raises:
        AgentError: it is not to be trusted, does not start, does not end in time, or fails.
    """
    _to_its_end(argv, timeout_s, given.reveal() if given else b"", environ or {}, subprocess.DEVNULL, complaint)


def ask(
    argv: tuple[str, ...],
    *,
    timeout_s: float,
    question: str = "",
    environ: Mapping[str, str] | None = None,
    complaint: Complaint | None = None,
) -> bytes:
    """Run a program to its end with a public question on its standard input, and return what it prints, which is never shown.

    Raises:
        AgentError: it is not to be trusted, does not start, does not end in time, or fails.
    """
    return _to_its_end(argv, timeout_s, question.encode(), environ or {}, subprocess.PIPE, complaint)


def _to_its_end(
    argv: tuple[str, ...],
    timeout_s: float,
    given: bytes,
    environ: Mapping[str, str],
    output_to: int,
    complaint: Complaint | None,
) -> bytes:
    name = Path(argv[0]).name
    _check(Path(argv[0]))
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("KEYSWEEP_")}
    try:
        process = subprocess.Popen(
            argv,
            env={**inherited, **environ},
            stdin=subprocess.PIPE,
            stdout=output_to,
            stderr=subprocess.PIPE if complaint else subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        msg = f"{name} cannot be started: {error.strerror}"
        raise AgentError(msg) from None
    try:
        output, said = process.communicate(given, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        msg = f"{name} did not end within {timeout_s:g} s"
        raise AgentError(msg) from None
    if process.returncode and complaint is not None and (word := complaint(said or b"")) is not None:
        msg = f"{name} ended with {process.returncode}: {word.text}"
        raise AgentError(msg, hint=word.hint, passes=word.passes)
    if process.returncode:
        msg = f"{name} ended with {process.returncode}"
        raise AgentError(msg, hint="run it by hand to see why: its output is not kept, as it might hold a key")
    return output or b""


def _check(path: Path) -> None:
    """Refuse a program that somebody else could have put there."""
    try:
        real = path.resolve(strict=True)
        states = [real.stat(), real.parent.stat(), path.parent.stat()]
    except OSError as error:
        msg = f"{path} cannot be run: {error.strerror}"
        raise AgentError(msg) from None
    program, *folders = states
    own = all(state.st_uid in {0, os.geteuid()} for state in states)
    open_folder = any(state.st_mode & stat.S_IWOTH and not state.st_mode & stat.S_ISVTX for state in folders)
    if not stat.S_ISREG(program.st_mode) or not own or open_folder or program.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        msg = f"{path} could have been put there by somebody else"
        raise AgentError(msg, hint="it and its folder must be root's or yours, and writable by nobody else")
