"""Check a report: its seal, and that the ledger still has the head that the report names."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import IntegrityError, UsageError
from keysweep.reports.seal import Seal, check, read, seal_path


def verify_report(file: Path, database: Database, *, public_key: bytes) -> Seal:
    """Return the seal of a report that is whole.

    Raises:
        UsageError: the file cannot be read, or has no seal.
        IntegrityError: the report, its seal, or the ledger behind it was changed.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise UsageError(msg) from error
    seal = read(seal_path(file))
    check(content, seal, public_key=public_key)
    with database.read() as connection:
        digest = connection.execute(select(tables.ledger.c.hash).where(tables.ledger.c.seq == seal.ledger_seq)).scalar()
    if seal.ledger_seq and (digest is None or digest.hex() != seal.ledger_head):
        msg = f"ledger entry {seal.ledger_seq}: it is not the one that the report names"
        raise IntegrityError(msg, hint="the store was restored from a copy, or its ledger was rewritten")
    return seal
