#!/usr/bin/env python3
"""Verify a keysweep ledger: standard library only, in one file, so that an auditor can read it and run it alone.

    python verify.py STORE.db            the ledger inside a store (SQLite)
    python verify.py LEDGER.jsonl        an export (`keysweep audit -o jsonl`)

Each entry's hash is SHA-256 over the text `keysweep-ledger-v1`, a zero byte, its place as eight bytes (big endian), the
hash of the entry before (32 bytes; zeros for the first) and its body (ASCII JSON).  The body repeats the place.  Checkpoints, where
present, state how long the ledger was and what its head was then; their signatures need the store's public key and are
checked by `keysweep verify`.  Exit status: 0 whole, 7 broken (the first bad entry is named), 2 not readable.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One entry as stored."""

    seq: int
    body: str
    previous: bytes
    hash: bytes


NO_ENTRY = Row(-1, "", b"", b"")
"""Stands for a line of an export that cannot be read; it is bad wherever it is."""


class Result(NamedTuple):
    """What was found."""

    entries: int
    head: bytes
    bad: int | None
    """Place of the first bad entry."""
    why: str


def verify(rows: Iterable[Row], anchors: Iterable[tuple[int, bytes]] = ()) -> Result:
    """Check a chain.

    Args:
        rows: the entries, in order.
        anchors: (place, head) pairs that are known from elsewhere: checkpoints, reports.
    """
    expected, previous = 1, bytes(32)
    known: dict[int, set[bytes]] = {}
    for seq, head in anchors:
        known.setdefault(seq, set()).add(head)
    for row in rows:
        why = _fault(row, expected, previous, known)
        if why:
            return Result(expected - 1, previous, expected, why)
        known.pop(row.seq, None)
        expected, previous = expected + 1, row.hash
    known.pop(0, None)
    if known:
        return Result(expected - 1, previous, expected, f"truncated: an anchor names entry {max(known)}")
    return Result(expected - 1, previous, None, "")


def _fault(row: Row, expected: int, previous: bytes, known: dict[int, set[bytes]]) -> str:
    if row == NO_ENTRY:
        return "the line is not what an export holds"
    if type(row.seq) is not int or row.seq != expected:
        return f"missing or out of order: found {row.seq!r}"
    if row.previous != previous:
        return "it does not follow the entry before"
    try:
        body = row.body.encode("ascii")
        place = json.loads(row.body)["seq"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "the body is not what a ledger holds"
    if type(place) is not int or place != row.seq:
        return "the body belongs to another place"
    if hashlib.sha256(b"keysweep-ledger-v1\0" + row.seq.to_bytes(8, "big") + previous + body).digest() != row.hash:
        return "the body was changed"
    if known.get(row.seq, {row.hash}) != {row.hash}:
        return "forked: an anchor names another head here"
    return ""


def rows_of_store(path: Path) -> tuple[list[Row], list[tuple[int, bytes]]]:
    """Read the entries and the checkpoints of a SQLite store."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        rows = [Row(*r) for r in connection.execute("SELECT seq, body, previous, hash FROM ledger ORDER BY seq")]
        anchors = [(int(s), h) for s, h in connection.execute("SELECT seq, head FROM checkpoint")]
    finally:
        connection.close()
    return rows, anchors


def rows_of_export(path: Path) -> Iterator[Row]:
    """Read the entries of an export: JSON Lines with `body`, `previous` and `hash` (hexadecimal)."""
    with path.open(encoding="ascii", errors="backslashreplace") as lines:
        for line in lines:
            try:
                record = json.loads(line)
                hashes = bytes.fromhex(record["previous"]), bytes.fromhex(record["hash"])
                yield Row(record["seq"], record["body"], *hashes)
            except (ValueError, KeyError, TypeError, RecursionError):
                yield NO_ENTRY


def main(arguments: list[str]) -> int:
    """Verify the file that is named on the command line."""
    if len(arguments) != 1:
        sys.stderr.write("usage: verify.py STORE.db | LEDGER.jsonl\n")
        return 2
    path = Path(arguments[0])
    try:
        with path.open("rb") as file:
            is_store = file.read(15) == b"SQLite format 3"
        rows, anchors = rows_of_store(path) if is_store else (list(rows_of_export(path)), [])
    except (OSError, ValueError, TypeError, sqlite3.Error) as error:
        sys.stderr.write(f"cannot read {path}: {type(error).__name__}\n")
        return 2
    result = verify(rows, anchors)
    if result.bad is not None:
        sys.stdout.write(f"BROKEN at entry {result.bad}: {result.why}\n")
        return 7
    sys.stdout.write(f"whole: {result.entries} entries, head {result.head.hex()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
