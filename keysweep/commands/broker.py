"""`keysweep broker`: pass an agent's requests on with its keys, while the agent itself holds placeholders."""

from __future__ import annotations

import asyncio
import os
from shlex import quote
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation, say

if TYPE_CHECKING:
    from keysweep.rotation.broker.listen import Address
    from keysweep.rotation.instances import AgentRecord
    from keysweep.rotation.vault.unlock import OpenVault


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--agent", required=True, help="Whose requests: an agent of the kind `broker`.")
@click.option("--listen", metavar="ADDRESS", help="127.0.0.1:PORT or unix:/PATH, instead of what its settings say.")
@click.option(
    "--env", "wants_environment", is_flag=True, help="Make new placeholders, write them as NAME='value' lines, and end."
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    agent: str,
    listen: str | None,
    wants_environment: bool,  # noqa: FBT001  click passes options by name
    command: tuple[str, ...],
) -> int:
    """Serve the agent's requests; with COMMAND, run that with placeholders of its own and end with its exit code.

    A placeholder is worth nothing elsewhere. A rotation changes what the next request leaves with, and restarts nobody.
    """
    from keysweep.foundation.errors import UsageError
    from keysweep.rotation.broker.listen import DEFAULT, Address
    from keysweep.rotation.broker.server import agent_of

    if wants_environment and command:
        msg = "--env writes placeholders and ends; it runs no command"
        raise UsageError(msg, hint="keysweep broker --agent NAME -- COMMAND")
    with invocation.vault() as opened:
        known = agent_of(opened, agent)
        stated = listen or known.settings.get("listen")
        if wants_environment:
            click.echo(_environment(opened, known, Address.parse(stated or DEFAULT), invocation.actor), nl=False)
            return 0
        if command:
            from keysweep.rotation.broker.agent import run

            return asyncio.run(run(opened, known, Address.parse(stated or "127.0.0.1:0"), command, os.environ))
        asyncio.run(_serve(opened, known, Address.parse(stated or DEFAULT)))
        return 0


def _environment(opened: OpenVault, agent: AgentRecord, address: Address, actor: str) -> str:
    from keysweep.foundation.errors import UsageError
    from keysweep.rotation.broker import placeholders
    from keysweep.rotation.broker.agent import environment

    if not address.path and not address.port:
        msg = "--env needs the port that the broker will listen at"
        raise UsageError(msg, hint="keysweep broker --agent NAME --env --listen 127.0.0.1:PORT")
    made = placeholders.renew(opened, agent.name, actor=actor)
    return "".join(f"{name}={quote(value)}\n" for name, value in environment(opened, agent, address, made).items())


async def _serve(opened: OpenVault, agent: AgentRecord, address: Address) -> None:
    from keysweep.rotation.broker.server import Broker, end_on_signals

    ended = asyncio.Event()
    end_on_signals(ended)
    await Broker(opened, agent, address).run(
        lambda bound: say(f"The broker of {agent.name} listens at {bound.path or bound.authority}."), ended
    )
