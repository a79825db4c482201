"""Signed statements of the ledger's length and head: whoever keeps one notices a truncated or forked ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy import Connection, insert, select

from keysweep.foundation.clock import Clock, from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger.chain import head


@final
class Signer:
    """The store's signing key.

    Args:
        seed: 32 bytes, derived for this use alone.
    """

    __slots__ = ("_key", "public_key")

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: bytes = self._key.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the Ed25519 signature of *message*, 64 bytes."""
        return self._key.sign(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The ledger was this long and had this head."""

    seq: int
    head: bytes
    at: datetime
    public_key: bytes
    signature: bytes

    def statement(self) -> bytes:
        """Return what is signed."""
        return _statement(self.seq, self.head, to_text(self.at))

    def check(self) -> None:
        """Check the signature.

        Raises:
            IntegrityError: it is not that of the public key.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(self.signature, self.statement())
        except (InvalidSignature, ValueError) as error:
            msg = f"the checkpoint at entry {self.seq} has a bad signature"
            raise IntegrityError(msg) from error


def take(connection: Connection, *, sign: Callable[[bytes], bytes], public_key: bytes, clock: Clock) -> Checkpoint:
    """Sign the ledger as it stands and keep the statement; the same head is signed once."""
    seq, digest = head(connection)
    for known in checkpoints(connection):
        if known.seq == seq:
            return known
    at = clock()
    signed = Checkpoint(
        seq=seq, head=digest, at=at, public_key=public_key, signature=sign(_statement(seq, digest, to_text(at)))
    )
    connection.execute(
        insert(tables.checkpoint).values(
            seq=seq, head=digest, at=to_text(at), public_key=public_key, signature=signed.signature
        )
    )
    return signed


def checkpoints(connection: Connection) -> tuple[Checkpoint, ...]:
    """Return every checkpoint, oldest first."""
    return tuple(
        Checkpoint(seq=row.seq, head=row.head, at=from_text(row.at), public_key=row.public_key, signature=row.signature)
        for row in connection.execute(select(tables.checkpoint).order_by(tables.checkpoint.c.seq))
    )


def _statement(seq: int, head_: bytes, at: str) -> bytes:
    return f"keysweep-checkpoint-v1\n{seq}\n{head_.hex()}\n{at}\n".encode()
