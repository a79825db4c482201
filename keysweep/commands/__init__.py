"""The command line: this folder is the index of commands, and this file the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import io
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from keysweep.commands._invocation import Invocation, shared_options
from keysweep.foundation.errors import ExitCode, KeysweepError, MissingExtraError

_FOLDER = Path(__file__).parent
_LEAN = "scan"
"""The command whose start-up counts: it sets the log up by itself, once it opens a store that has something to hide."""
_EXTRAS = {
    "PIL": "ocr",
    "httpx2": "rotate",
    "psycopg": "rotate",
    "jinja2": "report",
    "pandas": "report",
    "weasyprint": "report",
}
"""Which extra brings a package that the base lacks."""
_LONG = 16
"""Characters from which on a typed value might be a key."""


class _CommandFolder(click.Group):
    """A group whose commands are the modules of this folder; a module is imported when its command is named."""

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
def _root(ctx: click.Context) -> None:
    """Find leaked agent keys, map each to its stored credential, force its rotation, prove it dead."""
    invocation = ctx.ensure_object(Invocation)
    if invocation.options or ctx.invoked_subcommand != _LEAN:
        invocation.configure()


def main(args: list[str] | None = None) -> NoReturn:
    """Run the command line and end the process with one of the fixed exit codes."""
    sys.exit(execute(args))


def execute(args: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        result: Any = _root.main(args=args, prog_name="keysweep", standalone_mode=False, obj=Invocation())
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return ExitCode.INTERRUPTED
    except click.ClickException as error:
        said = io.StringIO()
        error.show(file=said)
        click.echo(_without_values(said.getvalue(), sys.argv[1:] if args is None else args), err=True, nl=False)
        return ExitCode.USAGE
    except KeysweepError as error:
        return _report(error)
    except SystemExit as stop:  # ours carry an ExitCode; click ends with a bare 1 when nobody reads the output
        return stop.code if isinstance(stop.code, ExitCode) else ExitCode.INCOMPLETE
    except KeyboardInterrupt:
        click.echo("Interrupted; what was done is kept.", err=True)
        return ExitCode.INTERRUPTED
    except ModuleNotFoundError as error:
        return _report_missing(error)
    except Exception as error:  # noqa: BLE001  the error boundary: a bug ends with code 70 and never with a secret
        return _report_bug(error)
    return int(result or ExitCode.DONE)


def _without_values(message: str, args: list[str]) -> str:
    """Leave out of a message what was typed and is as long as a key: a key that was typed by mistake is not repeated."""
    for value in (arg.partition("=")[2] if arg.startswith("-") else arg for arg in args):
        if len(value) >= _LONG:
            message = message.replace(value, "[not shown]")
    return message


def _report(error: KeysweepError) -> int:
    click.echo(f"Error: {error.message}.", err=True)
    if error.hint:
        click.echo(f"Next: {error.hint}", err=True)
    return error.exit_code


def _report_missing(error: ModuleNotFoundError) -> int:
    """Name the extra that brings a package which is not installed; any other missing module is a bug."""
    package = str(error.name).partition(".")[0]
    if package not in _EXTRAS:
        return _report_bug(error)
    return _report(MissingExtraError(feature="this", extra=_EXTRAS[package]))


def _report_bug(error: Exception) -> int:
    """Print where it happened, without the message and the values, which might hold key material."""
    import traceback

    for frame in traceback.extract_tb(error.__traceback__):
        click.echo(f"  {frame.filename}:{frame.lineno} in {frame.name}", err=True)
    click.echo(f"Bug: {type(error).__name__}.  Please report the lines above.", err=True)
    return ExitCode.BUG
