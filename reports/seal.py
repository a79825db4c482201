"""Seal a report: a detached document, signed, that names the file's digest and the ledger's head."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from keysweep.foundation.errors import IntegrityError, UsageError

_SCHEMA = "keysweep.dev/report-seal/v1"
_FIELDS = ("schema", "report_id", "sha256", "size", "ledger_seq", "ledger_head", "public_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What is stated about a report."""

    report_id: str
    sha256: str
    size: int
    ledger_seq: int
    ledger_head: str
    public_key: str
    signature: str

    def statement(self) -> bytes:
        """Return what is signed: canonical JSON without the signature."""
        stated = {"schema": _SCHEMA} | {name: getattr(self, name) for name in _FIELDS[1:]}
        return json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()

    def text(self) -> str:
        """Return the seal file."""
        return json.dumps(json.loads(self.statement()) | {"signature": self.signature}, indent=1, sort_keys=True) + "\n"


def seal_path(report: Path) -> Path:
    """Return where the seal of *report* lies: beside it."""
    return report.with_name(report.name + ".seal.json")


def make(
    content: bytes,
    *,
    report_id: str,
    ledger_seq: int,
    ledger_head: bytes,
    sign: Callable[[bytes], bytes],
    public_key: bytes,
) -> Seal:
    """Return the signed seal of a report's bytes."""
    unsigned = Seal(
        report_id=report_id,
        sha256=hashlib.sha256(content).hexdigest(),
        size=len(content),
        ledger_seq=ledger_seq,
        ledger_head=ledger_head.hex(),
        public_key=public_key.hex(),
        signature="",
    )
    from dataclasses import replace

    return replace(unsigned, signature=sign(unsigned.statement()).hex())


def read(path: Path) -> Seal:
    """Read a seal file.

    Raises:
        UsageError: there is none.
        IntegrityError: it is not a seal.
    """
    try:
        record: object = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"the report has no seal beside it ({path.name})"
        raise UsageError(msg) from error
    except ValueError:
        record = None
    if not isinstance(record, dict) or record.get("schema") != _SCHEMA:
        msg = f"{path.name} is not a seal"
        raise IntegrityError(msg)
    try:
        return Seal(
            **{name: str(record[name]) for name in ("report_id", "sha256", "ledger_head", "public_key", "signature")},
            size=int(record["size"]),
            ledger_seq=int(record["ledger_seq"]),
        )
    except (KeyError, ValueError, TypeError):
        msg = f"{path.name} is not a whole seal"
        raise IntegrityError(msg) from None


def check(content: bytes, seal: Seal, *, public_key: bytes) -> None:
    """Check a report against its seal.

    Raises:
        IntegrityError: names what is wrong.
    """
    if seal.public_key != public_key.hex():
        msg = "the seal was made with another store's key"
        raise IntegrityError(msg)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(bytes.fromhex(seal.signature), seal.statement())
    except (InvalidSignature, ValueError):
        msg = "the seal's signature is wrong"
        raise IntegrityError(msg) from None
    if len(content) != seal.size or hashlib.sha256(content).hexdigest() != seal.sha256:
        msg = f"the report is not the one that was sealed as {seal.report_id}"
        raise IntegrityError(msg)
