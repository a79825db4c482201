"""`keysweep policy`: how old keys may be, by class, with who approved it; and exceptions."""

from __future__ import annotations

import json

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._paint import Paint

SCHEMA = "keysweep.dev/policies/v1"


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """How old keys may be, who approved it, and what is excepted."""


@COMMAND.command("list")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def _list(invocation: Invocation, output: str) -> None:
    """Every age limit and every exception that counts now."""
    from keysweep.foundation.clock import to_text
    from keysweep.rotation import policies

    with invocation.vault() as opened:
        known, exceptions = policies.overview(opened)
    limits = [known.default, *(limit for _, limit in sorted(known.classes.items()))]
    if output == "json":
        document = {
            "schema": SCHEMA,
            "policies": [
                {
                    "class": limit.policy_class,
                    "max_age_days": limit.max_age_days,
                    "from": limit.source.value,
                    "risk_analysis": limit.risk_analysis or None,
                    "approved_by": limit.approved_by or None,
                    "approved_at": to_text(limit.approved_at) if limit.approved_at else None,
                }
                for limit in limits
            ],
            "exceptions": [
                {
                    "credential": name,
                    "until": to_text(one.until),
                    "reason": one.reason,
                    "approved_by": one.approved_by,
                    "recorded_at": to_text(one.recorded_at),
                }
                for name, one in exceptions
            ],
        }
        click.echo(json.dumps(document, indent=2))
        return
    paint = Paint.of(invocation)
    rows = [
        (
            limit.policy_class or "(default)",
            f"{limit.max_age_days} d",
            limit.risk_analysis or "none named",
            limit.approved_by or "nobody",
            f"{limit.approved_at:%F}" if limit.approved_at else limit.source.value,
        )
        for limit in limits
    ]
    click.echo(paint.table(("CLASS", "LIMIT", "RISK ANALYSIS", "APPROVED BY", "ON"), rows), color=paint.color)
    if exceptions:
        cells = [(name, f"{one.until:%F}", one.approved_by, one.reason) for name, one in exceptions]
        table = paint.table(("EXCEPTED", "UNTIL", "APPROVED BY", "REASON"), cells)
        click.echo(f"\n{table}", color=paint.color)
    if not known.default.risk_analysis and not invocation.quiet:
        click.echo("No approved policy stands behind the default limit.", err=True)
        click.echo("Next: keysweep policy set --max-age 90 --risk-analysis NAME --approved-by NAME", err=True)


@COMMAND.command("set")
@click.option("--class", "policy_class", default="", help="Class of keys; all that have none if not stated.")
@click.option("--max-age", metavar="DAYS", required=True, help="Age limit, as 90 or 90d.")
@click.option("--risk-analysis", required=True, help="Name of the risk analysis that the limit follows from.")
@click.option("--approved-by", required=True, help="Who approved it.")
@click.option("--approved-on", metavar="DATE", help="When; now if not stated.")
@click.pass_obj
def _set(
    invocation: Invocation,
    policy_class: str,
    max_age: str,
    risk_analysis: str,
    approved_by: str,
    approved_on: str | None,
) -> None:
    """Record an age limit.  Earlier ones stay on record; the newest of a class counts."""
    from keysweep.commands._moment import moment
    from keysweep.rotation import policies

    with invocation.vault() as opened:
        limit = policies.set_limit(
            opened,
            policy_class=policy_class,
            days=_days(max_age),
            risk_analysis=risk_analysis,
            approved_by=approved_by,
            approved_at=moment(approved_on, "--approved-on", opened.clock()) if approved_on else None,
            actor=invocation.actor,
        )
    what = f"class {limit.policy_class}" if limit.policy_class else "the default"
    click.echo(f"{what}: {limit.max_age_days} days, {limit.risk_analysis}, approved by {limit.approved_by}.", err=True)


@COMMAND.command("except")
@click.argument("name")
@click.option("--until", metavar="DATE|AGE", required=True, help="Last day, or 30d from now; 'now' ends an exception.")
@click.option("--reason", required=True, help="Why it may be older.")
@click.option("--approved-by", required=True, help="Who approved it.")
@click.pass_obj
def _except(invocation: Invocation, name: str, until: str, reason: str, approved_by: str) -> None:
    """Let one credential be older than its limit for a while, a year at most."""
    from keysweep.commands._moment import moment
    from keysweep.rotation import policies

    with invocation.vault() as opened:
        now = opened.clock()
        end = now if until == "now" else moment(until, "--until", now, ahead=True)
        exemption = policies.except_credential(
            opened, name, until=end, reason=reason, approved_by=approved_by, actor=invocation.actor
        )
    said = "no longer excepted" if until == "now" else f"excepted until {exemption.until:%F %R} UTC"
    click.echo(f"{name}: {said}, approved by {exemption.approved_by}.", err=True)


def _days(text: str) -> int:
    from keysweep.foundation.errors import UsageError

    digits = text.removesuffix("d")
    if not (digits.isdecimal() and digits.isascii() and len(digits) < 6):
        msg = "--max-age is a number of days, as 90d"
        raise UsageError(msg)
    return int(digits)
