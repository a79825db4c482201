"""The tree of commands: this folder is its index, and a module is imported when its command is named."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._shared_options import shared_options
from keysweep.foundation.errors import ExitCode

_FOLDER = Path(__file__).parent
_LEAN = "scan"
"""The command whose start-up counts: it sets the log up by itself, once it opens a store that has something to hide."""
_LONG = 16
"""Characters from which on a typed value might be a key."""


class _CommandFolder(click.Group):
    """A group whose commands are the modules of this folder."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's shape
        return sorted(p.stem for p in _FOLDER.glob("*.py") if not p.stem.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"keysweep.commands.{cmd_name}").COMMAND
        _add_shared(command)
        return command


def _add_shared(command: click.Command) -> None:
    """Let `--store` and its like stand behind the command too, where people type them."""
    if isinstance(command, click.Group):
        for child in command.commands.values():
            _add_shared(child)
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(option for option in shared_options(hidden=True) if not taken & set(option.opts))


@click.command(
    cls=_CommandFolder,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "auto_envvar_prefix": "KEYSWEEP",
        "max_content_width": 100,
    },
    params=shared_options(hidden=False),
)
@click.version_option(package_name="keysweep", message="%(prog)s %(version)s")
@click.pass_context
def TREE(ctx: click.Context) -> None:  # noqa: N802  a value for those who import it
    """Find leaked agent keys, map each to its stored credential, force its rotation, prove it dead."""
    invocation = ctx.ensure_object(Invocation)
    if invocation.options or ctx.invoked_subcommand != _LEAN:
        invocation.configure()


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return its exit code.

    Raises:
        KeysweepError: a failure that a user can do something about.
    """
    try:
        result: Any = TREE.main(args=list(arguments), prog_name="keysweep", standalone_mode=False, obj=Invocation())
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        said = io.StringIO()
        error.show(file=said)
        click.echo(_without_values(said.getvalue(), arguments), err=True, nl=False)
        return ExitCode.USAGE
    return int(result or ExitCode.DONE)


def _without_values(message: str, arguments: Sequence[str]) -> str:
    """Leave out of a message what was typed and is as long as a key: a key that was typed by mistake is not repeated."""
    for value in (arg.partition("=")[2] if arg.startswith("-") else arg for arg in arguments):
        if len(value) >= _LONG:
            message = message.replace(value, "[not shown]")
    return message
