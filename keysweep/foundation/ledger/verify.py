#!/usr/bin/env python3
"""Verify a keysweep ledger: standard library only, in one file, so that an auditor can read it and run it alone.

    python verify.py STORE.db [ANCHOR...]        the ledger inside a store (SQLite)
    python verify.py LEDGER.jsonl [ANCHOR...]    an export (`keysweep audit -o jsonl`)
    --time-stamps FOLDER                         write the anchors' time stamps (RFC 3161) there, for openssl to check

Each entry's hash is SHA-256 over the text `keysweep-ledger-v1`, a zero byte, its place as eight bytes (big endian), the
hash of the entry before (32 bytes; zeros for the first) and its body (ASCII JSON).  The body repeats the place.

A checkpoint is an Ed25519 signature over five lines: `keysweep-checkpoint-v1`, the number of entries, the hash of the last
one (hexadecimal), the time, and an empty one.  An ANCHOR is a file of checkpoints that was kept elsewhere (`keysweep audit
checkpoint`): a JSON object a line, also behind the head of a syslog record.  Without one nobody can tell a ledger that was
cut, or a store that was put back from a backup, from one that is young.  The first key that signed is taken as the store's;
say `--key HEX` if you know it.  A later key is believed if an entry that the key before signed names it.

Exit status: 0 whole, 7 broken (the first bad entry is named), 2 not readable.
"""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One entry as stored."""

    seq: int
    body: str
    previous: bytes
    hash: bytes


class Signed(NamedTuple):
    """A checkpoint: the ledger was this long and had this head."""

    seq: int
    head: bytes
    at: str
    public_key: bytes
    signature: bytes


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
    expected, previous, agreed = 1, bytes(32), 0
    known: dict[int, set[bytes]] = {}
    for seq, head in anchors:
        known.setdefault(seq, set()).add(head)
    for row in rows:
        why = _fault(row, expected, previous)
        if not why and known.get(row.seq, {row.hash}) != {row.hash}:
            why = f"forked: an anchor names another head here; entries {agreed + 1} to {row.seq} are in doubt"
        if why:
            return Result(expected - 1, previous, expected, why)
        agreed = row.seq if known.pop(row.seq, None) else agreed
        expected, previous = expected + 1, row.hash
    known.pop(0, None)
    if known:
        return Result(expected - 1, previous, expected, f"truncated: an anchor names entry {max(known)}")
    return Result(expected - 1, previous, None, "")


def _fault(row: Row, expected: int, previous: bytes) -> str:
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
    return ""


def bad_checkpoint(signed: Iterable[Signed], rows: Iterable[Row], key: bytes | None = None) -> tuple[int, str] | None:
    """Return the first checkpoint that was not signed by the store, None if all were.

    Args:
        signed: checkpoints of the store and of anchors.
        rows: the entries, whose chain is whole.
        key: the store's public key; None to take that of the first checkpoint.
    """
    handed_on = [(row.seq, new) for row in rows if (new := _new_key(row.body))]
    for one in sorted(signed, key=lambda one: one.seq):
        key = one.public_key if key is None else key
        while handed_on and handed_on[0][0] < one.seq:
            key = handed_on.pop(0)[1]
        if one.public_key != key:
            return one.seq, "signed with another key"
        if not signature_holds(one.public_key, one.signature, _statement(one)):
            return one.seq, "its signature is bad"
    return None


def stamped(one: Signed) -> bytes:
    """Return what a time stamp over a checkpoint is over: its statement, and the signature as a sixth line."""
    return _statement(one) + f"{one.signature.hex()}\n".encode()


def _statement(one: Signed) -> bytes:
    return f"keysweep-checkpoint-v1\n{one.seq}\n{one.head.hex()}\n{one.at}\n".encode()


def _new_key(body: str) -> bytes | None:
    """Return the public key that an entry hands the store on to."""
    if '"master.rotated"' not in body:
        return None
    record = json.loads(body)
    if record.get("action") != "master.rotated":
        return None
    try:
        return bytes.fromhex(record["detail"]["public_key"])
    except (KeyError, TypeError, ValueError):
        return None


# --- Ed25519 (RFC 8032, section 5.1), for checking only: nothing here is secret, so that time need not be constant.

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T): x = X/Z, y = Y/Z, x*y = T/Z."""


