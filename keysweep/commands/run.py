"""`keysweep run`: start an agent with its keys in its environment, and restart it when they are rotated."""

from __future__ import annotations

import os

import click

from keysweep.commands._invocation import Invocation


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Which agent this is.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def COMMAND(invocation: Invocation, agent: str, command: tuple[str, ...]) -> int:  # noqa: N802  the folder's index looks for this name
    """Run COMMAND with the agent's keys in its environment only; ends with COMMAND's exit code."""
    from keysweep.rotation.supervisor import Supervisor

    with invocation.vault() as opened:
        return Supervisor(opened, agent, command, os.environ).run()
