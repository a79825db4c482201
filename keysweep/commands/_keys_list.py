"""`keysweep keys list`: the inventory as a table, filtered, sorted, a page at a time."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._paint import Paint, ago

if TYPE_CHECKING:
    from datetime import datetime

    from keysweep.rotation.listing import Page, Row

SCHEMA = "keysweep.dev/inventory/v1"
_SOON_DAYS = 14
_HEADER = ("NAME", "PROVIDER", "VERSION", "AGE", "POLICY", "OWNER", "LAST USED", "STANDBY", "AGENTS")
_SPARE = ("LAST USED", "STANDBY", "OWNER", "VERSION")
"""Columns that a narrow terminal does without, the first one first."""


@click.command()
@click.option("--provider", default="", help="Only keys of this provider.")
@click.option("--owner", default="", help="Only keys that this one answers for.")
@click.option("--environment", default="", help="Only keys of this environment.")
@click.option("--agent", default="", help="Only keys that this agent gets.")
@click.option("--class", "policy_class", help="Only keys of this policy class; '' for those of none.")
@click.option(
    "--overdue", is_flag=True, help="Only keys older than their limit, with no exception, or ended by their provider."
)
@click.option("--retired", is_flag=True, help="Also those that were taken out of use.")
@click.option("--sort", type=click.Choice(["name", "age", "provider", "used"]), default="name", show_default=True)
@click.option("--page", type=click.IntRange(min=1), default=1, show_default=True, help="Which page, from 1.")
@click.option("--limit", type=click.IntRange(0, 100_000), default=0, help="Rows of a page; 0 for all on one.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--format", "form", type=click.Choice(["text", "json"]), hidden=True, help="The rows alone, as before.")
@click.pass_obj
def LIST(  # noqa: N802  a value for `keys.py`
    invocation: Invocation,
    provider: str,
    owner: str,
    environment: str,
    agent: str,
    policy_class: str | None,
    sort: str,
    page: int,
    limit: int,
    output: str,
    form: str | None,
    *,
    overdue: bool,
    retired: bool,
) -> None:
    """Every credential with its current version, its age and what its policy says to it."""
    from keysweep.rotation import listing
    from keysweep.rotation.selection import Filter, Sort

    wanted = Filter(
        provider=provider.lower(),
        owner=owner,
        environment=environment,
        agent=agent,
        policy_class=policy_class,
        retired=retired,
    )
    with invocation.vault() as opened:
        if overdue:
            found = listing.overdue_page(opened, wanted, sort=Sort(sort), size=limit, number=page)
        else:
            found = listing.page(opened, wanted, sort=Sort(sort), size=limit, number=page)
        now = opened.clock()
    if form == "json":
        click.echo(json.dumps([row.as_json() for row in found.rows], indent=2))
    elif output == "json":
        click.echo(json.dumps(_document(found, page, limit), indent=2))
    else:
        _print(invocation, found, page, limit, now)


def _document(found: Page, page: int, limit: int) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "total": found.total,
        "page": page,
        "next_page": page + 1 if limit and page * limit < found.total else None,
        "keys": [row.as_json() for row in found.rows],
    }


def _print(invocation: Invocation, found: Page, page: int, limit: int, now: datetime) -> None:
    paint = Paint.of(invocation)
    rows = [
        (
            row.name,
            row.provider,
            row.version_text,
            row.age_text,
            paint(*policy_words(row)),
            row.owner,
            ago(row.last_used_at, now),
            str(row.standby or ""),
            ", ".join(row.agents) or ("(admin)" if row.is_admin else ""),
        )
        for row in found.rows
    ]
    click.echo(paint.table(_HEADER, rows, spare=_SPARE), color=paint.color)
    if invocation.quiet:
        return
    late = sum(row.overdue for row in found.rows)
    said = f"{len(found.rows)} of {found.total} credentials" if limit else f"{found.total} credentials"
    click.echo(f"{said}, {late} overdue." if late else f"{said}.", err=True)
    if limit and page * limit < found.total:
        click.echo(f"Next: keysweep keys list --limit {limit} --page {page + 1}", err=True)
    elif late:
        click.echo("Next: keysweep rotate --due --plan", err=True)


def policy_words(row: Row) -> tuple[str, str]:
    """Return what the policy says of a credential, and in which colour."""
    standing = row.standing
    left = standing.limit.max_age_days - standing.age_days
    if row.retired_at is not None:
        return "retired", "bright_black"
    if row.version is None:
        return "no value", "bright_black"
    if row.expires_at is not None and row.ends_soon:
        return (f"ended {row.expires_at:%F}", "red") if row.expired else (f"ends {row.expires_at:%F}", "yellow")
    if row.overdue:
        return f"{-left} d overdue", "red"
    if standing.excused and standing.exemption is not None:
        return f"excepted to {standing.exemption.until:%F}", "yellow"
    if timedelta(days=left) <= timedelta(days=_SOON_DAYS):
        return "due today" if left == 0 else f"due in {left} d", "yellow"
    return f"{left} d left", "green"
