"""`keysweep report`: prove it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation

if TYPE_CHECKING:
    from keysweep.reports.evidence import Evidence
    from keysweep.rotation.vault.unlock import OpenVault

_ENDINGS = (".pdf", ".html", ".csv", ".json")


@click.command()
@click.option("--framework", type=click.Choice(["soc2", "pci-dss", "both"]), default="both", show_default=True)
@click.option("--from", "start", metavar="DATE", help="First day of the period (default: 90 days back).")
@click.option("--to", "--as-of", "end", metavar="DATE", help="The freeze: a day, or an RFC 3339 time (default: now).")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="FILE.pdf, .html, .csv or .json.")
@click.option("--check", is_flag=True, help="No document: end with 1 if a key is older than its limit.")
@click.option("--max-age", metavar="DAYS", help="Age limit, as 90d (default: the settings').")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    framework: str,
    start: str | None,
    end: str | None,
    output: Path | None,
    max_age: str | None,
    *,
    check: bool,
) -> int:
    """Write the evidence on key age and lifecycle, sealed and tied to the audit ledger."""
    from keysweep.foundation.errors import UsageError

    if output is None and not check:
        msg = "say where to: -o FILE.pdf, or --check"
        raise UsageError(msg)
    if output is not None and output.suffix not in _ENDINGS:
        msg = f"{output}: the ending says the format: {', '.join(_ENDINGS)}"
        raise UsageError(msg)
    with invocation.vault() as opened:
        evidence = _evidence(opened, start, end, max_age, run_by=invocation.actor)
        if check:
            return _check(evidence)
        if output is not None:
            _write(invocation, opened, evidence, framework, output)
    return 0


def _evidence(opened: OpenVault, start: str | None, end: str | None, max_age: str | None, *, run_by: str) -> Evidence:
    """Verify the ledger, then read the evidence: a report is never built on a broken chain."""
    from keysweep.reports.collect import collect
    from keysweep.reports.evidence import Policy
    from keysweep.rotation.vault.integrity import check_ledger

    check_ledger(opened)
    settings = opened.settings.report
    policy = Policy(
        max_age_days=_days(max_age) if max_age else settings.max_age_days,
        organisation=settings.organisation,
        prepared_by=settings.prepared_by,
        risk_analysis=settings.risk_analysis,
        approved_by=settings.approved_by,
        run_by=run_by,
        asked=max_age is not None,
    )
    freeze = _moment(end, last=True) if end else opened.clock().replace(microsecond=0) + timedelta(seconds=1)
    first = _moment(start, last=False) if start else freeze - timedelta(days=90)
    with opened.database.read() as connection:
        return collect(connection, policy, start=first, end=freeze)


def _check(evidence: Evidence) -> int:
    overdue = [key for key in evidence.keys if key.overdue]
    for key in overdue:
        click.echo(f"{key.name}: {key.age_days} days, limit {key.limit_days}")
    click.echo(f"{len(overdue)} of {len(evidence.keys)} credentials are overdue.", err=True)
    return 1 if overdue else 0


def _write(invocation: Invocation, opened: OpenVault, evidence: Evidence, framework: str, output: Path) -> None:
    import hashlib

    from keysweep.foundation.errors import UsageError
    from keysweep.foundation.ledger import checkpoint
    from keysweep.reports import seal
    from keysweep.reports.build import build_report
    from keysweep.reports.catalog import Framework

    built = build_report(evidence, framework=Framework(framework), form=output.suffix.removeprefix("."))
    sealed = seal.make(
        built.content,
        report_id=built.id,
        ledger_seq=evidence.ledger_seq,
        ledger_head=evidence.ledger_head,
        sign=opened.signer.sign,
        public_key=opened.signer.public_key,
    )
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_bytes(built.content)
        seal.seal_path(output).write_text(sealed.text(), encoding="utf-8")
    except OSError as error:
        msg = f"cannot write {output}: {error.strerror}"
        raise UsageError(msg) from error
    with opened.database.write() as connection:
        opened.ledger.append(
            connection,
            actor=invocation.actor,
            action="report.written",
            subject=built.id,
            detail={"sha256": hashlib.sha256(built.content).hexdigest(), "framework": framework},
        )
        checkpoint.take(connection, sign=opened.signer.sign, public_key=opened.signer.public_key, clock=opened.clock)
    click.echo(f"{output}: {built.id}, {len(built.content):,} bytes, sealed in {seal.seal_path(output).name}", err=True)


def _days(text: str) -> int:
    from keysweep.foundation.errors import UsageError

    digits = text.removesuffix("d")
    if not digits.isdecimal() or not 0 < int(digits) < 100_000:
        msg = f"--max-age is a number of days, as 90d; not {text!r}"
        raise UsageError(msg)
    return int(digits)


def _moment(text: str, *, last: bool) -> datetime:
    from keysweep.foundation.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        msg = f"{text!r} is no date; write it as 2026-09-30"
        raise UsageError(msg) from None
    if len(text) == len("2026-09-30") and last:
        moment += timedelta(hours=23, minutes=59, seconds=59)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
