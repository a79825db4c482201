"""`keysweep keys`: the inventory.  Values go in and are never shown again."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from keysweep.commands._import import FORMS
from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table, visible
from keysweep.commands._value import read_value

_FROM_FILE = click.option(
    "--from-file", type=click.Path(path_type=Path), help="Private file (0600) that holds the value."
)


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """What keys exist, who uses them, how old they are."""


@COMMAND.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def _list(invocation: Invocation, form: str) -> None:
    """Every credential with its current version."""
    from keysweep.rotation.listing import listing

    with invocation.vault() as opened:
        rows = listing(opened)
    if form == "json":
        click.echo(json.dumps([row.as_json() for row in rows], indent=2))
        return
    header = ("NAME", "PROVIDER", "VERSION", "AGE", "STANDBY", "AGENTS")
    cells = [
        (row.name, row.provider, row.version_text, row.age_text, str(row.standby or ""), ", ".join(row.agents))
        for row in rows
    ]
    click.echo(table(header, cells))


@COMMAND.command("show")
@click.argument("name")
@click.pass_obj
def _show(invocation: Invocation, name: str) -> None:
    """The versions of one credential: fingerprints and dates, never a value."""
    from keysweep.foundation.clock import to_text
    from keysweep.rotation.vault import store

    with invocation.vault() as opened, opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        versions = store.versions(connection, credential.id)
    facts = (credential.name, credential.provider, credential.environment, credential.owner)
    click.echo(visible("  ".join(facts).rstrip()))
    rows = [
        (
            str(v.ref.number),
            v.state.value,
            str(v.preview),
            v.fingerprint.short,
            to_text(v.created_at)[:19],
            to_text(v.dead_at)[:19] if v.dead_at else "",
        )
        for v in versions
    ]
    click.echo(table(("VERSION", "STATE", "KEY", "FINGERPRINT", "CREATED (UTC)", "DEAD SINCE (UTC)"), rows))


@COMMAND.command("add")
@click.argument("name")
@click.option("--provider", required=True, help="openai, anthropic, postgresql ...")
@click.option("--agent", default="", help="Agent that uses it.")
@click.option("--variable", default="", help="Environment variable in which the agent gets it.")
@click.option("--owner", default="")
@click.option("--environment", default="")
@click.option("--key-id", help="The provider's own id of the key.")
@click.option("--admin-key", is_flag=True, help="It mints and revokes others; no agent ever gets it.")
@click.option("--admin", help="Credential that administers this one.")
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Public fact for the provider adapter.")
@_FROM_FILE
@click.pass_obj
def _add(
    invocation: Invocation,
    name: str,
    provider: str,
    agent: str,
    variable: str,
    owner: str,
    environment: str,
    key_id: str | None,
    admin: str | None,
    settings: tuple[str, ...],
    from_file: Path | None,
    *,
    admin_key: bool,
) -> None:
    """Store a new credential; its value comes from a prompt, standard input or a private file."""
    from keysweep.rotation.inventory import Entry, add

    facts = dict(pair.partition("=")[::2] for pair in settings)
    with invocation.vault() as opened:
        entry = Entry(
            name=name,
            provider=provider.lower(),
            value=read_value(from_file),
            agent=agent,
            variable=variable,
            owner=owner,
            environment=environment,
            provider_key_id=key_id,
            is_admin=admin_key,
            admin=admin,
            settings=facts,
        )
        with opened.database.write() as connection:
            effect = add(connection, opened, entry, actor=invocation.actor)
    click.echo(f"{name}: {effect.value}.", err=True)


@COMMAND.command("set")
@click.argument("name")
@click.option("--standby", is_flag=True, help="Keep it sealed until a rotation needs it.")
@click.option("--key-id", help="The provider's own id of the key.")
@_FROM_FILE
@click.pass_obj
def _set(invocation: Invocation, name: str, key_id: str | None, from_file: Path | None, *, standby: bool) -> None:
    """Store a new value of a credential: as its current one, or as a standby."""
    from keysweep.rotation.inventory import replace_value

    with invocation.vault() as opened:
        value = read_value(from_file)
        version = replace_value(opened, name, value, key_id=key_id, standby=standby, actor=invocation.actor)
    click.echo(f"{name}: version {version.ref.number} is {version.state.value}.", err=True)


@COMMAND.command("import")
@click.argument("source", metavar="SOURCE")
@click.option("--format", "form", type=click.Choice(FORMS), default="auto", help="Default: told by the content.")
@click.option("--agent", default="", help="Agent that gets these keys, in the variables that they have there.")
@click.option("--owner", default="", help="Who answers for them.")
@click.option("--environment", default="", help="Where the source does not say: production, staging ...")
@click.option("--partial", is_flag=True, help="Take the good rows even if others are bad.")
@click.option("--dry-run", is_flag=True, help="Say what would be stored, and store nothing.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def _import(
    invocation: Invocation,
    source: str,
    form: str,
    agent: str,
    owner: str,
    environment: str,
    output: str,
    *,
    partial: bool,
    dry_run: bool,
) -> None:
    """Store many keys at once.

    SOURCE is a file, - for standard input, vault:MOUNT/PATH or aws-secrets-manager:PREFIX.
    """
    from keysweep.commands._import import as_json, say, say_more
    from keysweep.foundation.errors import ExitCode
    from keysweep.rotation.imports.gather import gather
    from keysweep.rotation.imports.take_in import open_source, preview, take_in

    with invocation.vault() as opened, open_source(source, form, sys.stdin.buffer) as read:
        gathered = gather(read.items, agent=agent, owner=owner, environment=environment)
        plan = preview(opened, gathered) if dry_run else take_in(opened, gathered, actor=invocation.actor, partial=partial)
        outcomes = list(plan)
    failed = say(outcomes, planned=dry_run)
    if output == "json":
        click.echo(as_json(read, gathered, outcomes, planned=dry_run))
    if not invocation.quiet:
        say_more(source, read, gathered)
    if failed:
        raise SystemExit(ExitCode.USAGE)
