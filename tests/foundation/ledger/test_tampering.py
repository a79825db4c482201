"""Whatever is done to a ledger of thirty entries is noticed, and the first bad entry is named: every byte, entry, pair and length."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import text

from keysweep.foundation.database.connect import Database
from keysweep.foundation.ledger import checkpoint
from keysweep.foundation.ledger.chain import Ledger, export
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.foundation.ledger.entry import Entry, entry_hash
from keysweep.foundation.ledger.mark import HighWater, Mark
from keysweep.foundation.ledger.verify import Row, Signed, bad_checkpoint, signature_holds, verify
from tests.fakes.engines import NOON, ticking

ENTRIES = 30
SIGNER = Signer(b"s" * 32)


def chain(count: int, *, start: Sequence[Row] = (), word: str = "thing") -> list[Row]:
    """A chain of *count* entries that goes on from *start*."""
    rows = list(start)
    for seq in range(len(rows) + 1, count + 1):
        previous = rows[-1].hash if rows else bytes(32)
        body = Entry(
            seq=seq, at=NOON, actor="cli:test", action=f"{word}.done", subject=f"{word} {seq}", detail={"n": seq}
        ).body()
        rows.append(Row(seq, body, previous, entry_hash(seq, previous, body)))
    return rows


ROWS = chain(ENTRIES)
ANCHOR = (ENTRIES, ROWS[-1].hash)


def flips(row: Row) -> Iterator[Row]:
    """The row with one bit of one byte of one column flipped, for each of them."""
    for bit in range(8):
        yield row._replace(seq=row.seq ^ (1 << bit))
    for at, bit in itertools.product(range(len(row.body)), range(8)):
        changed = bytearray(row.body.encode())
        changed[at] ^= 1 << bit
        yield row._replace(body=changed.decode("latin-1"))
    for column, at, bit in itertools.product(("previous", "hash"), range(32), range(8)):
        changed = bytearray(getattr(row, column))
        changed[at] ^= 1 << bit
        yield row._replace(**{column: bytes(changed)})


@pytest.mark.parametrize("place", range(ENTRIES))
def test_every_flipped_bit_of_every_column_is_named(place: int) -> None:
    """In the entry that it stands in.  What comes before is checked once: it is the same each time."""
    assert verify(ROWS[:place]).bad is None
    count = 0
    for changed in flips(ROWS[place]):
        found = verify([*ROWS[:place], changed, *ROWS[place + 1 :]], [ANCHOR])
        assert found.bad == place + 1, changed
        count += 1
    assert count == 8 * (1 + len(ROWS[place].body) + 64)


@pytest.mark.parametrize("place", range(ENTRIES))
def test_every_deletion_is_named(place: int) -> None:
    """The last one too, with an anchor."""
    assert verify([*ROWS[:place], *ROWS[place + 1 :]], [ANCHOR]).bad == place + 1


def test_every_swap_is_named() -> None:
    """Of two whole entries, and of two bodies."""
    for one, other in itertools.combinations(range(ENTRIES), 2):
        rows = list(ROWS)
        rows[one], rows[other] = rows[other], rows[one]
        assert verify(rows).bad == one + 1
        rows = list(ROWS)
        rows[one] = ROWS[one]._replace(body=ROWS[other].body)
        rows[other] = ROWS[other]._replace(body=ROWS[one].body)
        assert verify(rows).bad == one + 1


@pytest.mark.parametrize("length", range(ENTRIES))
def test_every_truncation_is_named_with_an_anchor(length: int) -> None:
    """The first entry that is not there."""
    assert verify(ROWS[:length]).bad is None
    found = verify(ROWS[:length], [ANCHOR])
    assert found.bad == length + 1
    assert "truncated" in found.why


def test_every_duplicate_is_named() -> None:
    """The place where an entry stands again."""
    for place in range(ENTRIES):
        assert verify([*ROWS[: place + 1], ROWS[place], *ROWS[place + 1 :]]).bad == place + 2


@pytest.mark.parametrize("fork", range(ENTRIES))
def test_every_fork_is_named_with_anchors(fork: int) -> None:
    """The first anchor that does not agree, and from where on the entries are in doubt."""
    anchors = [(seq, ROWS[seq - 1].hash) for seq in range(5, ENTRIES + 1, 5)]
    rows = chain(ENTRIES, start=ROWS[:fork], word="other")
    assert verify(rows).bad is None
    found = verify(rows, anchors)
    expected = fork // 5 * 5 + 5
    assert found.bad == expected
    assert f"entries {expected - 4} to {expected} are in doubt" in found.why


def filled(store: Database) -> Ledger:
    """Thirty entries in a store, which somebody can change."""
    ledger = Ledger(b"k" * 32, ticking())
    with store.write() as connection:
        for number in range(ENTRIES):
            ledger.append(connection, actor="a", action="b", subject=str(number))
        for statement in ("DROP TRIGGER ledger_refuses_update", "DROP TRIGGER ledger_refuses_delete"):
            connection.execute(text(statement))
    return ledger


def test_every_flipped_byte_of_every_mac_is_named(tmp_path: Path) -> None:
    """The column that only the store's key can check."""
    from keysweep.foundation.database.connect import open_database

    store = open_database(str(tmp_path / "s" / "store.db"), create=True)
    ledger = filled(store)
    with store.engine.connect() as connection:
        macs = {row.seq: row.mac for row in connection.execute(text("SELECT seq, mac FROM ledger"))}
        assert ledger.bad_mac(connection) is None
        for seq, at in itertools.product(range(1, ENTRIES + 1), range(32)):
            changed = bytearray(macs[seq])
            changed[at] ^= 1 << (at % 8)
            connection.execute(text("UPDATE ledger SET mac = :m WHERE seq = :s"), {"m": bytes(changed), "s": seq})
            assert ledger.bad_mac(connection) == seq
            connection.execute(text("UPDATE ledger SET mac = :m WHERE seq = :s"), {"m": macs[seq], "s": seq})
        connection.rollback()
    store.close()


