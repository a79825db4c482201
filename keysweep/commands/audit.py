"""`keysweep audit`: the ledger, for people and for other programs."""

from __future__ import annotations

import json

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table


@click.command()
@click.option("--key", help="Only what concerns this credential.")
@click.option("--after", type=int, default=0, help="Only entries behind this place.")
@click.option("-o", "form", type=click.Choice(["text", "jsonl"]), default="text", help="jsonl: verifiable export.")
@click.pass_obj
def COMMAND(invocation: Invocation, key: str | None, after: int, form: str) -> None:  # noqa: N802  the folder's index looks for this name
    """What happened, in order."""
    from keysweep.foundation.clock import to_text
    from keysweep.foundation.errors import UsageError
    from keysweep.foundation.ledger.chain import entries, export

    if form == "jsonl" and (key or after):
        msg = "an export that can be verified is the whole ledger"
        raise UsageError(msg, hint="leave out --key and --after, or -o jsonl")
    with invocation.vault() as opened, opened.database.read() as connection:
        if form == "jsonl":
            for record in export(connection):
                click.echo(json.dumps(record))
            return
        rows = [
            (
                str(entry.seq),
                to_text(entry.at)[:23],
                entry.actor,
                entry.action,
                entry.subject,
                " ".join(f"{name}={value}" for name, value in sorted(entry.detail.items())),
            )
            for entry in entries(connection, subject=key, after=after)
        ]
    click.echo(table(("SEQ", "AT (UTC)", "WHO", "WHAT", "TO WHAT", "DETAIL"), rows))
