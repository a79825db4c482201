"""`keysweep keys`: the inventory.  Values go in and are never shown again."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from keysweep.commands._import import FORMS
from keysweep.commands._invocation import Invocation
from keysweep.commands._keys_edit import EDIT, RETIRE, SET_ID
from keysweep.commands._keys_list import LIST
from keysweep.commands._keys_reconcile import RECONCILE
from keysweep.commands._keys_show import SHOW
from keysweep.commands._value import read_value

_FROM_FILE = click.option(
    "--from-file", type=click.Path(path_type=Path), help="Private file (0600) that holds the value."
)


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """What keys exist, who uses them, how old they are."""


for _name, _command in {
    "list": LIST,
    "show": SHOW,
    "edit": EDIT,
    "set-id": SET_ID,
    "retire": RETIRE,
    "reconcile": RECONCILE,
}.items():
    COMMAND.add_command(_command, _name)


@COMMAND.command("add")
@click.argument("name")
@click.option("--provider", required=True, help="openai, anthropic, postgresql ...")
@click.option("--agent", default="", help="Agent that uses it.")
@click.option("--variable", default="", help="Environment variable in which the agent gets it.")
@click.option("--owner", default="", help="Who answers for it.")
@click.option("--environment", default="", help="production, staging ...")
@click.option("--class", "policy_class", default="", help="Class of the policy that sets its age limit.")
@click.option("--standby", is_flag=True, help="A sealed spare of a credential that is there.")
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
    policy_class: str,
    key_id: str | None,
    admin: str | None,
    settings: tuple[str, ...],
    from_file: Path | None,
    *,
    standby: bool,
    admin_key: bool,
) -> None:
    """Store a new credential; its value comes from a prompt, standard input or a private file."""
    from keysweep.rotation.credential import State
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
            policy_class=policy_class,
            state=State.STANDBY if standby else State.CURRENT,
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
    from keysweep.rotation.stated import checked

    with invocation.vault() as opened:
        key_id = checked(opened, key_id, what="key id") if key_id else None
        value = read_value(from_file)
        version = replace_value(opened, name, value, key_id=key_id, standby=standby, actor=invocation.actor)
    click.echo(f"{name}: version {version.ref.number} is {version.state.value}.", err=True)


_FORMATS = f"Default: told by the content. Else one of {', '.join(form for form in FORMS if form != 'auto')}."


@COMMAND.command("import")
@click.argument("source", metavar="SOURCE")
@click.option("--format", "form", metavar="NAME", type=click.Choice(FORMS), default="auto", help=_FORMATS)
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
        plan = (
            preview(opened, gathered) if dry_run else take_in(opened, gathered, actor=invocation.actor, partial=partial)
        )
        outcomes = list(plan)
    failed = say(outcomes, planned=dry_run)
    if output == "json":
        click.echo(as_json(read, gathered, outcomes, planned=dry_run))
    if not invocation.quiet:
        say_more(source, read, gathered)
    if failed:
        raise SystemExit(ExitCode.USAGE)
