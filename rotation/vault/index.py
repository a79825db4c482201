"""Recognise leaked keys: exact by keyed fingerprint, and in text read from images by folded windows.

The window index of live values is built in memory from the vault, holds keyed hashes only, and is never stored.  Of a
retired value only the long folded runs are left (see `vault.FOLD_RUN`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, final

from sqlalchemy import Connection

from keysweep.foundation.database import row_states
from keysweep.foundation.database.connect import Database
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.rotation.credential import Credential, Version
from keysweep.rotation.vault import store, whose
from keysweep.rotation.vault.answer import answer
from keysweep.rotation.vault.key_ids import StoredIds
from keysweep.rotation.vault.ring import KeyRing
from keysweep.rotation.vault.vault import FOLD_RUN, ShreddedError, Vault
from keysweep.scanner.key_ids import Shape
from keysweep.scanner.known import CredentialMatch, MatchKind, Recognised, Resemblance, Unshaped

WINDOW = 8
"""Folded characters of a window of a live value."""
_LEAST = 0.34
"""Share of a value's windows that must be seen: with windows of 8, about one misread character in eight."""
_SHOWN = 4
"""Characters of the beginning and of the end of a live value under which its masked forms are looked up."""
_LEAST_HIDDEN = 8
_LEAST_UNSHAPED = 12
"""Bytes below which a value without a form might be a common word."""


def inventory_digest(connection: Connection, fingerprinter: Fingerprinter) -> str:
    """Return a keyed fingerprint of what is stored now: over the chain of statements about versions, which no count enlarges."""
    chain = row_states.newest(connection, "version") or b"nothing was stated yet"
    return str(fingerprinter.of_bytes(chain))


def exact_owner(connection: Connection, *fingerprints: Fingerprint) -> CredentialMatch | None:
    """Return the stored credential one of whose values has one of these fingerprints as a whole."""
    found = whose.by_fingerprint(connection, *fingerprints)
    return answer(*found, MatchKind.EXACT, 1.0) if found else None


class Folded(Protocol):
    """Text with look-alikes folded, and the way back."""

    @property
    def text(self) -> bytes:
        """The folded text."""
        ...

    @property
    def offsets(self) -> Sequence[int]:
        """For each folded byte, the offset of its original."""
        ...


Fold = Callable[[bytes], Folded]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    """One stored value that text may resemble."""

    credential: Credential
    version: Version
    windows: int
    """How many windows it has."""


