"""`keysweep scan`: is anything leaking, and whose is it?"""

from __future__ import annotations

import os
from pathlib import Path

import click

from keysweep.commands._invocation import Invocation
from keysweep.foundation.errors import UsageError


@click.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--staged", is_flag=True, help="What is staged for the next commit.")
@click.option("--range", "revisions", metavar="A..B", help="What these commits brought.")
@click.option("--profile", type=click.Choice(["fast", "ci", "deep"]), default="ci", help="Named limits.")
@click.option("--ocr/--no-ocr", default=None, help="Read text in images (default: where an engine is installed).")
@click.option("--no-map", is_flag=True, help="Do not compare with stored credentials.")
@click.option("--baseline", type=click.Path(path_type=Path), help="Accepted findings.")
@click.option("--write-baseline", type=click.Path(path_type=Path), help="Accept what is found now.")
@click.option("--fail-on", type=click.Choice(["none", "any", "high", "mapped"]), default="any", show_default=True)
@click.option(
    "-o", "--output", "outputs", multiple=True, metavar="FORMAT[=FILE]", help="text json jsonl sarif; repeatable."
)
@click.option("--strict/--no-strict", default=None, help="What was not read is a failure (default where CI=true).")
@click.option("--exclude", multiple=True, metavar="GLOB", help="Leave out files of this name or path.")
@click.option("--rule", "rules", multiple=True, metavar="ID", help="Only this rule or provider.")
@click.option("--max-size", type=click.IntRange(1), metavar="MB", help="Leave out larger files, and say so.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, metavar="N", help="Processes for the files of a folder.")
@click.option("--verify", is_flag=True, help="Ask vendors whether keys work; each goes to its own vendor only.")
@click.option("--exit-zero", is_flag=True, help="End with 0 whatever is found.")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    targets: tuple[str, ...],
    revisions: str | None,
    profile: str,
    ocr: bool | None,  # noqa: FBT001  click's three-valued flag
    baseline: Path | None,
    write_baseline: Path | None,
    fail_on: str,
    outputs: tuple[str, ...],
    strict: bool | None,  # noqa: FBT001  click's three-valued flag
    exclude: tuple[str, ...],
    rules: tuple[str, ...],
    max_size: int | None,
    jobs: int,
    *,
    staged: bool,
    no_map: bool,
    verify: bool,
    exit_zero: bool,
) -> int:
    """Find leaked keys in TARGETs: a path, - for standard input, git:PATH for a whole history.

    Ends with 1 on findings, 3 if nothing was read or, under --strict, not everything.
    """
    if jobs > 1 and (verify or write_baseline):
        msg = "--verify and --write-baseline need one process"
        raise UsageError(msg, hint="leave --jobs out")
    from keysweep.commands import _scan_setup as setup
    from keysweep.commands._scan_verdict import emit, verdict

    forms = setup.output_forms(outputs)
    sources = setup.sources(targets, staged=staged, revisions=revisions, exclude=exclude, max_size=max_size)
    opened = None if no_map else setup.open_if_there(invocation)
    try:
        accepted = setup.baseline(baseline, write_baseline)
        verifier = setup.verifier(invocation) if verify else None
        tools = setup.toolbox(opened, verifier=verifier, rules=rules, ocr=ocr, profile=profile, accepted=accepted)
        result = setup.run(sources, tools, opened, targets or (".",), invocation=invocation, jobs=jobs)
    finally:
        if opened is not None:
            opened.close()
    if write_baseline is not None and accepted is not None:
        setup.write(write_baseline, accepted.text())
    emit(result._replace(exit_zero=exit_zero), forms, color=invocation.color)
    demanding = os.environ.get("CI", "").lower() == "true" if strict is None else strict
    code = verdict(result, fail_on=fail_on, strict=demanding)
    return 0 if exit_zero or (write_baseline is not None and code == 1) else code
