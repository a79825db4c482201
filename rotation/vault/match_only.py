"""What a match-only key opens: a store, or an exported list, that answers exact matches and nothing else."""

from __future__ import annotations

import platform
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, final

from sqlalchemy import insert, select
from sqlalchemy.exc import SQLAlchemyError

from keysweep.foundation.clock import Clock, from_text, system_clock, to_text
from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database, StoreMissingError, StoreUnusableError, open_database
from keysweep.foundation.errors import DeniedError
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.foundation.settings import Settings
from keysweep.rotation.vault import match_key
from keysweep.rotation.vault.index import exact_owner, inventory_digest
from keysweep.rotation.vault.key_ids import StoredIds
from keysweep.rotation.vault.match_export import Listed, is_export, read_export
from keysweep.rotation.vault.match_file import MatchFile
from keysweep.scanner.key_ids import Shape
from keysweep.scanner.known import CredentialMatch, KnownKeys, NoKnownKeys, Recognised, Resemblance, Unshaped


class Ids(Protocol):
    """Answers for the providers' ids of stored values."""

    @property
    def shapes(self) -> frozenset[Shape]:
        """What they look like."""
        ...

    def owner(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:
        """Return the stored credential that an id names."""
        ...


@final
class ExactMatches:
    """`KnownKeys` that knows whole values and whole ids only: no parts, no images, no masked forms.

    Args:
        owner: answers for one fingerprint.
        digest: of the inventory that answers.
        ids: what answers for the providers' ids.
    """

    def __init__(
        self, owner: Callable[[Fingerprint], CredentialMatch | None], digest: Callable[[], str], ids: Ids
    ) -> None:
        self._owner = owner
        self._digest = digest
        self._ids = ids

    def digest(self) -> str | None:
        """Return a keyed fingerprint over what is known."""
        return self._digest()

    def owner(self, fingerprint: Fingerprint, parts: Sequence[Fingerprint] = ()) -> CredentialMatch | None:  # noqa: ARG002  the seam's shape
        """Return the stored credential whose whole value has that fingerprint."""
        return self._owner(fingerprint)

    def resembling(self, text: bytes) -> Sequence[Resemblance]:
        """Return nothing: whoever may ask for a likeness can find a value out piece by piece."""
        return NoKnownKeys().resembling(text)

    def masked(self, head: bytes, tail: bytes, length: int | None) -> Recognised | None:
        """Return None, for the same reason."""
        return NoKnownKeys().masked(head, tail, length)

    def unshaped(self) -> Unshaped:
        """Return none: a list of what to look for is more than an answer to what was found."""
        return NoKnownKeys().unshaped()

    def key_ids(self) -> frozenset[Shape]:
        """Return the shapes of the providers' ids, which are no secret."""
        return self._ids.shapes

    def named(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:
        """Return the stored credential whose id at its provider has that fingerprint."""
        return self._ids.owner(fingerprint, length)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMatch:
    """A store or a list that is open for exact matches."""

    fingerprinter: Fingerprinter
    known: KnownKeys
    key_id: str
    database: Database | None
    """None where a list answers."""
    clock: Clock

    def known_keys(self) -> KnownKeys:
        """Return what answers whether a leaked key is one of ours."""
        return self.known

    def record_use(self, *, findings: int, mapped: int) -> bool:
        """Write down that the key was used; return False where the store cannot be written."""
        if self.database is None:
            return False
        try:
            with self.database.write() as connection:
                connection.execute(
                    insert(tables.match_use).values(
                        id=uuid.uuid4().hex,
                        key_id=self.key_id,
                        at=to_text(self.clock()),
                        host=platform.node()[:200],
                        findings=findings,
                        mapped=mapped,
                    )
                )
        except (StoreUnusableError, SQLAlchemyError):  # a role that may only read, a copy on a read-only file system
            return False
        return True

    def forget_connections(self) -> None:
        """Let go of connections that a process inherited when it was forked."""
        if self.database is not None:
            self.database.forget_connections()

    def close(self) -> None:
        """Close the store."""
        if self.database is not None:
            self.database.close()


def open_for_matching(settings: Settings, *, clock: Clock = system_clock) -> OpenMatch:
    """Open the store, or the exported list, that the settings name with the match-only key that they name.

    Raises:
        DeniedError: the key was revoked, has expired, or is of another store; or it is no match-only key.
        IntegrityError: the list is not what was signed.
        StoreMissingError: there is no store.
    """
    file = MatchFile.read(settings.key_file)
    if file is None:
        msg = f"{settings.key_file} is not a match-only key"
        raise DeniedError(msg)
    if "://" not in settings.store and is_export(path := Path(settings.store)):
        return _of_list(read_export(path, file, now=clock()), file, clock)
    database = open_database(settings.store)
    try:
        with database.read() as connection:
            tenant = connection.execute(select(tables.store.c.tenant)).scalar()
            if tenant is None:
                msg = "the store was never set up"
                raise StoreMissingError(msg, hint="keysweep init")
            row = match_key.row_of(connection, file.id)
            opened = match_key.unwrap(
                file.key, row.wrapped, identifier=file.id, tenant=tenant, expires_at=row.expires_at
            )
            if row.expires_at is not None and from_text(row.expires_at) <= clock():
                raise match_key.expired(row.expires_at)
    except BaseException:
        database.close()
        raise
    fingerprinter = opened.fingerprinters[0]

    def owner(fingerprint: Fingerprint) -> CredentialMatch | None:
        with database.read() as connection:
            return exact_owner(connection, fingerprint)

    def digest() -> str:
        with database.read() as connection:
            return inventory_digest(connection, fingerprinter)

    known = ExactMatches(owner, digest, StoredIds(database, fingerprinter))
    return OpenMatch(fingerprinter=fingerprinter, known=known, key_id=file.id, database=database, clock=clock)


def _of_list(listed: Listed, file: MatchFile, clock: Clock) -> OpenMatch:
    fingerprinter = listed.fingerprinter
    known = ExactMatches(listed.owners.get, lambda: str(fingerprinter.of_bytes(listed.digest)), listed.ids)
    return OpenMatch(fingerprinter=fingerprinter, known=known, key_id=file.id, database=None, clock=clock)
