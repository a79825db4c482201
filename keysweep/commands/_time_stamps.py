"""What `keysweep verify` says of time stamps: those that the store keeps and those that stand in anchors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keysweep.foundation.ledger.verify import Signed
    from keysweep.rotation.vault.unlock import OpenVault

    Stamp = tuple[Signed, bytes, str]
    """A checkpoint, the authority's answer, and where it comes from."""


def of_store(opened: OpenVault) -> list[Stamp]:
    """Return the time stamps that the store keeps."""
    from keysweep.foundation.ledger.anchor import receipts
    from keysweep.foundation.ledger.checkpoint import checkpoints
    from keysweep.foundation.ledger.time_stamp import as_signed

    with opened.database.read() as connection:
        signed = {one.seq: as_signed(one) for one in checkpoints(connection)}
        return [(signed[seq], answer, place) for (seq, place), answer in receipts(connection).items()]


def of_anchors(paths: tuple[Path, ...]) -> list[Stamp]:
    """Return the time stamps of files that were kept elsewhere, and that were read before."""
    from keysweep.foundation.ledger.verify import checkpoints_of_anchor

    return [(one, answer, str(path)) for path in paths for one, answer in checkpoints_of_anchor(path) if answer]


def told(stamps: list[Stamp], ca: Path | None) -> None:
    """Check time stamps and say what they prove.

    Raises:
        IntegrityError: one is not over its checkpoint, or not by an authority that is trusted.
    """
    from keysweep.foundation.errors import IntegrityError
    from keysweep.foundation.ledger.time_stamp import TimeStampError, authorities, check

    roots = authorities(ca) if ca else None
    for one, answer, place in stamps:
        try:
            at = check(answer, one, roots)
        except TimeStampError as error:
            msg = f"the time stamp over entry {one.seq} ({place}): {error.message}"
            raise IntegrityError(msg) from error
        word = "existed at" if roots else "is said to have existed at"
        click.echo(f"stamp     entry {one.seq} {word} {at:%F %T} UTC, {place}")
    if stamps and roots is None:
        click.echo("          by whom was not checked: --tsa-ca FILE")
