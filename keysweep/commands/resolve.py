"""`keysweep resolve`: hand values to one agent, through a pipe; each authorised for it and recorded."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keysweep.commands import _resolve_lean as lean
from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("name", required=False)
@click.option("--agent", required=True, help="Agent that asks; it must be bound to the credential.")
@click.option(
    "--format",
    "form",
    type=click.Choice(lean.FORMS),
    default="raw",
    show_default=True,
    help="raw: the value alone; openclaw: ids on standard input (exec provider, version 1); env: NAME='value' lines.",
)
@click.pass_obj
def COMMAND(invocation: Invocation, name: str | None, agent: str, form: str) -> None:  # noqa: N802  the folder's index looks for this name
    """Write the current value of NAME to standard output, for a key helper; refused on a terminal.

    NAME is a credential that the agent is bound to, or the variable that it knows it by.  Without one, `env` writes all of them.
    Where the settings or KEYSWEEP_SOCKET name a daemon it is asked there, and the store is not opened.
    """
    if socket := invocation.socket:
        lean.ask(lean.Asked(name, agent, form, Path(socket)))
        return
    from keysweep.rotation.answering import Given, Withheld, answer, everything

    lean.refuse_terminal()
    ids = lean.asked_for(form, name)
    with invocation.vault() as opened:
        if not ids:
            with opened.database.read() as connection:
                ids = everything(connection, agent)
        answers = answer(opened, agent, ids, purpose={"raw": "helper"}.get(form, form))
    withheld = [one for one in answers if isinstance(one, Withheld)]
    for refused in withheld:
        if form != "openclaw":
            raise refused.failure
        sys.stderr.write(f"Error: {refused.failure.message}.\n")
    given = [lean.Given(one.id, one.variable, one.secret) for one in answers if isinstance(one, Given)]
    lean.write(form, given, [one.id for one in withheld])
