"""What `keys import` says: one line a key on standard error, what was left out and why, and what still holds the keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from keysweep.foundation.shown import visible

if TYPE_CHECKING:
    from keysweep.rotation.imports.gather import Gathered
    from keysweep.rotation.imports.take_in import Outcome, Source

FORMS = (
    "auto", "codex", "csv", "doppler", "dotenv", "infisical", "jsonl", "kubernetes", "map", "mcp", "onepassword",
    "onepassword-csv", "openclaw", "openclaw-store",
)  # fmt: skip
"""Said here once more, so that the help does not read the folder; a test compares."""
_SHOWN = 8


def say(outcomes: Iterable[Outcome], *, planned: bool) -> int:
    """Print a line for each key, and return how many failed."""
    from keysweep.foundation.errors import UsageError

    failed = 0
    for one in outcomes:
        if isinstance(one.effect, UsageError):
            failed += 1
            click.echo(visible(f"{one.place}: {one.effect.message}"), err=True)
        elif planned:
            click.echo(visible(f"{one.name}: {_WOULD[one.effect.value]} ({one.provider})"), err=True)
        else:
            click.echo(visible(f"{one.name}: {one.effect.value}"), err=True)
    return failed


_WOULD = {"added": "would be added", "unchanged": "is stored already", "standby added": "would be added as a standby"}


def as_json(source: Source, gathered: Gathered, outcomes: Iterable[Outcome], *, planned: bool) -> str:
    """Return the same for programs."""
    from keysweep.foundation.errors import UsageError

    document = {
        "schema": "keysweep.dev/import/v1",
        "format": source.form,
        "dry_run": planned,
        "keys": [
            {
                "place": one.place,
                "name": one.name,
                "provider": one.provider,
                "effect": "failed" if isinstance(one.effect, UsageError) else one.effect.value,
                "error": one.effect.message if isinstance(one.effect, UsageError) else None,
            }
            for one in outcomes
        ],
        "same": [{"name": name, "names": list(names)} for name, names in gathered.same],
        "left_out": [
            {"place": place, "name": one.name, "reason": one.reason.name.lower()} for place, one in gathered.left
        ],
    }
    return json.dumps(document, indent=2)


def say_more(where: str, source: Source, gathered: Gathered) -> None:
    """Print what a person should know besides: values with several names, what was left out, what to remove."""
    from keysweep.rotation.imports.gather import counted

    for name, names in gathered.same:
        click.echo(visible(f"{name} has several names there: {_some(names)}"), err=True)
    for reason, count, names in counted(gathered.left):
        click.echo(visible(f"left out {count} {reason.value}: {_some(names)}"), err=True)
    if not gathered.rows and not gathered.found:
        click.echo(visible(f"no key was found in {where}"), err=True)
    elif source.file is not None:
        others = ", and other users can read it" if source.open_to_others else ""
        click.echo(visible(f"{where} still holds the keys{others}: remove it when nothing reads it any more"), err=True)


def _some(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