def signed(rows: Sequence[Row], signer: Signer = SIGNER) -> Signed:
    """A checkpoint over *rows*."""
    seq, head, at = len(rows), rows[-1].hash, "2026-09-30T12:00:00.000000Z"
    statement = f"keysweep-checkpoint-v1\n{seq}\n{head.hex()}\n{at}\n".encode()
    return Signed(seq, head, at, signer.public_key, signer.sign(statement))


def test_every_flipped_byte_of_a_checkpoint_is_named() -> None:
    """Place, head, time, key and signature: all are signed, or name the signer."""
    good = signed(ROWS)
    assert bad_checkpoint([good], ROWS, SIGNER.public_key) is None
    for column in ("head", "public_key", "signature"):
        for at in range(len(getattr(good, column))):
            changed = bytearray(getattr(good, column))
            changed[at] ^= 1 << (at % 8)
            found = bad_checkpoint([good._replace(**{column: bytes(changed)})], ROWS, SIGNER.public_key)
            assert found is not None, (column, at)
            assert found[0] == ENTRIES
    for changed_one in (good._replace(seq=29), good._replace(at=good.at.replace("2026", "2027"))):
        assert bad_checkpoint([changed_one], ROWS, SIGNER.public_key) is not None


def test_the_key_of_a_stranger_is_not_believed() -> None:
    """Not even where no key is known beforehand, once another one has signed."""
    stranger = Signer(b"x" * 32)
    assert bad_checkpoint([signed(ROWS[:5]), signed(ROWS, stranger)], ROWS) == (30, "signed with another key")
    assert bad_checkpoint([signed(ROWS, stranger)], ROWS, SIGNER.public_key) == (30, "signed with another key")


def test_a_key_that_an_entry_hands_on_to_is_believed_from_there_on() -> None:
    """After a rotation of the master key the store signs with another key; the entry that says so is signed with the one before."""
    new = Signer(b"n" * 32)
    rows = chain(5)
    detail = {"generation": 2, "public_key": new.public_key.hex()}
    body = Entry(seq=6, at=NOON, actor="a", action="master.rotated", subject="store", detail=detail).body()
    rows.append(Row(6, body, rows[-1].hash, entry_hash(6, rows[-1].hash, body)))
    rows = chain(9, start=rows)
    good = [signed(rows[:3]), signed(rows[:6]), signed(rows[:8], new)]
    assert bad_checkpoint(good, rows, SIGNER.public_key) is None
    assert bad_checkpoint([signed(rows[:6], new)], rows, SIGNER.public_key) == (6, "signed with another key")
    assert bad_checkpoint([signed(rows[:8])], rows, SIGNER.public_key) == (8, "signed with another key")