def signature_holds(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """Whether *signature* over *message* is that of *public_key*: S*B = R + k*A."""
    a, r = _point(public_key), _point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or len(signature) != 64 or s >= _L:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % _L
    left, right = _times(s, _BASE), _plus(r, _times(k, a))
    return (left[0] * right[2] - right[0] * left[2]) % _P == 0 and (left[1] * right[2] - right[1] * left[2]) % _P == 0


def _plus(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(scalar: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while scalar:
        if scalar & 1:
            total = _plus(total, point)
        point, scalar = _plus(point, point), scalar >> 1
    return total


def _point(encoded: bytes) -> Point | None:
    """Read a point: y in 255 bits, and the lowest bit of x."""
    if len(encoded) != 32:
        return None
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if (x * x - square) % _P or (x == 0 and sign):
        return None
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_BASE: Point = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or (0, 1, 1, 0)

# --- Files.


def rows_of_store(path: Path) -> tuple[list[Row], list[Signed]]:
    """Read the entries and the checkpoints of a SQLite store."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    try:
        rows = [Row(*r) for r in connection.execute("SELECT seq, body, previous, hash FROM ledger ORDER BY seq")]
        query = "SELECT seq, head, at, public_key, signature FROM checkpoint ORDER BY seq"
        signed = [Signed(*r) for r in connection.execute(query)]
    finally:
        connection.close()
    kinds = (int, bytes, str, bytes, bytes)
    if any(type(value) is not kind for one in signed for value, kind in zip(one, kinds, strict=True)):
        raise TypeError
    return rows, signed


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


def checkpoints_of_anchor(path: Path) -> list[tuple[Signed, bytes]]:
    """Read the checkpoints of a file that was kept elsewhere, each with its time stamp or nothing; a line that was cut is left out.

    Raises:
        ValueError: another line is not one, or there is none at all.
    """
    found: list[tuple[Signed, bytes]] = []
    for line in path.read_text(encoding="utf-8", errors="backslashreplace").splitlines():
        if "{" not in line or not line.rstrip().endswith("}"):
            continue
        try:
            record: dict[str, Any] = json.loads(line[line.index("{") :])
            parts = [bytes.fromhex(record[name]) for name in ("head", "public_key", "signature")]
            one = Signed(int(record["seq"]), parts[0], str(record["at"]), parts[1], parts[2])
            found.append((one, base64.b64decode(record.get("time_stamp", ""), validate=True)))
        except (KeyError, TypeError, OverflowError, RecursionError) as error:
            raise ValueError(line[:20]) from error
    if not found:
        msg = f"{path} is no file of checkpoints"
        raise ValueError(msg)
    return found


def main(arguments: list[str]) -> int:
    """Verify the file that is named on the command line."""
    key, folder = None, None
    while len(arguments) > 1 and arguments[0] in {"--key", "--time-stamps"}:
        key = bytes.fromhex(arguments[1]) if arguments[0] == "--key" else key
        folder = Path(arguments[1]) if arguments[0] == "--time-stamps" else folder
        arguments = arguments[2:]
    if not arguments:
        sys.stderr.write("usage: verify.py [--key HEX] [--time-stamps FOLDER] STORE.db|LEDGER.jsonl [ANCHOR...]\n")
        return 2
    try:
        path, *others = map(Path, arguments)
        with path.open("rb") as file:
            is_store = file.read(15) == b"SQLite format 3"
        rows, signed = rows_of_store(path) if is_store else (list(rows_of_export(path)), [])
        kept = [pair for other in others for pair in checkpoints_of_anchor(other)]
        signed += [one for one, _ in kept]
    except (OSError, ValueError, TypeError, sqlite3.Error) as error:
        sys.stderr.write(f"cannot read {' '.join(arguments)}: {type(error).__name__}\n")
        return 2
    result = verify(rows, [(one.seq, one.head) for one in signed])
    broken = "" if result.bad is None else f"{result.bad}: {result.why}"
    if not broken and (forged := bad_checkpoint(signed, rows, key)) is not None:
        broken = f"{forged[0]}: the checkpoint: {forged[1]}"
    if broken:
        sys.stdout.write(f"BROKEN at entry {broken}\n")
        return 7
    sys.stdout.write(f"whole: {result.entries} entries, {len(signed)} signed checkpoints, head {result.head.hex()}\n")
    for number, (one, answer) in enumerate((pair for pair in kept if pair[1]), 1):
        path = (folder or Path()) / f"entry-{one.seq}-{number}.tsr"
        if folder:
            path.write_bytes(answer)
        digest = hashlib.sha256(stamped(one)).hexdigest()
        sys.stdout.write(f"not checked here: openssl ts -verify -digest {digest} -in {path} -CAfile AUTHORITY.pem\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
