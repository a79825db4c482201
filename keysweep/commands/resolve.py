"""`keysweep resolve`: hand values to one agent, through a pipe; each authorised for it and recorded."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation

if TYPE_CHECKING:
    from keysweep.rotation.answering import Given, Withheld


@click.command()
@click.argument("name", required=False)
@click.option("--agent", required=True, help="Agent that asks; it must be bound to the credential.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["raw", "openclaw", "env"]),
    default="raw",
    show_default=True,
    help="raw: the value alone; openclaw: ids on standard input (exec provider, version 1); env: NAME='value' lines.",
)
@click.pass_obj
def COMMAND(invocation: Invocation, name: str | None, agent: str, form: str) -> None:  # noqa: N802  the folder's index looks for this name
    """Write the current value of NAME to standard output, for a key helper; refused on a terminal.

    NAME is a credential that the agent is bound to, or the variable that it knows it by.  Without one, `env` writes all of them.
    """
    from keysweep.foundation.errors import DeniedError
    from keysweep.rotation.answering import Withheld, answer, everything

    if sys.stdout.isatty():
        msg = "a key is never shown on a terminal"
        raise DeniedError(msg, hint="use it as a helper: its output goes to the agent")
    ids = _asked_for(form, name)
    with invocation.vault() as opened:
        if not ids:
            with opened.database.read() as connection:
                ids = everything(connection, agent)
        answers = answer(opened, agent, ids, purpose={"raw": "helper"}.get(form, form))
    for withheld in (one for one in answers if isinstance(one, Withheld)):
        if form != "openclaw":
            raise withheld.failure
        sys.stderr.write(f"Error: {withheld.failure.message}.\n")
    sys.stdout.buffer.write(_written(form, answers))
    sys.stdout.buffer.flush()


def _asked_for(form: str, name: str | None) -> tuple[str, ...]:
    """Return the ids that are asked for; none for all of them."""
    from keysweep.commands import _resolve_exec as protocol
    from keysweep.foundation.errors import UsageError

    match form, name:
        case "openclaw", None:
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


def _written(form: str, answers: Sequence[Given | Withheld]) -> bytes:
    from keysweep.commands import _resolve_exec as protocol
    from keysweep.rotation.answering import Given

    given = [one for one in answers if isinstance(one, Given)]
    match form:
        case "openclaw":
            values = {one.id: one.secret.reveal_text() for one in given}
            return protocol.write_answer(values, [one.id for one in answers if one.id not in values])
        case "env":
            from shlex import quote

            return "".join(f"{one.variable}={quote(one.secret.reveal_text())}\n" for one in given).encode()
        case _:
            return b"".join(one.secret.reveal() for one in given)
