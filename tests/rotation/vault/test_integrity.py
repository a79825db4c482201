"""`check_ledger` proves what the store alone can prove: hashes, the store's own key, signed checkpoints."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, text

from keysweep.foundation.clock import to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError
from keysweep.foundation.ledger import checkpoint
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.foundation.ledger.entry import Entry, entry_hash
from keysweep.rotation.vault.integrity import check_ledger
from keysweep.rotation.vault.unlock import OpenVault
from tests.fakes.engines import NOON


@pytest.fixture
def ledger(opened_sqlite: OpenVault) -> OpenVault:
    """Four entries, a checkpoint at the third, and triggers that somebody dropped."""
    opened = opened_sqlite
    with opened.database.write() as connection:
        for number in range(2):
            opened.ledger.append(connection, actor="test", action="thing.done", subject=str(number))
        checkpoint.take(connection, sign=opened.signer.sign, public_key=opened.signer.public_key, clock=opened.clock)
        opened.ledger.append(connection, actor="test", action="thing.done", subject="last")
        connection.execute(text("DROP TRIGGER ledger_refuses_update"))
        connection.execute(text("DROP TRIGGER ledger_refuses_delete"))
    return opened


def test_a_whole_ledger_says_how_long_it_is(ledger: OpenVault) -> None:
    """Entries, head and the number of signed checkpoints."""
    found = check_ledger(ledger)
    assert (found.entries, found.checkpoints) == (4, 1)
    assert len(found.head) == 32


def _rewrite(connection: Connection, start: int) -> None:
    """Rebuild the chain from *start* on, all hashes right, as whoever holds the database can."""
    rows = connection.execute(text("SELECT seq, body, previous FROM ledger ORDER BY seq")).all()
    previous = rows[start - 1].previous
    for row in rows[start - 1 :]:
        body = Entry(seq=row.seq, at=NOON, actor="nobody", action="was.here", subject="", detail={}).body()
        digest = entry_hash(row.seq, previous, body)
        connection.execute(
            text("UPDATE ledger SET body = :b, previous = :p, hash = :h WHERE seq = :s"),
            {"b": body, "p": previous, "h": digest, "s": row.seq},
        )
        previous = digest


def _foreign_checkpoint(connection: Connection) -> None:
    signer = Signer(b"f" * 32)
    row = connection.execute(text("SELECT seq, hash FROM ledger WHERE seq = 4")).one()
    statement = f"keysweep-checkpoint-v1\n4\n{row.hash.hex()}\n{to_text(NOON)}\n".encode()
    connection.execute(
        insert(tables.checkpoint).values(
            seq=4, head=row.hash, at=to_text(NOON), public_key=signer.public_key, signature=signer.sign(statement)
        )
    )


def _do(statement: str) -> Callable[[Connection], None]:
    def run(connection: Connection) -> None:
        connection.execute(text(statement))

    return run


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        pytest.param(
            _do("UPDATE ledger SET body = replace(body, 'thing', 'other') WHERE seq = 2"), "entry 2", id="a body"
        ),
        pytest.param(_do("DELETE FROM ledger WHERE seq = 2"), "entry 2", id="a deletion"),
        pytest.param(_do("DELETE FROM ledger WHERE seq > 2"), "entry 3", id="truncation behind a checkpoint"),
        pytest.param(lambda c: _rewrite(c, 2), "entry 2", id="history rewritten across a checkpoint"),
        pytest.param(lambda c: _rewrite(c, 4), "entry 4", id="an end rewritten without the store's key"),
        pytest.param(_do("UPDATE ledger SET mac = zeroblob(32) WHERE seq = 3"), "entry 3", id="a MAC"),
        pytest.param(_do("UPDATE checkpoint SET signature = zeroblob(64)"), "entry 3", id="a signature"),
        pytest.param(_do("UPDATE checkpoint SET at = '2026-01-01T00:00:00.000000Z'"), "entry 3", id="a signed time"),
        pytest.param(_foreign_checkpoint, "another key", id="a checkpoint of another key"),
    ],
)
def test_tampering_is_named(ledger: OpenVault, tamper: Callable[[Connection], None], says: str) -> None:
    """Exit 7, and the first bad entry."""
    with ledger.database.write() as connection:
        tamper(connection)
    with pytest.raises(IntegrityError, match=says) as caught:
        check_ledger(ledger)
    assert caught.value.exit_code == 7
