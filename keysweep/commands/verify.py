"""`keysweep verify`: is the ledger whole, and is a report the one that was written?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keysweep.commands import _time_stamps as stamps
from keysweep.commands._invocation import Invocation

if TYPE_CHECKING:
    from keysweep.foundation.ledger.verify import Signed
    from keysweep.rotation.vault.unlock import OpenVault


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--anchor",
    "anchors",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Checkpoints that were kept elsewhere; may be repeated.",
)
@click.option("--public-key", metavar="HEX", help="The store's public key, where you know it from elsewhere.")
@click.option(
    "--ledger",
    type=click.Path(path_type=Path),
    help="An exported ledger, to hold a report against where there is no store.",
)
@click.option(
    "--tsa-ca",
    type=click.Path(path_type=Path),
    help="Certificates that the chains of time stamps must end in, PEM: check them too.",
)
@click.option("--accept-restored", is_flag=True, help="The store was put back from a backup on purpose: say so once.")
@click.pass_obj
def COMMAND(  # noqa: N802  the folder's index looks for this name
    invocation: Invocation,
    file: Path | None,
    anchors: tuple[Path, ...],
    public_key: str | None,
    ledger: Path | None,
    tsa_ca: Path | None,
    *,
    accept_restored: bool,
) -> None:
    """Check the live ledger; with FILE, check a report (against its seal and the ledger) or an exported ledger.

    An export needs no store, and a report none where --public-key says whose it is.  Ends with 7 and names the first bad entry, or what of the report is wrong.
    """
    from keysweep.foundation.errors import UsageError

    kept, key = _kept(anchors), _key(public_key)
    if file is not None and _is_export(file):
        _export(file, kept, key)
        stamps.told(stamps.of_anchors(anchors), tsa_ca)
        return
    if ledger is not None and (file is None or key is None):
        msg = "--ledger is what a report is held against, with --public-key"
        raise UsageError(msg, hint="keysweep verify REPORT --public-key HEX --ledger LEDGER.jsonl")
    if file is not None and key is not None:
        _alone(file, kept, key, ledger)
        stamps.told(stamps.of_anchors(anchors), tsa_ca)
        return
    with invocation.vault() as opened:
        if accept_restored:
            _accept(invocation, opened)
        _live(opened, kept, key)
        stamps.told(stamps.of_store(opened) + stamps.of_anchors(anchors), tsa_ca)
        if file is not None:
            _report(opened, file)


def _live(opened: OpenVault, kept: tuple[Signed, ...], key: bytes | None) -> None:
    from keysweep.foundation.clock import from_text
    from keysweep.foundation.errors import IntegrityError, UsageError
    from keysweep.foundation.folders import state_folder
    from keysweep.foundation.ledger.checkpoint import Checkpoint
    from keysweep.rotation.vault.integrity import check_ledger
    from keysweep.rotation.vault.watch import high_water

    try:
        known = [Checkpoint(**one._asdict() | {"at": from_text(one.at)}) for one in kept]
    except ValueError:
        msg = "a checkpoint that was kept elsewhere names no time"
        raise UsageError(msg) from None
    seen = high_water(opened, state_folder()).read()
    if key is not None and key not in opened.ring.public_keys:
        msg = "the store does not sign with that public key"
        raise IntegrityError(msg, hint="it is another store, or one that was made anew")
    checked = check_ledger(opened, known, [(seen.seq, seen.head)] if seen else [])
    click.echo(f"ledger    whole: {checked.entries} entries, signed checkpoints: {checked.checkpoints}")
    if checked.rows is not None:
        click.echo(f"rows      whole: {checked.rows} are what was written")
    click.echo(f"head      {checked.head.hex()}")


def _accept(invocation: Invocation, opened: OpenVault) -> None:
    """Write into the ledger that this copy is the store from now on, and let this machine forget the other one."""
    from keysweep.foundation.folders import state_folder
    from keysweep.foundation.ledger.chain import head
    from keysweep.foundation.ledger.mark import Mark
    from keysweep.rotation.vault.watch import high_water

    mark = high_water(opened, state_folder())
    before = mark.read()
    with opened.database.write() as connection:
        opened.ledger.append(
            connection,
            actor=invocation.actor,
            action="store.restored",
            subject="store",
            detail={"seen": before.seq if before else 0, "seen_head": before.head.hex() if before else ""},
        )
        mark.write(Mark(*head(connection)))


def _report(opened: OpenVault, file: Path) -> None:
    from keysweep.reports.verify import verify_report

    sealed = verify_report(file, opened.database, public_keys=opened.ring.signed_with)
    click.echo(f"report    {sealed.report_id} is as it was signed; it names ledger entry {sealed.ledger_seq}")


def _alone(file: Path, kept: tuple[Signed, ...], key: bytes, ledger: Path | None) -> None:
    """Check a report by the store's public key, and its ledger's head by what was taken elsewhere."""
    from keysweep.foundation.errors import IntegrityError
    from keysweep.foundation.ledger.verify import bad_checkpoint
    from keysweep.reports.verify import verify_alone

    sealed = verify_alone(file, public_key=key)
    click.echo(f"report    {sealed.report_id} is as it was signed; it names ledger entry {sealed.ledger_seq}")
    head = bytes.fromhex(sealed.ledger_head)
    if ledger is not None:
        _export(ledger, kept, key, reports=((sealed.ledger_seq, head),))
        return
    if (forged := bad_checkpoint(kept, (), key)) is not None:
        msg = f"the checkpoint at entry {forged[0]}: {forged[1]}"
        raise IntegrityError(msg)
    same = [one for one in kept if one.seq == sealed.ledger_seq]
    if any(one.head != head for one in same):
        msg = f"ledger entry {sealed.ledger_seq}: a checkpoint names another head than the report"
        raise IntegrityError(msg)
    click.echo(f"ledger    {'its head is that of a checkpoint' if same else 'not held against: --ledger FILE'}")


def _export(
    file: Path, kept: tuple[Signed, ...], key: bytes | None, *, reports: tuple[tuple[int, bytes], ...] = ()
) -> None:
    from keysweep.foundation.errors import IntegrityError, UsageError
    from keysweep.foundation.ledger.verify import bad_checkpoint, rows_of_export, verify

    try:
        rows = list(rows_of_export(file))
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise UsageError(msg) from error
    result = verify(rows, [*((one.seq, one.head) for one in kept), *reports])
    if result.bad is not None:
        msg = f"ledger entry {result.bad}: {result.why}"
        raise IntegrityError(msg)
    if (forged := bad_checkpoint(kept, rows, key)) is not None:
        msg = f"the checkpoint at entry {forged[0]}: {forged[1]}"
        raise IntegrityError(msg)
    click.echo(f"ledger    whole: {result.entries} entries, signed checkpoints: {len(kept)}")
    click.echo(f"head      {result.head.hex()}")


def _key(text: str | None) -> bytes | None:
    from keysweep.foundation.errors import UsageError

    try:
        return bytes.fromhex(text) if text else None
    except ValueError:
        msg = "--public-key is not hexadecimal"
        raise UsageError(msg) from None


def _kept(anchors: tuple[Path, ...]) -> tuple[Signed, ...]:
    from keysweep.foundation.errors import UsageError
    from keysweep.foundation.ledger.verify import checkpoints_of_anchor

    found: list[Signed] = []
    for path in anchors:
        try:
            found += [one for one, _ in checkpoints_of_anchor(path)]
        except OSError as error:
            msg = f"cannot read {path}: {error.strerror}"
            raise UsageError(msg) from error
        except ValueError:
            msg = f"{path} is no file of checkpoints"
            raise UsageError(msg, hint="keysweep audit checkpoint --to FILE") from None
    return tuple(found)


def _is_export(file: Path) -> bool:
    """Whether a file holds an exported ledger: by its name, or by its first line."""
    if file.suffix == ".jsonl":
        return True
    try:
        with file.open("rb") as stream:
            first = stream.readline(1 << 16)
    except OSError:
        return False
    return first.startswith(b"{") and b'"previous"' in first and b'"body"' in first
