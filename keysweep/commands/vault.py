"""`keysweep vault`: what opens the store, and its master key."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from keysweep.commands._invocation import Invocation
from keysweep.commands._table import table

if TYPE_CHECKING:
    from keysweep.rotation.vault.slot_rows import SlotRow
    from keysweep.rotation.vault.slots import Means, Params
    from keysweep.rotation.vault.unlock import OpenVault

_KINDS = ("key-file", "systemd-credential", "keyring", "aws-kms", "passphrase")


@click.group()
def COMMAND() -> None:  # noqa: N802  the folder's index looks for this name
    """The slots that open the store, and its master key."""


@COMMAND.command("slots")
@click.option("--test", "test", is_flag=True, help="Try each slot that can be tried here, and record which opens.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def _slots(invocation: Invocation, *, test: bool, output: str) -> None:
    """List what opens the store: each slot wraps the same master key.

    Ends with 0 also where a slot cannot be tried here.
    """
    from keysweep.rotation.vault import slot_rows

    with invocation.vault() as opened:
        outcomes: dict[str, str | None] = {}
        if test:
            outcomes = _tested(opened, _means(invocation))
        with opened.database.read() as connection:
            rows = slot_rows.slots(connection)
        generation = opened.ring.current.number
    if output == "json":
        click.echo(json.dumps(_document(rows, outcomes, generation), indent=2))
        return
    lines = [
        (
            row.short,
            row.kind,
            row.label,
            row.created_at.date().isoformat(),
            row.tested_at.date().isoformat() if row.tested_at else "never",
            *([outcomes[row.id] or "opens"] if test else []),
        )
        for row in rows
    ]
    click.echo(table(("SLOT", "KIND", "LABEL", "ADDED", "SEEN TO OPEN", *(["NOW"] if test else [])), lines))
    click.echo(f"Master key: generation {generation}.", err=True)


@COMMAND.command("add-slot")
@click.argument("kind", metavar="KIND", type=click.Choice(_KINDS))
@click.option("--label", default="", help="What you call it.")
@click.option("--out", type=click.Path(), help="key-file: where the new key file is made.")
@click.option("--name", default="", help="systemd-credential: name in $CREDENTIALS_DIRECTORY.")
@click.option("--kms-key", default="", help="aws-kms: id, ARN or alias of the key.")
@click.option("--region", default="", help="aws-kms: region, if AWS's own settings do not say.")
@click.pass_obj
def _add_slot(
    invocation: Invocation, kind: str, label: str, out: str | None, name: str, kms_key: str, region: str
) -> None:
    """Let the store be opened in one more way.

    KIND is key-file, systemd-credential, keyring, aws-kms or passphrase.  A passphrase is asked for, or read from the file that
    KEYSWEEP_PASSPHRASE_FILE names.
    """
    from keysweep.foundation.errors import UsageError
    from keysweep.rotation.stated import checked
    from keysweep.rotation.vault import slot_rows

    if (kind == "key-file") != (out is not None):
        msg = "--out says where a new key file is made, and belongs to that kind alone"
        raise UsageError(msg, hint="keysweep vault add-slot key-file --out FILE")
    means = _means(invocation, wanted={"name": name, "key_id": kms_key, "region": region}, out=out)
    with invocation.vault() as opened:
        label = checked(opened, label, what="label")
        prepared = slot_rows.prepare(opened.ring.tenant, means, kind, label)
        with opened.database.write() as connection:
            slot = slot_rows.add_slot(connection, opened.ring, prepared, opened.clock())
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="slot.added",
                subject=slot.short,
                detail={"kind": kind, "label": label},
            )
        outcome = _try(opened, slot, means)
    click.echo(f"Added the slot {slot.short} ({kind}).", err=True)
    if outcome is not None:
        click.echo(f"It was not seen to open the store yet: {outcome}.  Next: keysweep vault slots --test", err=True)
    click.echo(slot.id)


@COMMAND.command("remove-slot")
@click.argument("slot")
@click.pass_obj
def _remove_slot(invocation: Invocation, slot: str) -> None:
    """Take a slot away; never the last one, and none without which nothing is left that was seen to open the store."""
    from keysweep.rotation.vault import slot_rows
    from keysweep.rotation.vault.slots import Place, kind

    means = _means(invocation)
    with invocation.vault() as opened:
        with opened.database.write() as connection:
            found = slot_rows.slot_named(connection, slot)
            slot_rows.remove_slot(connection, opened.ring, found, opened.clock())
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="slot.removed",
                subject=found.short,
                detail={"kind": found.kind, "label": found.label},
            )
        opened.database.forget_log()
        kind(found.kind).forget(means, Place(tenant=opened.ring.tenant, slot=found.id), found.params)
    click.echo(f"Removed the slot {found.short} ({found.kind}).", err=True)
    click.echo(
        "Whoever has its key and an old copy of the store can still open that copy."
        "  If its key is known to someone: keysweep vault rotate-master",
        err=True,
    )


@COMMAND.command("rekey-slot")
@click.argument("slot")
@click.option("--name", default="", help="systemd-credential: name of the new credential.")
@click.option("--kms-key", default="", help="aws-kms: another key than before.")
@click.option("--region", default="", help="aws-kms: region of that key.")
@click.pass_obj
def _rekey_slot(invocation: Invocation, slot: str, name: str, kms_key: str, region: str) -> None:
    """Give a slot a new key; only the master key is wrapped anew, so this is quick however much is stored.

    For a key file, name the file that the slot opens with --key-file.
    """
    from keysweep.rotation.vault import slot_rows

    wanted: Params = {key: value for key, value in (("name", name), ("key_id", kms_key), ("region", region)) if value}
    with invocation.vault() as opened:
        means = _means(invocation, wanted=wanted)
        with opened.database.read() as connection:
            found = slot_rows.slot_named(connection, slot)
        prepared = slot_rows.prepare_anew(opened.ring.tenant, means, found)
        with opened.database.write() as connection:
            slot_rows.replace_key(connection, opened.ring, prepared, opened.clock())
            opened.ledger.append(
                connection,
                actor=invocation.actor,
                action="slot.rekeyed",
                subject=found.short,
                detail={"kind": found.kind, "label": found.label},
            )
        prepared.made.done()
        opened.database.forget_log()
    click.echo(f"The slot {found.short} ({found.kind}) has a new key.", err=True)


@COMMAND.command("rotate-master")
@click.option(
    "--batch", type=click.IntRange(1, 10_000), default=500, show_default=True, help="Rows of one transaction."
)
@click.pass_obj
def _rotate_master(invocation: Invocation, batch: int) -> None:
    """Give the store a new master key: every value is sealed anew, every fingerprint carried on.

    May be killed at any moment: the next run goes on.  Agents, scans and rotations work meanwhile.  Every slot opens the
    store afterwards as before.
    """
    from keysweep.rotation.vault import rekey

    moved = 0

    def progress(count: int) -> None:
        nonlocal moved
        moved += count
        if sys.stderr.isatty() and not invocation.quiet:
            click.echo(f"\r{moved} rows moved", err=True, nl=False)

    with invocation.vault() as opened:
        rotated = rekey.rotate_master(opened, actor=invocation.actor, batch=batch, progress=progress)
    if moved and sys.stderr.isatty() and not invocation.quiet:
        click.echo("", err=True)
    again = "  It went on with what an earlier run had begun." if rotated.resumed else ""
    click.echo(
        f"Master key: generation {rotated.generation}; {rotated.values} values sealed and opened again.{again}",
        err=True,
    )
    click.echo("Old copies of the store still open with old keys: destroy them.", err=True)


def _means(invocation: Invocation, *, wanted: Params | None = None, out: str | None = None) -> Means:
    from dataclasses import replace
    from pathlib import Path

    from keysweep.commands._passphrase import asking
    from keysweep.rotation.vault.unlock import means_of

    means = means_of(invocation.settings, ask=asking())
    return replace(means, wanted=wanted or {}, key_file=Path(out) if out else means.key_file)


def _tested(opened: OpenVault, means: Means) -> dict[str, str | None]:
    from keysweep.rotation.vault import opening, slot_rows

    with opened.database.read() as connection:
        rows = slot_rows.slots(connection)
        outcomes = {
            row.id: None
            if row.id == opened.ring.slot
            else opening.opens(connection, opened.database, opened.ring.tenant, row, means)
            for row in rows
        }
    working = tuple(name for name, why in outcomes.items() if why is None)
    with opened.database.write() as connection:
        slot_rows.mark_tested(connection, opened.ring, working, opened.clock())
    return outcomes


def _try(opened: OpenVault, slot: SlotRow, means: Means) -> str | None:
    """Open a slot as it will be opened later; a passphrase was typed twice, or came from a file, and is not asked for again."""
    from dataclasses import replace

    from keysweep.rotation.vault import opening, slot_rows

    with opened.database.read() as connection:
        outcome = opening.opens(connection, opened.database, opened.ring.tenant, slot, replace(means, ask=None))
    if outcome is None:
        with opened.database.write() as connection:
            slot_rows.mark_tested(connection, opened.ring, (slot.id,), opened.clock())
    return outcome


def _document(rows: tuple[SlotRow, ...], outcomes: dict[str, str | None], generation: int) -> dict[str, object]:
    return {
        "schema": "keysweep.dev/slots/v1",
        "generation": generation,
        "slots": [
            {
                "id": row.id,
                "kind": row.kind,
                "label": row.label,
                "created_at": row.created_at.isoformat(),
                "tested_at": row.tested_at.isoformat() if row.tested_at else None,
                **({"opens": outcomes[row.id] is None, "why_not": outcomes[row.id]} if outcomes else {}),
            }
            for row in rows
        ],
    }