# RFC 8032, section 7.1: public key, message, signature.  Written in pieces, so that nothing here looks like a key of ours.
VECTORS = [
    pytest.param(
        "d75a980182b10ab7 d54bfed3c964073a 0ee172f3daa62325 af021a68f707511a",
        "",
        "e5564300c360ac72 9086e2cc806e828a 84877f1eb8e5d974 d873e06522490155"
        "5fb8821590a33bac c61e39701cf9b46b d25bf5f0595bbe24 655141438e7a100b",
        id="test 1: empty",
    ),
    pytest.param(
        "3d4017c3e843895a 92b70aa74d1b7ebc 9c982ccf2ec4968c c0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8 720e820b5f642540 a2b27b5416503f8f b3762223ebdb69da"
        "085ac1e43e15996e 458f3613d0f11d8c 387b2eaeb4302aee b00d291612bb0c00",
        id="test 2: one byte",
    ),
    pytest.param(
        "fc51cd8e6218a1a3 8da47ed00230f058 0816ed13ba3303ac 5deb911548908025",
        "af82",
        "6291d657deec2402 4827e69c3abe01a3 0ce548a284743a44 5e3680d7db5ac3ac"
        "18ff9b538d16f290 ae67f760984dc659 4a7c15e9716ed28d c027beceea1ec40a",
        id="test 3: two bytes",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS)
def test_signatures_of_the_standard_hold(key: str, message: str, signature: str) -> None:
    """And no other: one bit of the message or of the signature makes them fail."""
    public, said, sign = (bytes.fromhex(part) for part in (key, message, signature))
    assert signature_holds(public, sign, said)
    assert not signature_holds(public, sign, said + b"\0")
    assert not signature_holds(public, bytes([sign[0] ^ 1]) + sign[1:], said)
    assert not signature_holds(public, sign[:-1] + bytes([sign[-1] ^ 0x40]), said)


def test_our_check_is_of_one_mind_with_the_library() -> None:
    """Signatures of `cryptography` over many messages; and S that is not reduced is refused (RFC 8032, 5.1.7)."""
    order = 2**252 + 27742317777372353535851937790883648493
    for number in range(12):
        key = Ed25519PrivateKey.from_private_bytes(bytes([number + 1]) * 32)
        public, message = key.public_key().public_bytes_raw(), bytes(number * 7)
        sign = key.sign(message)
        assert signature_holds(public, sign, message)
        assert not signature_holds(public, sign, message + b"x")
        s = int.from_bytes(sign[32:], "little") + order
        assert not signature_holds(public, sign[:32] + s.to_bytes(32, "little"), message)


@pytest.mark.parametrize("key", [b"", b"short", bytes(31), b"\xff" * 32, b"\x02" + bytes(31)])
def test_what_is_no_point_is_refused(key: bytes) -> None:
    """Never a crash."""
    assert not signature_holds(key, bytes(64), b"message")
    assert not signature_holds(SIGNER.public_key, key, b"message")


def test_the_mark_rises_and_notices_an_older_or_another_ledger(store: Database, tmp_path: Path) -> None:
    """On both engines; a file that is broken is no mark."""
    mark = HighWater(tmp_path, "tenant")
    ledger = Ledger(b"k" * 32, ticking())
    with store.read() as connection:
        assert mark.raise_to(connection)
    for number in range(3):
        with store.write() as connection:
            ledger.append(connection, actor="a", action="b", subject=str(number))
        with store.read() as connection:
            assert mark.raise_to(connection)
    seen = mark.read()
    assert seen is not None
    assert seen.seq == 3
    with store.read() as connection:
        for wrong in (Mark(4, seen.head), Mark(3, bytes(32)), Mark(2, seen.head)):
            mark.write(wrong)
            assert not mark.raise_to(connection)
            assert mark.read() == wrong, "the mark stays, or verify could not name it"
    (tmp_path / "marks" / "tenant.json").write_text("[" * 50_000)
    assert mark.read() is None


def test_a_checkpoint_of_the_store_is_read_by_the_single_file(store: Database) -> None:
    """The library's own statement and signature, checked without the library."""
    with store.write() as connection:
        Ledger(b"k" * 32, ticking()).append(connection, actor="a", action="b", subject="c")
        taken = checkpoint.take(connection, sign=SIGNER.sign, public_key=SIGNER.public_key, clock=ticking())
        rows = [
            Row(int(e["seq"]), str(e["body"]), bytes.fromhex(str(e["previous"])), bytes.fromhex(str(e["hash"])))
            for e in export(connection)
        ]
    one = Signed(taken.seq, taken.head, "2026-09-30T12:00:00.000000Z", taken.public_key, taken.signature)
    assert bad_checkpoint([one], rows, SIGNER.public_key) is None
