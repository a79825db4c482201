"""`keysweep scan`: is anything leaking, and whose is it?"""

from __future__ import annotations

from pathlib import Path

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._scan_options import FLAGS, Flag, ScanOptions, Takes


def _option(flag: Flag) -> click.Option:
    default = ScanOptions._field_defaults[flag.field]
    match flag.takes:
        case Takes.NOTHING:
            return click.Option([*flag.names, flag.field], is_flag=True, help=flag.help)
        case Takes.NOTHING_OR_ITS_OPPOSITE:
            both = f"{flag.names[0]}/--no-{flag.names[0].removeprefix('--')}"
            return click.Option([both, flag.field], default=None, help=flag.help)
        case Takes.TEXT | Takes.TEXTS:
            several = flag.takes is Takes.TEXTS
            return click.Option([*flag.names, flag.field], multiple=several, metavar=flag.metavar, help=flag.help)
        case Takes.PATH:
            return click.Option([*flag.names, flag.field], type=click.Path(path_type=Path), help=flag.help)
        case Takes.NUMBER:
            limits = click.IntRange(flag.at_least, flag.at_most)
            return click.Option(
                [*flag.names, flag.field], type=limits, default=default, metavar=flag.metavar, help=flag.help
            )
        case Takes.CHOICE:
            return click.Option(
                [*flag.names, flag.field],
                type=click.Choice(flag.choices),
                default=default,
                help=flag.help or None,
                show_default=flag.show_default,
            )


@click.pass_obj
def _run(invocation: Invocation, /, **values: object) -> int:
    from keysweep.commands._scan_perform import perform

    return perform(invocation, ScanOptions(**values))  # type: ignore[arg-type]  # the table names the fields


COMMAND = click.Command(
    "scan",
    callback=_run,
    params=[click.Argument(["targets"], nargs=-1, metavar="[TARGET]..."), *map(_option, FLAGS)],
    help="""Find leaked keys in TARGETs: a path, - for standard input, git:PATH for a whole history.

    Ends with 1 on findings, 3 if nothing was read or, under --strict, not everything.
    """,
)
