"""How a guided rotation is told to a person: a numbered list, with what is done already."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from keysweep.commands._paint import Paint

if TYPE_CHECKING:
    from keysweep.commands._invocation import Invocation
    from keysweep.rotation.engine.checklist import Task
    from keysweep.rotation.vault.unlock import OpenVault


def show(invocation: Invocation, opened: OpenVault, names: Iterable[str]) -> None:
    """Print the list of each credential that a person rotates with us; nothing for the others."""
    from keysweep.rotation.engine.checklist import checklist

    paint = Paint.of(invocation)
    for name in dict.fromkeys(names):
        with opened.database.read() as connection:
            tasks = checklist(connection, name)
        if tasks:
            lines = [paint.styled(f"{name} is rotated by hand where its vendor has no API", bold=True), *_lines(tasks)]
            click.echo("\n".join([*lines, ""]), color=paint.color)


def _lines(tasks: tuple[Task, ...]) -> Iterable[str]:
    for number, task in enumerate(tasks, start=1):
        yield f"  [{'x' if task.done else ' '}] {number}. {task.text}{':' if task.command else ''}"
        if task.command:
            yield f"         {task.command}"
