"""One ledger entry and its canonical form.  `verify.py` states the same rules again, on its own, for auditors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from keysweep.foundation.clock import to_text

GENESIS = bytes(32)
"""What the first entry names as the hash before it."""

_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)

Detail = Mapping[str, str | int | bool | None]
"""Public facts of an entry.  No floats: their text differs between programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What happened once."""

    seq: int
    at: datetime
    actor: str
    """Who did it: `cli:root`, `agent:billing`, `engine`."""
    action: str
    """What, as noun and verb: `key.resolved`, `rotation.finished`."""
    subject: str
    """What it was done to: the name of a credential, agent or file."""
    detail: Detail
    rows: str = ""
    """How many statements about rows there were and the head of their chain; empty if no row was written with it."""

    def body(self) -> str:
        """Return the canonical JSON: sorted keys, no spaces, ASCII only."""
        return _JSON.encode(
            {
                "seq": self.seq,
                "at": to_text(self.at),
                "actor": self.actor,
                "action": self.action,
                "subject": self.subject,
                "detail": dict(self.detail),
                **({"rows": self.rows} if self.rows else {}),
            }
        )


def entry_hash(seq: int, previous: bytes, body: str) -> bytes:
    """Return SHA-256 over the place, the hash before and the body."""
    return hashlib.sha256(b"keysweep-ledger-v1\0" + seq.to_bytes(8, "big") + previous + body.encode("ascii")).digest()
