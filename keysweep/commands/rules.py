"""`keysweep rules`: what is looked for, and whether the packs are sound."""

from __future__ import annotations

import json
import sys

import click

from keysweep.commands._table import table
from keysweep.foundation.errors import ExitCode


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """The detection rules."""


@COMMAND.command("list")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def _list(form: str) -> None:
    """Every rule."""
    from keysweep.rules.ruleset import load_ruleset

    rules = load_ruleset().rules
    if form == "json":
        rows = [{"id": r.id, "provider": r.provider, "severity": r.severity.value, "title": r.title} for r in rules]
        click.echo(json.dumps(rows, indent=1))
        return
    click.echo(
        table(("ID", "PROVIDER", "SEVERITY", "TITLE"), [(r.id, r.provider, r.severity.value, r.title) for r in rules])
    )


@COMMAND.command("show")
@click.argument("rule_id")
def _show(rule_id: str) -> None:
    """One rule: what the key can do, where its format is documented."""
    from keysweep.rules.checks import PROOFS
    from keysweep.rules.ruleset import load_ruleset

    for rule in load_ruleset().select([rule_id]).rules:
        proven = "proven offline" if PROOFS.intersection(rule.checks) else "told by its shape"
        click.echo(f"{rule.id}  ({rule.severity.value}, {rule.provider}, {proven})\n{rule.title}\n  can: {rule.grants}")
        if rule.pair:
            click.echo("  needs: its public half, or the vendor's host, nearby; the finding is the secret half")
        click.echo(f"  prefix: {rule.prefix or 'none'}\n  checks: {', '.join(rule.checks) or 'none'}")
        click.echo(f"  tells: {rule.facts or 'nothing'}\n  pattern: {rule.pattern}\n  see: {' '.join(rule.references)}")


@COMMAND.command("check")
def _check() -> int:
    """Find what is wrong with the packs: examples, negatives, patterns, references."""
    from keysweep.rules.ruleset import load_ruleset
    from keysweep.scanner.matching.lint import lint

    rules = load_ruleset()
    problems = lint(rules)
    for problem in problems:
        click.echo(problem, err=True)
    click.echo(f"{len(rules.rules)} rules, {len(problems)} problems.", err=True)
    return ExitCode.USAGE if problems else ExitCode.DONE


@COMMAND.command("try")
@click.argument("rule_id")
def _try(rule_id: str) -> int:
    """Read text from standard input and say where a rule finds a key, without showing it."""
    from keysweep.rules.ruleset import load_ruleset
    from keysweep.scanner.detectors.rulebook import Rulebook
    from keysweep.scanner.finding import Segment, StreamOrigin

    book = Rulebook(load_ruleset().select([rule_id]), cache_dir=None)
    matches = book.find(Segment(origin=StreamOrigin(), data=sys.stdin.buffer.read()))
    for match in matches:
        click.echo(
            f"{match.rule}  bytes {match.start}-{match.end}  {match.prefix}… ({match.end - match.start})  {match.confidence.value}"
            + "".join(f"  {name} {value}" for name, value in match.facts)
        )
    return ExitCode.FINDINGS if matches else ExitCode.DONE
