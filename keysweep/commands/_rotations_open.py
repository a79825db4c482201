"""`keysweep rotate --list`: rotations that have not ended, each with the command that goes on."""

from __future__ import annotations

import click

from keysweep.commands._table import table
from keysweep.rotation.engine import journal, terms
from keysweep.rotation.engine.next_command import lacks_key, next_command
from keysweep.rotation.engine.steps import Outcome
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


def show_open(opened: OpenVault) -> int:
    """Print the rotations that have not ended."""
    rows = []
    with opened.database.read() as connection:
        for record in journal.unfinished(connection):
            name = store.credential_by_id(connection, record.credential_id).name
            command = next_command(
                record.outcome or Outcome.HALF_WAY,
                credential=name,
                rotation_id=record.id,
                lacks_key=lacks_key(connection, record.credential_id, terms.of(connection, record.id).policy),
            )
            state = record.outcome.value if record.outcome else "interrupted"
            rows.append((record.id[:12], name, record.mode.value, f"{record.started_at:%F %T}", state, command))
    click.echo(table(("ROTATION", "CREDENTIAL", "MODE", "STARTED (UTC)", "STATE", "NEXT"), rows))
    return 0
