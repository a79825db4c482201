"""The options that every command has, before or behind its name."""

from __future__ import annotations

import click

from keysweep.commands._invocation import Invocation


def shared_options(*, hidden: bool) -> list[click.Parameter]:
    """Return fresh options `--config --store --key-file -q -v --no-color`, which fill the `Invocation`.

    Args:
        hidden: leave them out of the help text; for the copies behind a command's name.
    """

    def keep(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        if value not in (None, False, 0):
            ctx.ensure_object(Invocation).options[str(parameter.name)] = value
            if hidden:
                ctx.ensure_object(Invocation).configure()

    def option(*names: str, **attributes: object) -> click.Option:
        return click.Option(
            list(names),
            expose_value=False,
            callback=keep,
            hidden=hidden,
            allow_from_autoenv=False,
            **attributes,  # type: ignore[arg-type]
        )

    return [
        option("--config", type=click.Path(), help="Settings file (default: keysweep.toml where you are)."),
        option("--store", help="Store: a path, or postgresql+psycopg://..."),
        option("--key-file", type=click.Path(), help="Key file that unlocks the store."),
        option("-q", "--quiet", is_flag=True, help="Only results and errors."),
        option("-v", "--verbose", count=True, help="Say more; twice for debugging."),
        option("--no-color", is_flag=True, help="No colour, as with NO_COLOR=1."),
    ]
