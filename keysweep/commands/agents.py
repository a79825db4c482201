"""`keysweep agents`: what runs with which keys, and what it was seen to hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from keysweep.commands._agents_users import USERS
from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table

if TYPE_CHECKING:
    from keysweep.rotation.credential import Version
    from keysweep.rotation.instances import AgentRecord
    from keysweep.rotation.vault.unlock import OpenVault


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """Agents, the keys they may have, and the keys they were seen to hold."""


COMMAND.add_command(USERS, "users")


@COMMAND.command("list")
@click.pass_obj
def _list(invocation: Invocation) -> None:
    """Every agent and its credentials."""
    from keysweep.rotation import instances
    from keysweep.rotation.vault import store

    with invocation.vault() as opened, opened.database.read() as connection:
        rows = [
            (agent.name, agent.kind, variable, store.credential_by_id(connection, credential).name)
            for agent in instances.agents(connection)
            for variable, credential in agent.bindings.items()
        ]
    click.echo(table(("AGENT", "KIND", "VARIABLE", "CREDENTIAL"), rows))


@COMMAND.command("add")
@click.argument("name")
@click.option("--kind", default="process", show_default=True, help="How it gets its keys.")
@click.option("--set", "stated_settings", multiple=True, metavar="NAME=VALUE", help="A setting of its kind; public.")
@click.pass_obj
def _add(invocation: Invocation, name: str, kind: str, stated_settings: tuple[str, ...]) -> None:
    """Add an agent; then bind credentials to it."""
    from keysweep.rotation import agent_catalog, instances
    from keysweep.rotation.stated import checked, stated

    settings = agent_catalog.settings(kind, stated_settings)
    with invocation.vault() as opened:
        name = stated(opened, name, what="name")
        settings = {key: checked(opened, value, what=key) for key, value in settings.items()}
        with opened.database.write() as connection:
            added = instances.add_agent(connection, name, kind, settings, opened.clock())
            if added:
                opened.ledger.append(connection, actor=invocation.actor, action="agent.added", subject=name)
    click.echo(f"{name}: {'added' if added else 'was there already'}.", err=True)


@COMMAND.command("bind")
@click.argument("agent")
@click.argument("credential")
@click.option("--variable", help="Environment variable that carries it.")
@click.pass_obj
def _bind(invocation: Invocation, agent: str, credential: str, variable: str | None) -> None:
    """Let an agent have a credential."""
    from keysweep.foundation.errors import UsageError
    from keysweep.rotation import instances
    from keysweep.rotation.agents import AgentError
    from keysweep.rotation.inventory import default_variable
    from keysweep.rotation.public_halves import name_beside
    from keysweep.rotation.vault import store

    with invocation.vault() as opened, opened.database.write() as connection:
        known = store.credential_named(connection, credential)
        record = instances.agent_named(connection, agent)
        if known.is_admin:
            msg = f"{credential!r} administers other keys; no agent may have it"
            raise UsageError(msg)
        name = variable or default_variable(known.provider, known.name)
        try:
            half = name_beside(record.kind, record.settings, known.provider, name)
        except AgentError as error:
            raise UsageError(error.message, hint=error.hint) from None
        instances.bind(connection, agent, name, known.id)
        opened.ledger.append(
            connection, actor=invocation.actor, action="agent.bound", subject=agent, detail={"credential": credential}
        )
    beside = f", with its public half as {half}" if half else ""
    click.echo(f"{agent} gets {credential} as {name}{beside}.", err=True)


@COMMAND.command("status")
@click.argument("name", required=False)
@click.pass_obj
def _status(invocation: Invocation, name: str | None) -> None:
    """What runs now, and which version each process was seen to hold."""
    from keysweep.rotation import instances

    rows: list[tuple[str, ...]] = []
    with invocation.vault() as opened:
        with opened.database.read() as connection:
            wanted = [instances.agent_named(connection, name)] if name else list(instances.agents(connection))
        supervised = [agent for agent in wanted if agent.kind in {"process", "broker"}]
        for agent in wanted:
            if agent not in supervised:
                rows += _asked(opened, agent)
        rows += _seen(opened, supervised)
    click.echo(table(("AGENT", "PID", "HOLDS", "FINGERPRINT", "SEEN BY", "UTC"), rows))


def _asked(opened: OpenVault, agent: AgentRecord) -> list[tuple[str, ...]]:
    """Ask an agent that has no supervisor what it holds now."""
    from keysweep.rotation.outgoing import present

    told = {"new": "", "other": "not seen on ", "not-running": "not running, next start: "}
    return [
        (
            agent.name,
            "",
            f"{told[one.seen.holding.value]}{_held(one.credential, one.version)}",
            one.version.fingerprint.short,
            one.seen.method,
            f"{opened.clock():%H:%M:%S}",
        )
        for one in present(opened, agent)
    ]


def _seen(opened: OpenVault, supervised: list[AgentRecord]) -> list[tuple[str, ...]]:
    """Return what supervisors say that they saw."""
    from keysweep.rotation import instances
    from keysweep.rotation.vault import store

    rows: list[tuple[str, ...]] = []
    with opened.database.read() as connection:
        for agent in supervised:
            running = instances.live_instances(connection, agent.name, opened.clock())
            if not running:
                rows.append((agent.name, "not running", "", "", "", ""))
            for instance in running:
                for one in instances.seen(connection, instance.id):
                    credential = store.credential_by_id(connection, one.version.credential_id)
                    version = store.version(connection, one.version)
                    rows.append(
                        (
                            agent.name,
                            str(instance.pid),
                            _held(credential.name, version),
                            one.fingerprint.short,
                            one.method,
                            f"{one.attested_at:%H:%M:%S}",
                        )
                    )
    return rows


def _held(name: str, version: Version) -> str:
    state = "" if version.state.value == "current" else f" ({version.state.value})"
    return f"{name} v{version.ref.number}{state}"
