"""`keysweep agents users`: which users of this machine may ask the daemon in an agent's name."""

from __future__ import annotations

import click

from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("name")
@click.option("--users", help="Names or numbers of users, separated by commas; '' for none.")
@click.pass_obj
def USERS(invocation: Invocation, name: str, users: str | None) -> None:  # noqa: N802  a value for `agents.py`
    """Say which users of this machine may ask the daemon for NAME's keys, beside its own and root; without --users, show them."""
    from keysweep.rotation import agent_catalog, instances
    from keysweep.rotation.stated import checked

    with invocation.vault() as opened:
        if users is None:
            with opened.database.read() as connection:
                click.echo(instances.agent_named(connection, name).settings.get(agent_catalog.USERS, ""))
            return
        users = agent_catalog.users(checked(opened, users, what="users"))
        with opened.database.write() as connection:
            instances.set_setting(connection, name, agent_catalog.USERS, users)
            opened.ledger.append(
                connection, actor=invocation.actor, action="agent.users", subject=name, detail={"users": users}
            )
    click.echo(f"{name}: the daemon answers {users or 'its own user and root only'}.", err=True)
