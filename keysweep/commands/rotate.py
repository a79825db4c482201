"""`keysweep rotate`: replace keys, by name, by finding, by event, or take up a rotation that was interrupted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation

if TYPE_CHECKING:
    from keysweep.rotation.engine.rotate import Report
    from keysweep.rotation.incident.correlate import Suspicion
    from keysweep.rotation.vault.unlock import OpenVault


@click.command()
@click.argument("names", nargs=-1, metavar="[KEY]...")
@click.option("--finding", "findings", multiple=True, metavar="ID", help="The credential that this finding is.")
@click.option("--compromised", is_flag=True, help="Every stored key that a scan saw in full; with KEY: treat it so.")
@click.option("--event", metavar="FILE", help="An incident event (JSON); - for standard input.")
@click.option("--due", is_flag=True, help="Every key past its age limit.")
@click.option("--within", default="0d", metavar="DAYS", help="With --due: also those due in so many days, as 14d.")
@click.option("--resume", metavar="ID", help="Go on with an interrupted rotation.")
@click.option("--list", "list_open", is_flag=True, help="Rotations that have not ended.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the steps and stop.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    names: tuple[str, ...],
    findings: tuple[str, ...],
    event: str | None,
    within: str,
    resume: str | None,
    reason: str,
    *,
    compromised: bool,
    due: bool,
    list_open: bool,
    plan_only: bool,
    yes: bool,
) -> int:
    """Mint, deliver, attest, revoke, prove dead.  Ends with 4 if rolled back, 5 if a person must act."""
    from keysweep.commands import _rotation_targets as targets
    from keysweep.foundation.errors import UsageError
    from keysweep.rotation.stated import checked

    chosen = [bool(names) or bool(findings), bool(event), due, bool(resume), list_open, compromised and not names]
    if sum(chosen) != 1:
        msg = "say what to rotate: KEY, --finding, --compromised, --event, --due or --resume"
        raise UsageError(msg, hint="keysweep rotate --help")
    with invocation.vault() as opened:
        reason = checked(opened, reason, what="reason")
        if list_open:
            return targets.show_open(opened)
        if resume:
            return _finish(invocation, [targets.resume(opened, resume)])
        planned = targets.planned(opened, names if not compromised else (), due=due, within=within)
        suspected = targets.suspected(
            opened,
            names if compromised else (),
            findings,
            _read(event) if event else None,
            everything=compromised and not names,
        )
        if plan_only or not (yes or _agreed(opened, planned, suspected)):
            targets.show_plans(opened, planned, suspected, confirmed=bool(findings) or bool(names))
            return 0
        reports = targets.perform(
            opened, planned, suspected, reason=reason, confirmed=bool(findings) or bool(names), say=_say
        )
        return _finish(invocation, reports)


def _agreed(opened: OpenVault, planned: tuple[str, ...], suspected: tuple[Suspicion, ...]) -> bool:
    """Ask a person on a terminal; without one, nothing is done unless --yes was given."""
    if not sys.stdin.isatty() or not (planned or suspected):
        return False
    from keysweep.commands import _rotation_targets as targets

    targets.show_plans(opened, planned, suspected, confirmed=True)
    return click.confirm("Rotate now?", err=True)


def _finish(invocation: Invocation, reports: list[Report]) -> int:
    from keysweep.commands._timeline import exit_code, next_command, timeline

    color = sys.stdout.isatty() if invocation.color is None else invocation.color
    for number, report in enumerate(reports):
        click.echo("\n" * (number > 0) + "\n".join(timeline(report, color=color)), color=color)
    for report in reports:
        if report.failure is not None:
            _say(f"{report.credential}: {report.failure.message}.")
        if command := next_command(report):
            _say(f"Next: {command}")
    return exit_code(reports)


def _read(event: str) -> bytes:
    from keysweep.foundation.errors import UsageError

    try:
        return sys.stdin.buffer.read() if event == "-" else Path(event).read_bytes()
    except OSError as error:
        msg = f"cannot read {event}: {error.strerror}"
        raise UsageError(msg) from error


def _say(text: str) -> None:
    click.echo(text, err=True)
