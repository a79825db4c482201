"""`keysweep resolve` where a daemon is to be asked: read, asked and written without click, the store's libraries and cryptography.

Agents run it for each question.  Arguments that are not certain are left to click, as a scan's are (`_scan_lean`).
"""

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from keysweep.foundation.errors import DeniedError, ExitCode, UsageError
from keysweep.foundation.folders import CONFIG_NAME, SHARED_CONFIG_NAME
from keysweep.foundation.secret import Secret

FORMS = ("raw", "openclaw", "env")
_OF_CLICK = ("KEYSWEEP_RESOLVE_", "_KEYSWEEP")
_SOCKET, _CONFIG = "KEYSWEEP_SOCKET", "KEYSWEEP_CONFIG"


class Asked(NamedTuple):
    """What is asked for, and of whom."""

    name: str | None
    agent: str
    form: str
    socket: Path


class Given(NamedTuple):
    """A value that the agent may have."""

    id: str
    variable: str
    secret: Secret


def read(arguments: Sequence[str], environ: Mapping[str, str]) -> Asked | None:
    """Return what is asked for; None if it is not for this reader to say, or no daemon is named."""
    if any(name.startswith(_OF_CLICK) for name in environ):
        return None
    values = {"--agent": "", "--format": "raw"}
    names: list[str] = []
    rest = iter(arguments[1:])
    for argument in rest:
        name, assigned, value = argument.partition("=")
        if not argument.startswith("-"):
            names.append(argument)
        elif name in values:
            values[name] = value if assigned else next(rest, "")
            if not values[name] or values[name].startswith("-"):
                return None
        else:
            return None
    if len(names) > 1 or "" in names or not values["--agent"] or values["--format"] not in FORMS:
        return None
    socket = _socket(environ)
    return Asked(names[0] if names else None, values["--agent"], values["--format"], socket) if socket else None


def ask(asked: Asked) -> ExitCode:
    """Ask the daemon, and hand what it gives to whoever reads standard output.

    Raises:
        DeniedError: it gives nothing, or is not there.
        UsageError: what is asked for does not fit the form.
    """
    from keysweep.rotation.daemon import client

    refuse_terminal()
    ids = asked_for(asked.form, asked.name)
    answers = client.resolve(asked.socket, asked.agent, ids, {"raw": "helper"}.get(asked.form, asked.form))
    given = [Given(one.id, one.variable, one.secret) for one in answers if one.secret is not None]
    withheld = [one.id for one in answers if one.secret is None]
    if withheld:
        msg = "the daemon gives this agent nothing of that name, or this user nothing of that agent's"
        failure = DeniedError(msg, hint="keysweep agents list; docs/daemon.md says who may ask")
        if asked.form != "openclaw":
            raise failure
        sys.stderr.write(f"Error: {failure.message}.\n")
    write(asked.form, given, withheld)
    for one in given:
        one.secret.wipe()
    return ExitCode.DONE


def refuse_terminal() -> None:
    """Refuse to write where a person reads.

    Raises:
        DeniedError: standard output is a terminal.
    """
    if sys.stdout.isatty():
        msg = "a key is never shown on a terminal"
        raise DeniedError(msg, hint="use it as a helper: its output goes to the agent")


def asked_for(form: str, name: str | None) -> tuple[str, ...]:
    """Return the ids that are asked for; none for all of them.

    Raises:
        UsageError: what is asked for does not fit the form.
    """
    match form, name:
        case "openclaw", None:
            from keysweep.commands import _resolve_exec as protocol

            signal.alarm(protocol.SECONDS)  # ends the process, whatever it waits for
            return protocol.read_request(sys.stdin.buffer.read(protocol.LARGEST + 1))
        case "openclaw", _:
            msg = "the ids of --format openclaw come on standard input"
            raise UsageError(msg, hint="keysweep resolve --agent AGENT --format openclaw")
        case "raw", None:
            msg = "--format raw writes one value: which one is not said"
            raise UsageError(msg, hint="keysweep resolve NAME --agent AGENT")
        case _, None:
            return ()
        case _, str(asked):
            return (asked,)


def write(form: str, given: Sequence[Given], withheld: Sequence[str]) -> None:
    """Write values to standard output in one of the forms."""
    out = sys.stdout.buffer
    match form:
        case "openclaw":
            from keysweep.commands import _resolve_exec as protocol

            values = {one.id: one.secret.reveal_text() for one in given}
            out.write(protocol.write_answer(values, withheld))
        case "env":
            from shlex import quote

            for one in given:
                out.write(f"{one.variable}={quote(one.secret.reveal_text())}\n".encode())
        case _:
            for one in given:
                out.write(one.secret.reveal())
    out.flush()


def _socket(environ: Mapping[str, str]) -> Path | None:
    """Return where a daemon is to be asked; the settings are read only where a file of them may say so."""
    if given := environ.get(_SOCKET):
        return Path(given)
    if not environ.get(_CONFIG) and not os.path.exists(CONFIG_NAME) and not os.path.exists(SHARED_CONFIG_NAME):  # noqa: PTH110  cheap
        return None
    from keysweep.commands._invocation import Invocation

    said = Invocation().settings.daemon.socket
    return Path(said) if said else None
