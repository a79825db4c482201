"""The high-water mark: how far this machine has seen a store's ledger, so that an old copy put in its place is noticed."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple, final

from sqlalchemy import Connection, select

from keysweep.foundation.database import tables
from keysweep.foundation.ledger.chain import head


class Mark(NamedTuple):
    """The ledger was at least this long, and had this hash there."""

    seq: int
    head: bytes


@final
class HighWater:
    """The mark of one store, in a file of this user.

    Args:
        folder: of this machine's state.
        tenant: name of the store.
    """

    __slots__ = ("_path",)

    def __init__(self, folder: Path, tenant: str) -> None:
        self._path = folder / "marks" / f"{tenant}.json"

    def read(self) -> Mark | None:
        """Return the mark; None if this machine has seen nothing yet."""
        try:
            record = json.loads(self._path.read_bytes())
            return Mark(int(record["seq"]), bytes.fromhex(record["head"]))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def raise_to(self, connection: Connection) -> bool:
        """Note how long the ledger is now; return False, and leave the mark, if it is not the one that was seen before."""
        known, now = self.read(), Mark(*head(connection))
        if known is not None and known.seq:
            there = connection.execute(select(tables.ledger.c.hash).where(tables.ledger.c.seq == known.seq)).scalar()
            if there != known.head:
                return False
        if known != now:
            self.write(now)
        return True

    def write(self, mark: Mark) -> None:
        """Put the mark down whatever it was; where that is not possible there is none."""
        beside = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                json.dump({"seq": mark.seq, "head": mark.head.hex()}, file)
            beside.replace(self._path)
        except OSError:
            return
