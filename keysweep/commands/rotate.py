"""`keysweep rotate`: replace keys, by name, by finding, by event, or take up a rotation that was interrupted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.foundation.settings import POLICIES

if TYPE_CHECKING:
    from keysweep.commands._rotation_targets import Manner, Targets
    from keysweep.foundation.errors import ExitCode
    from keysweep.rotation.engine.report import Report
    from keysweep.rotation.incident.inbox import Received
    from keysweep.rotation.vault.unlock import OpenVault

_JOBS = 8


@click.command()
@click.argument("names", nargs=-1, metavar="[KEY]...")
@click.option("--finding", "findings", multiple=True, metavar="ID", help="The credential that this finding is.")
@click.option("--compromised", is_flag=True, help="Every stored key that a scan saw in full; with KEY: treat it so.")
@click.option("--event", metavar="FILE", help="An incident event (JSON); - for standard input.")
@click.option(
    "--headers", type=click.Path(path_type=Path), metavar="FILE", help="Headers of the event, with its signature."
)
@click.option(
    "--due", is_flag=True, help="Every key past its age limit or near its end, and what waits or was interrupted."
)
@click.option("--within", default="0d", metavar="DAYS", help="With --due: also those due in so many days, as 14d.")
@click.option("--resume", metavar="ID", help="Go on with a rotation that waits or was interrupted.")
@click.option("--abort", metavar="ID", help="Return to the old key of a planned rotation.")
@click.option("--sweep", is_flag=True, help="End keys that earlier rotations left behind at the providers.")
@click.option("--list", "list_open", is_flag=True, help="Rotations that have not ended.")
@click.option("--plan", "plan_only", is_flag=True, help="Show the steps and stop.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="", help="Why; kept in the ledger.")
@click.option(
    "--incident", default="", metavar="REF", help="Ticket or incident that it belongs to; kept in the ledger."
)
@click.option("--policy", type=click.Choice(POLICIES), help="Order in which a compromised key goes.")
@click.option("--grace", metavar="TIME", help="How long the old key lives on, as 24h; none for a compromised one.")
@click.option("--deadline", metavar="TIME", help="Time in which each agent shall hold the new key; longer is recorded.")
@click.option(
    "--override-breaker", is_flag=True, help="Make a new key though the last three have leaked; needs --reason."
)
@click.option("--jobs", default=_JOBS, type=click.IntRange(1, 64), show_default=True, help="Rotations at a time.")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    names: tuple[str, ...],
    findings: tuple[str, ...],
    event: str | None,
    headers: Path | None,
    within: str,
    resume: str | None,
    abort: str | None,
    reason: str,
    incident: str,
    policy: str | None,
    grace: str | None,
    deadline: str | None,
    jobs: int,
    *,
    compromised: bool,
    due: bool,
    sweep: bool,
    list_open: bool,
    plan_only: bool,
    yes: bool,
    override_breaker: bool,
) -> int:
    """Mint, deliver, attest, revoke, prove dead.  Ends with 4 if rolled back, 5 if a person must act."""
    from keysweep.commands import _rotation_targets as targets
    from keysweep.commands._rotations_open import show_open
    from keysweep.rotation.stated import checked

    one_of = [bool(names) or bool(findings), bool(event), due, bool(resume), bool(abort), sweep, list_open]
    _refuse_unclear([*one_of, compromised and not names])
    forced = bool(findings) or bool(event) or compromised
    _refuse_unfitting(forced=forced, grace=grace, policy=policy, headers=headers, event=event)
    with invocation.vault() as opened:
        how = targets.manner(
            opened,
            reason=checked(opened, reason, what="reason"),
            policy=policy,
            grace_for=grace,
            deadline=deadline,
            reference=checked(opened, incident, what="incident"),
            override_breaker=override_breaker,
            jobs=jobs,
            confirmed=bool(names) or bool(findings),
        )
        if list_open:
            return show_open(opened)
        if sweep:
            return targets.sweep(opened, _say)
        if resume:
            return _finish(invocation, opened, [targets.resume(opened, resume, how, grace_for=grace)])
        if abort:
            return _aborted(invocation, opened, abort, how)
        received = None
        if event:
            from keysweep.commands import _rotation_events as events

            received, meant = events.read(opened, event, headers, _say)
        elif due:
            meant = targets.due(opened, within=within)
        elif forced:
            meant = targets.compromised(opened, names, findings, everything=compromised and not names)
        else:
            meant = targets.named(opened, names)
        return _act(invocation, opened, meant, how, received, plan_only=plan_only, yes=yes)


def _refuse_unclear(chosen: list[bool]) -> None:
    from keysweep.foundation.errors import UsageError

    if sum(chosen) != 1:
        msg = "say what to rotate: KEY, --finding, --compromised, --event, --due, --resume, --abort or --sweep"
        raise UsageError(msg, hint="keysweep rotate --help")


def _refuse_unfitting(
    *, forced: bool, grace: str | None, policy: str | None, headers: Path | None, event: str | None
) -> None:
    from keysweep.commands._moment import duration
    from keysweep.foundation.errors import UsageError

    if forced and grace and duration(grace, "--grace"):
        msg = "a compromised key has no grace"
        raise UsageError(msg, hint="leave --grace out")
    if policy and not forced:
        msg = "--policy is for compromised keys"
        raise UsageError(msg, hint="keysweep rotate KEY --compromised --policy swap")
    if headers and not event:
        msg = "--headers are those of an --event"
        raise UsageError(msg, hint="keysweep rotate --event FILE --headers FILE")


def _act(
    invocation: Invocation,
    opened: OpenVault,
    meant: Targets,
    how: Manner,
    received: Received | None,
    *,
    plan_only: bool,
    yes: bool,
) -> int:
    from keysweep.commands import _checklist as checklist
    from keysweep.commands import _rotation_events as events
    from keysweep.commands import _rotation_targets as targets

    asked = events.unseen(received) if received else []
    if plan_only or not (yes or _agreed(opened, meant, how)):
        checklist.show(invocation, opened, [*meant.names, *(s.credential for s in meant.suspects)])
        targets.show_plans(opened, meant, how)
        return _finish(invocation, opened, asked)
    reports = [*targets.perform(opened, meant, how), *asked]
    code = _finish(invocation, opened, reports)
    if received:
        events.answer(opened, received, reports, code)
    return code


def _agreed(opened: OpenVault, meant: Targets, how: Manner) -> bool:
    """Ask a person on a terminal; without one, nothing is done unless --yes was given."""
    if not sys.stdin.isatty() or not meant:
        return False
    from dataclasses import replace

    from keysweep.commands import _rotation_targets as targets

    targets.show_plans(opened, replace(meant, confirmed=True), how)
    return click.confirm("Rotate now?", err=True)


def _aborted(invocation: Invocation, opened: OpenVault, rotation_id: str, how: Manner) -> int:
    """Return to the old key; that this is what happened is no failure."""
    from keysweep.foundation.errors import ExitCode
    from keysweep.rotation.engine.rotate import abort
    from keysweep.rotation.engine.steps import Outcome

    report = abort(opened, rotation_id, reason=how.reason)
    code = _finish(invocation, opened, [report])
    return ExitCode.DONE if report.outcome is Outcome.ROLLED_BACK else code


def _finish(invocation: Invocation, opened: OpenVault, reports: list[Report]) -> ExitCode:
    from keysweep.commands import _checklist as checklist
    from keysweep.commands._timeline import exit_code, next_command, timeline
    from keysweep.rotation.engine.steps import Outcome
    from keysweep.rotation.incident.inbox import NoKeyError

    color = sys.stdout.isatty() if invocation.color is None else invocation.color
    for number, report in enumerate(reports):
        click.echo("\n" * (number > 0) + "\n".join(timeline(report, color=color)), color=color)
    stopped = [r for r in reports if r.outcome is Outcome.HALF_WAY and not isinstance(r.failure, NoKeyError)]
    checklist.show(invocation, opened, [report.credential for report in stopped])
    for report in reports:
        if report.failure is not None:
            _say(f"{report.credential}: {report.failure.message}.")
        if command := next_command(report):
            _say(f"Next: {command}")
    return exit_code(reports)


def _say(text: str) -> None:
    click.echo(text, err=True)
