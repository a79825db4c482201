"""`keysweep run`: start an agent with its keys, and put it on new ones when they are rotated."""

from __future__ import annotations

import os

import click

from keysweep.commands._invocation import Invocation


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Which agent this is.")
@click.option(
    "--inject",
    "how",
    type=click.Choice(["env", "file", "fd"]),
    default="env",
    show_default=True,
    help="Where it finds a key: in NAME, in the file that NAME_FILE names, or in the descriptor of NAME_FD.",
)
@click.option("--reload-signal", metavar="HUP|USR1|USR2", help="Tell it to read its keys again, instead of a restart.")
@click.option(
    "--ready", metavar="PROBE", help="It is ready: http://127.0.0.1:PORT/..., tcp:PORT, exec:PROGRAM, line:REGEX."
)
@click.option(
    "--ready-timeout",
    type=click.FloatRange(min=0, min_open=True, max=3600),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long that may take.",
)
@click.option("--challenge", metavar="URL", help="Where it proves which key it holds: see docs/attestation.md.")
@click.option("--overlap", is_flag=True, help="Stop the old process only when the new one is ready.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    agent: str,
    how: str,
    reload_signal: str | None,
    ready: str | None,
    ready_timeout: float,
    challenge: str | None,
    overlap: bool,  # noqa: FBT001  click passes options by name
    command: tuple[str, ...],
) -> int:
    """Run COMMAND with the agent's keys, given to it and to nobody else; ends with COMMAND's exit code."""
    from keysweep.rotation.supervisor.manner import manner
    from keysweep.rotation.supervisor.serve import Supervisor

    chosen = manner(
        how=how,
        reload_signal=reload_signal,
        ready=ready,
        ready_timeout_s=ready_timeout,
        challenge=challenge,
        overlap=overlap,
    )
    with invocation.vault() as opened:
        return Supervisor(opened, agent, command, os.environ, chosen).run()
