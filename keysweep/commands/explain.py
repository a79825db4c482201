"""`keysweep explain`: a finding, a fingerprint, a credential, a rule or an exit code: what, why, where else, what next."""

from __future__ import annotations

import json

import click

from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("subject", metavar="ID")
@click.option("-o", "form", type=click.Choice(["text", "json"]), default="text")
@click.pass_obj
def COMMAND(invocation: Invocation, subject: str, form: str) -> None:  # noqa: N802  the folder's index looks for this name
    """What ID is: a finding (f-...), a fingerprint (kf:...), a credential, a rule, or an exit code.

    Of a leaked key: whose it is, since when it is dead, where else it was seen, which agents hold it, and what to do next.
    """
    from keysweep.commands import _explained
    from keysweep.commands._paint import Paint
    from keysweep.rules.ruleset import load_ruleset

    paint = Paint.of(invocation)
    if subject.isdecimal() and len(subject) < 4:
        record, lines = _explained.exit_code(int(subject), paint)
    elif (rule := next((rule for rule in load_ruleset().rules if rule.id == subject), None)) is not None:
        record, lines = _explained.rule(rule, paint)
    else:
        from keysweep.rotation.explanation import explain

        with invocation.vault() as opened:
            explained = explain(opened, subject)
            now = opened.clock()
        record, lines = _explained.key(explained, paint, now)
    if form == "json":
        click.echo(json.dumps({"schema": "keysweep.dev/explanation/v1", **record}, indent=1))
        return
    click.echo("\n".join(lines))
