"""`keysweep verify`: is the ledger whole, and is a report the one that was written?"""

from __future__ import annotations

from pathlib import Path

import click

from keysweep.commands._invocation import Invocation


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_obj
def COMMAND(invocation: Invocation, file: Path | None) -> None:  # noqa: N802  the folder's index looks for this name
    """Check the live ledger; with FILE, check a report (against its seal and the ledger) or an exported ledger.

    Ends with 7 and names the first bad entry, or what of the report is wrong.
    """
    if file is not None and file.suffix == ".jsonl":
        _export(file)
        return
    with invocation.vault() as opened:
        from keysweep.rotation.vault.integrity import check_ledger

        checked = check_ledger(opened)
        click.echo(f"ledger    whole: {checked.entries} entries, signed checkpoints: {checked.checkpoints}")
        if checked.rows is not None:
            click.echo(f"rows      whole: {checked.rows} are what was written")
        click.echo(f"head      {checked.head.hex()}")
        if file is not None:
            _report(opened, file)


def _report(opened: object, file: Path) -> None:
    from keysweep.reports.verify import verify_report
    from keysweep.rotation.vault.unlock import OpenVault

    if not isinstance(opened, OpenVault):
        raise TypeError
    sealed = verify_report(file, opened.database, public_key=opened.signer.public_key)
    click.echo(f"report    {sealed.report_id} is as it was signed; it names ledger entry {sealed.ledger_seq}")


def _export(file: Path) -> None:
    from keysweep.foundation.errors import IntegrityError, UsageError
    from keysweep.foundation.ledger.verify import rows_of_export, verify

    try:
        result = verify(rows_of_export(file))
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise UsageError(msg) from error
    if result.bad is not None:
        msg = f"ledger entry {result.bad}: {result.why}"
        raise IntegrityError(msg)
    click.echo(f"ledger    whole: {result.entries} entries")
    click.echo(f"head      {result.head.hex()}")