@final
class VaultIndex:
    """`KnownKeys` over the vault.

    Args:
        database: the store.
        vault: opens live values when the window index is built, which the first image does.
        ring: keys of this store.
        fold: look-alike folding of the scanner.
    """

    def __init__(self, database: Database, vault: Vault, ring: KeyRing, fold: Fold) -> None:
        self._database = database
        self._vault = vault
        self._ring = ring
        self._fingerprinter = ring.fingerprinter()
        self._folder = self._fingerprinter
        self._fold = fold
        self._windows: tuple[dict[bytes, list[tuple[_Target, int]]], ...] | None = None
        self._ends: dict[bytes, list[tuple[Credential, Version]]] | None = None
        self._ids = StoredIds(database, self._fingerprinter)

    @property
    def generation(self) -> int:
        """Generation of the master key whose fingerprints this was asked for first; a scan keeps to it."""
        return self._fingerprinter.generation

    def digest(self) -> str | None:
        """Return a keyed fingerprint over all versions and their states."""
        with self._database.read() as connection:
            return inventory_digest(connection, self._fingerprinter)

    def owner(self, fingerprint: Fingerprint, parts: Sequence[Fingerprint] = ()) -> CredentialMatch | None:
        """Return the stored credential whose value, or failing that whose component, has that fingerprint."""
        with self._database.read() as connection:
            if exact := exact_owner(connection, *self._ring.forms(connection, fingerprint)):
                return exact
            forms = [form for part in (fingerprint, *parts) for form in self._ring.forms(connection, part)]
            if found := whose.by_parts(connection, forms):
                return answer(*found, MatchKind.PART, 1.0)
        return None

    def resembling(self, text: bytes) -> Sequence[Resemblance]:
        """Return every stored value that *text*, read from an image, shows."""
        folded = self._fold(text)
        found: list[Resemblance] = []
        for width, index in zip((WINDOW, FOLD_RUN), self._built(), strict=True):
            found += self._seen(folded, width, index)
        found.sort(key=lambda r: (-r.credential.certainty, r.start))
        kept: list[Resemblance] = []
        for candidate in found:
            if all(candidate.end <= other.start or candidate.start >= other.end for other in kept):
                kept.append(candidate)
        return sorted(kept, key=lambda r: r.start)

    def masked(self, head: bytes, tail: bytes, length: int | None) -> Recognised | None:
        """Return the stored value that begins, with or without its public prefix, and ends like that; None unless exactly one does."""
        if len(head) < _SHOWN or len(tail) < _SHOWN:
            return None
        with self._database.read() as connection:
            if self._ends is None:
                self._ends = self._built_ends(connection)
            fitting = [
                (credential, version)
                for credential, version in self._ends.get(self._key(head[:_SHOWN] + tail[-_SHOWN:]), ())
                if length in {None, version.preview.length} and self._fits(connection, version, head, tail)
            ]
        if len(fitting) != 1:
            return None
        credential, version = fitting[0]
        told = len(head) + len(tail) - len(version.preview.prefix) * (version.preview.prefix.encode() in head)
        certainty = round(min(0.6 + 0.05 * told, 0.99), 2)
        return Recognised(
            fingerprint=version.fingerprint,
            preview=version.preview,
            credential=answer(credential, version, MatchKind.MASKED, certainty),
        )

    def unshaped(self) -> Unshaped:
        """Return the stored values without a public prefix that are long enough to be looked for as they are."""
        with self._database.read() as connection:
            found = whose.unshaped(connection, least=_LEAST_UNSHAPED)
        return Unshaped(frozenset(length for length, _ in found), frozenset(Fingerprint(digest) for _, digest in found))

    def key_ids(self) -> frozenset[Shape]:
        """Return the shapes of the providers' ids of stored values."""
        return self._ids.shapes

    def named(self, fingerprint: Fingerprint, length: int) -> CredentialMatch | None:
        """Return the stored credential whose id at its provider has that fingerprint and length."""
        return self._ids.owner(fingerprint, length)

    def _built_ends(self, connection: Connection) -> dict[bytes, list[tuple[Credential, Version]]]:
        """Index every live value by its ends; the prefix may be shown or not."""
        index: dict[bytes, list[tuple[Credential, Version]]] = defaultdict(list)
        for credential, version in store.live_versions(connection):
            value = self._vault.open_version(connection, version.ref)
            text = value.reveal()
            value.wipe()
            heads = {text[:_SHOWN], text[len(version.preview.prefix) :][:_SHOWN]}
            if len(text) >= 2 * _SHOWN + _LEAST_HIDDEN:
                for head in heads:
                    index[self._key(head + text[-_SHOWN:])].append((credential, version))
        return index

    def _fits(self, connection: Connection, version: Version, head: bytes, tail: bytes) -> bool:
        """Whether a value has these ends and more between them; asked of the few that the index names."""
        try:
            value = self._vault.open_version(connection, version.ref)
        except ShreddedError:
            return False
        text = value.reveal()
        value.wipe()
        begins = text.startswith(head) or text.startswith(head, len(version.preview.prefix))
        return begins and text.endswith(tail) and len(head) + len(tail) + _LEAST_HIDDEN <= len(text)

    def _seen(self, folded: Folded, width: int, index: dict[bytes, list[tuple[_Target, int]]]) -> list[Resemblance]:
        hits: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
        targets: dict[tuple[str, int], _Target] = {}
        for at in range(len(folded.text) - width + 1):
            for target, position in index.get(self._key(folded.text[at : at + width]), ()):
                key = (target.version.ref.credential_id, target.version.ref.number)
                targets[key] = target
                hits[key].append((at, position))
        return [
            resemblance
            for key, places in hits.items()
            for resemblance in _clusters(targets[key], places, folded, width)
        ]

    def _built(self) -> tuple[dict[bytes, list[tuple[_Target, int]]], ...]:
        if self._windows is None:
            with self._database.read() as connection:
                self._windows = (self._live(connection), self._retired(connection))
        return self._windows

    def _live(self, connection: Connection) -> dict[bytes, list[tuple[_Target, int]]]:
        """Index every live value; a window that two credentials share tells nothing and is left out."""
        entries: list[tuple[bytes, _Target, int]] = []
        for credential, version in store.live_versions(connection):
            value = self._vault.open_version(connection, version.ref)
            body = self._fold(value.reveal()[len(version.preview.prefix) :]).text
            value.wipe()
            count = max(len(body) - WINDOW + 1, 0)
            target = _Target(credential=credential, version=version, windows=count)
            if count >= WINDOW:
                entries += [(self._key(body[at : at + WINDOW]), target, at) for at in range(count)]
        owners = Counter(key for key, _ in {(key, target.credential.id) for key, target, _ in entries})
        index: dict[bytes, list[tuple[_Target, int]]] = defaultdict(list)
        for key, target, position in entries:
            if owners[key] == 1:
                index[key].append((target, position))
        return index

    def _retired(self, connection: Connection) -> dict[bytes, list[tuple[_Target, int]]]:
        """Index the long runs that are left of values that were destroyed."""
        runs = store.folds(connection)
        self._ring.refresh(connection)
        self._folder, now = self._ring.newest_fingerprinter(), self._ring.current.number
        moved = store.moved_versions(connection) if self._ring.following else frozenset()
        counts = Counter(ref for ref, _, _ in runs)
        targets = {
            ref: _Target(
                credential=store.credential_by_id(connection, ref.credential_id),
                version=store.version(connection, ref),
                windows=counts[ref],
            )
            for ref in counts
        }
        index: dict[bytes, list[tuple[_Target, int]]] = defaultdict(list)
        for ref, position, digest in runs:
            newest = digest if ref in moved else self._folder.forward(digest, now)
            index[newest.digest].append((targets[ref], position * FOLD_RUN))
        return index

    def _key(self, window: bytes) -> bytes:
        if len(window) == FOLD_RUN:
            return self._folder.of_bytes(window).digest
        return self._fingerprinter.of_bytes(window).digest[:8]


def _clusters(target: _Target, places: list[tuple[int, int]], folded: Folded, width: int) -> list[Resemblance]:
    """Group hits that lie on one diagonal, allowing for characters that were lost or added in between."""
    least = 1 if width == FOLD_RUN else max(3, int(target.windows * _LEAST))
    groups: list[list[tuple[int, int]]] = []
    for at, position in sorted(places):
        slack = max(4, width)
        if groups and abs((at - position) - (groups[-1][-1][0] - groups[-1][-1][1])) <= slack:
            groups[-1].append((at, position))
        else:
            groups.append([(at, position)])
    found = []
    for group in groups:
        seen = len({position for _, position in group})
        if seen < least:
            continue
        first, last = group[0][0], group[-1][0] + width - 1
        certainty = round(min(seen / target.windows, 0.99), 2)
        found.append(
            Resemblance(
                start=folded.offsets[first],
                end=folded.offsets[last] + 1,
                fingerprint=target.version.fingerprint,
                preview=target.version.preview,
                credential=answer(target.credential, target.version, MatchKind.OCR, certainty),
            )
        )
    return found
