"""The providers' ids of stored values, told by keyed fingerprints as the values are: read at the first question of a scan."""

from __future__ import annotations

from functools import cached_property
from typing import final

from sqlalchemy import Connection

from keysweep.foundation.database.connect import Database
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.rotation.credential import State, VersionRef
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.answer import answer
from keysweep.scanner.key_ids import Shape, shape_of
from keysweep.scanner.known import CredentialMatch, MatchKind

_ORDER = [State.CURRENT, State.PENDING, State.STANDBY]
"""Of the values that share an id, which one it names: the one in use, else one that will be, else the newest."""


@final
class StoredIds:
    """Those of one store.

    Args:
        database: the store.
        fingerprinter: that the scan asks with.
    """

    def __init__(self, database: Database, fingerprinter: Fingerprinter) -> None:
        self._database = database
        self._fingerprinter = fingerprinter

    @cached_property
    def shapes(self) -> frozenset[Shape]:
        """What they look like."""
        return frozenset(shape for key_id in self._named if (shape := shape_of(key_id.encode())) is not None)

    def owner(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:
        """Return the stored credential that an id names."""
        if length not in self._lengths or (ref := self._by_fingerprint.get(fingerprint)) is None:
            return None
        with self._database.read() as connection:
            return _told(connection, ref)

    @cached_property
    def _named(self) -> dict[str, VersionRef]:
        with self._database.read() as connection:
            return named(connection)

    @cached_property
    def _lengths(self) -> frozenset[int]:
        return frozenset(shape.length for shape in self.shapes)

    @cached_property
    def _by_fingerprint(self) -> dict[Fingerprint, VersionRef]:
        return {self._fingerprinter.of_bytes(key_id.encode()): ref for key_id, ref in self._named.items()}


def named(connection: Connection) -> dict[str, VersionRef]:
    """Return every id that text is looked through for, with the version that it names."""
    chosen: dict[str, tuple[tuple[int, int], VersionRef]] = {}
    for key_id, ref, state in whose.key_ids(connection):
        order = (_ORDER.index(state) if state in _ORDER else len(_ORDER), -ref.number)
        before = chosen.get(key_id)
        if order < before[0] if before else shape_of(key_id.encode()) is not None:
            chosen[key_id] = (order, ref)
    return {key_id: ref for key_id, (_, ref) in chosen.items()}


def owners(connection: Connection) -> dict[str, CredentialMatch]:
    """Return every such id with what is said of it."""
    return {key_id: _told(connection, ref) for key_id, ref in named(connection).items()}


def _told(connection: Connection, ref: VersionRef) -> CredentialMatch:
    credential = store.credential_by_id(connection, ref.credential_id)
    return answer(credential, store.version(connection, ref), MatchKind.KEY_ID, 1.0)
