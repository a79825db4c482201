"""Check a report: its seal, and that the ledger still has the head that the report names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import select

from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import IntegrityError, UsageError
from keysweep.reports.seal import Seal, check, read, seal_path


def verify_report(file: Path, database: Database, *, public_keys: Callable[[int], tuple[bytes, ...]]) -> Seal:
    """Return the seal of a report that is whole.

    Args:
        file: the report.
        database: the store.
        public_keys: which keys the store signed with when its ledger had so many entries.

    Raises:
        UsageError: the file cannot be read, or has no seal.
        IntegrityError: the report, its seal, or the ledger behind it was changed.
    """
    content, seal = _both(file)
    keys = public_keys(seal.ledger_seq)
    check(content, seal, public_key=next((key for key in keys if key.hex() == seal.public_key), keys[0]))
    with database.read() as connection:
        digest = connection.execute(select(tables.ledger.c.hash).where(tables.ledger.c.seq == seal.ledger_seq)).scalar()
    if seal.ledger_seq and (digest is None or digest.hex() != seal.ledger_head):
        msg = f"ledger entry {seal.ledger_seq}: it is not the one that the report names"
        raise IntegrityError(msg, hint="the store was restored from a copy, or its ledger was rewritten")
    return seal


def verify_alone(file: Path, *, public_key: bytes) -> Seal:
    """Return the seal of a report that is whole, without the store: what an auditor can do who knows its public key.

    Raises:
        UsageError: the file cannot be read, or has no seal.
        IntegrityError: the report or its seal was changed, or another key made it.
    """
    content, seal = _both(file)
    check(content, seal, public_key=public_key)
    return seal


def _both(file: Path) -> tuple[bytes, Seal]:
    try:
        content = file.read_bytes()
    except OSError as error:
        msg = f"cannot read {file}: {error.strerror}"
        raise UsageError(msg) from error
    return content, read(seal_path(file))
