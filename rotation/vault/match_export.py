"""A list for runners that cannot reach the store: fingerprints and names, signed, and worth something with a match-only key only."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import Connection, select

from keysweep.foundation.clock import from_text, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.errors import IntegrityError, UsageError
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.rotation.vault import match_key
from keysweep.rotation.vault.index import exact_owner
from keysweep.rotation.vault.key_ids import owners
from keysweep.rotation.vault.match_file import MatchFile
from keysweep.scanner.key_ids import Shape, shape_of
from keysweep.scanner.known import CredentialMatch, KnownState, MatchKind

_SCHEMA = "keysweep.dev/match-list/v1"
_HEAD = b"{"
_LARGEST = 256 << 20


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ListedIds:
    """The providers' ids in a list: their shapes and fingerprints, never the ids."""

    shapes: frozenset[Shape]
    owners: Mapping[Fingerprint, CredentialMatch]

    def owner(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:  # noqa: ARG002  the seam's shape
        """Return the stored credential that an id names."""
        return self.owners.get(fingerprint)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A list that is whole and that this key opens."""

    fingerprinter: Fingerprinter
    owners: Mapping[Fingerprint, CredentialMatch]
    ids: ListedIds
    digest: bytes


def make_export(
    connection: Connection,
    fingerprinter: Fingerprinter,
    *,
    tenant: str,
    sign: Callable[[bytes], bytes],
    public_key: bytes,
    at: datetime,
) -> tuple[str, int]:
    """Return the text of a list and how many values it names."""
    digests = connection.execute(
        select(tables.version.c.fingerprint).distinct().order_by(tables.version.c.fingerprint)
    ).scalars()
    values = [
        _row(Fingerprint(digest), known)
        for digest in digests
        if (known := exact_owner(connection, Fingerprint(digest)))
    ]
    named = {key_id.encode(): known for key_id, known in owners(connection).items()}
    ids = sorted(_row(fingerprinter.of_bytes(key_id), known) for key_id, known in named.items())
    shapes = sorted({(shape.head.decode(), shape.length) for key_id in named if (shape := shape_of(key_id))})
    keys = {
        row.id: {"wrapped": base64.b64encode(row.wrapped).decode(), "expires_at": row.expires_at}
        for row in connection.execute(select(tables.match_key).where(tables.match_key.c.wrapped.is_not(None)))
    }
    body = json.dumps(
        {
            "schema": _SCHEMA,
            "store": tenant,
            "at": to_text(at),
            "keys": keys,
            "values": values,
            "ids": ids,
            "id_shapes": shapes,
        },
        sort_keys=True,
        separators=(",", ":"),
    )
    record = {
        "schema": _SCHEMA,
        "body": body,
        "public_key": public_key.hex(),
        "signature": sign(_statement(body)).hex(),
    }
    return json.dumps(record) + "\n", len(values)


def is_export(path: Path) -> bool:
    """Whether *path* begins as a list does; a SQLite store never does."""
    try:
        with path.open("rb") as file:
            return file.read(1) == _HEAD
    except OSError:
        return False


def read_export(path: Path, file: MatchFile, *, now: datetime) -> Listed:
    """Return the list of *path*, as far as the key of *file* opens it.

    Raises:
        UsageError: it cannot be read, or is no list.
        RevokedMatchKeyError: the key is not in the list, or has expired.
        IntegrityError: it is not what was signed.
    """
    record, body = _parsed(path)
    try:
        entry = body["keys"].get(file.id)
        if entry is None:
            raise match_key.not_here()
        opened = match_key.unwrap(
            file.key,
            base64.b64decode(entry["wrapped"]),
            identifier=file.id,
            tenant=body["store"],
            expires_at=entry["expires_at"],
        )
        if record["public_key"] != opened.public_key.hex():
            raise InvalidSignature
        signature = bytes.fromhex(record["signature"])
        Ed25519PublicKey.from_public_bytes(opened.public_key).verify(signature, _statement(record["body"]))
        if entry["expires_at"] is not None and from_text(entry["expires_at"]) <= now:
            raise match_key.expired(entry["expires_at"])
        values = dict(_owner(row, MatchKind.EXACT) for row in body["values"])
        ids = ListedIds(
            shapes=frozenset(Shape(head.encode(), length) for head, length in body.get("id_shapes", ())),
            owners=dict(_owner(row, MatchKind.KEY_ID) for row in body.get("ids", ())),
        )
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"the list {path} is not what was signed"
        raise IntegrityError(msg, hint="make it again: keysweep match export FILE") from error
    return Listed(
        fingerprinter=opened.fingerprinters[0],
        owners=values,
        ids=ids,
        digest=hashlib.sha256(record["body"].encode()).digest(),
    )


def _parsed(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        with path.open("rb") as stream:
            record = json.loads(stream.read(_LARGEST))
        body = json.loads(record["body"])
        if {record["schema"], body["schema"]} != {_SCHEMA}:
            raise ValueError
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise UsageError(msg) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = f"{path} is neither a store nor a list for match-only keys"
        raise UsageError(msg, hint="make one: keysweep match export FILE") from error
    return record, body


def _row(fingerprint: Fingerprint, known: CredentialMatch) -> list[Any]:
    dead = to_text(known.dead_since) if known.dead_since else None
    return [fingerprint.digest.hex(), known.name, known.provider, known.version, known.state.value, dead]


def _owner(row: list[Any], match: MatchKind) -> tuple[Fingerprint, CredentialMatch]:
    digest, name, provider, version, state, dead = row
    return Fingerprint(bytes.fromhex(digest)), CredentialMatch(
        name=name,
        provider=provider,
        version=version,
        state=KnownState(state),
        match=match,
        certainty=1.0,
        dead_since=from_text(dead) if dead else None,
    )


def _statement(body: str) -> bytes:
    return b"keysweep-match-list-v1\n" + body.encode()
