"""`keysweep resolve`: hand one value to one agent's helper, through a pipe; authorised and recorded."""

from __future__ import annotations

import sys

import click

from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("name")
@click.option("--agent", required=True, help="Agent that asks; it must be bound to the credential.")
@click.pass_obj
def COMMAND(invocation: Invocation, name: str, agent: str) -> None:  # noqa: N802  the folder's index looks for this name
    """Write the current value of NAME to standard output, for a key helper; refused on a terminal."""
    from keysweep.foundation.errors import DeniedError
    from keysweep.rotation import instances
    from keysweep.rotation.resolve import RefusedError, resolve
    from keysweep.rotation.vault import store

    if sys.stdout.isatty():
        msg = "a key is never shown on a terminal"
        raise DeniedError(msg, hint="use it as a helper: its output goes to the agent")
    refused: RefusedError | None = None
    with invocation.vault() as opened:
        with opened.database.write() as connection:
            record = instances.agent_named(connection, agent)
            credential = store.credential_named(connection, name)
            try:
                _, secret = resolve(connection, opened.vault, opened.ledger, record, credential.id, purpose="helper")
            except RefusedError as error:
                refused = error  # raised behind the block: the refusal itself must be committed
        if refused:
            raise refused
        sys.stdout.buffer.write(secret.reveal())
        sys.stdout.buffer.flush()
        secret.wipe()
