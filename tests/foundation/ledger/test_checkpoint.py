"""Signed checkpoints: whoever keeps one can prove what the ledger said then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger.chain import Ledger
from keysweep.foundation.ledger.checkpoint import Checkpoint, Signer, checkpoints, take
from tests.fakes.engines import NOON, ticking

SIGNER = Signer(b"s" * 32)


@pytest.fixture
def taken(store: Database) -> Checkpoint:
    """A checkpoint over one entry."""
    with store.write() as connection:
        Ledger(b"k" * 32, ticking()).append(connection, actor="a", action="b", subject="c")
        return take(connection, sign=SIGNER.sign, public_key=SIGNER.public_key, clock=lambda: NOON)


def test_the_statement_is_what_the_documentation_says(taken: Checkpoint) -> None:
    """Another program can check it: Ed25519 over five lines of text."""
    statement = f"keysweep-checkpoint-v1\n1\n{taken.head.hex()}\n2026-09-30T12:00:00.000000Z\n".encode()
    Ed25519PublicKey.from_public_bytes(SIGNER.public_key).verify(taken.signature, statement)


def test_it_is_kept_and_read_back(store: Database, taken: Checkpoint) -> None:
    """With everything that its check needs."""
    with store.read() as connection:
        assert (taken,) == checkpoints(connection)
    taken.check()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"seq": 2}, id="another length"),
        pytest.param({"head": bytes(32)}, id="another head"),
        pytest.param({"at": NOON + timedelta(microseconds=1)}, id="another time"),
        pytest.param({"public_key": Signer(b"t" * 32).public_key}, id="another key"),
        pytest.param({"public_key": b"short"}, id="no key"),
        pytest.param({"signature": bytes(64)}, id="no signature"),
        pytest.param({"signature": b""}, id="an empty signature"),
    ],
)
def test_a_changed_one_is_refused(taken: Checkpoint, change: dict[str, object]) -> None:
    """Every field is signed; exit 7."""
    with pytest.raises(IntegrityError, match="bad signature"):
        replace(taken, **change).check()  # type: ignore[arg-type]


def test_the_same_head_is_signed_once(store: Database, taken: Checkpoint) -> None:
    """Asking again gives the statement that is there; a new entry gives a new one."""
    with store.write() as connection:
        again = take(
            connection, sign=SIGNER.sign, public_key=SIGNER.public_key, clock=ticking(NOON + timedelta(days=1))
        )
        assert taken == again
        Ledger(b"k" * 32, ticking()).append(connection, actor="a", action="b", subject="c")
        take(connection, sign=SIGNER.sign, public_key=SIGNER.public_key, clock=ticking())
        assert [known.seq for known in checkpoints(connection)] == [1, 2]
