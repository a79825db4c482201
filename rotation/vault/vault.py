"""The vault: seals values, opens them for one call, and knows what each of them is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol, final

from sqlalchemy import Connection

from keysweep.foundation.clock import Clock, to_text
from keysweep.foundation.errors import DeniedError
from keysweep.foundation.fingerprint import Fingerprinter, Preview
from keysweep.foundation.redaction import REDACTION
from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import Credential, State, Version, VersionRef
from keysweep.rotation.vault import store
from keysweep.rotation.vault.envelope import Binding, generation_of, not_what_was_written, seal, unseal

FOLD_RUN = 20
"""Characters of one stored folded run.  About 30 different ones remain after folding, so a run has some 98 bits: it cannot be
guessed even by whoever holds the fingerprint key, unlike the short windows that are used for live values in memory."""


class Shape(Protocol):
    """What the rules know of a value: `rules` and `scanner` give it, the vault only stores the result."""

    def __call__(self, value: bytes) -> tuple[str, tuple[bytes, ...]]:
        """Return the public prefix and the components of a value; ("", ()) where no rule knows it."""
        ...


class VaultKeys(Protocol):
    """The keys of a store by generation of the master key; `ring.KeyRing` is them."""

    def sealing(self) -> tuple[int, bytes]:
        """Return the generation under which is written, and its wrap key."""
        ...

    def opening(self, number: int) -> bytes | None:
        """Return the wrap key of a generation; None if there is no such generation, or no longer."""
        ...

    def fingerprinter(self) -> Fingerprinter:
        """Return what computes fingerprints as they are written."""
        ...


class ShreddedError(DeniedError):
    """The value was destroyed; only its fingerprint is left."""


@final
class Vault:
    """One unlocked vault.

    Args:
        tenant: random name of the store, bound into every ciphertext.
        keys: of this store.
        fold: look-alike folding of the scanner, for the prints of a value.
        shape: what the rules know of a value.
        clock: tells the time of new rows.
    """

    def __init__(
        self,
        *,
        tenant: str,
        keys: VaultKeys,
        fold: Callable[[bytes], bytes],
        shape: Shape,
        clock: Clock,
    ) -> None:
        self._tenant = tenant
        self._keys = keys
        self._fold = fold
        self._shape = shape
        self._clock = clock

    @property
    def fingerprinter(self) -> Fingerprinter:
        """Computes fingerprints as they are written now."""
        return self._keys.fingerprinter()

    def add_version(
        self,
        connection: Connection,
        credential: Credential,
        value: Secret,
        *,
        state: State,
        provider_key_id: str | None = None,
        created_at: datetime | None = None,
    ) -> Version:
        """Seal a new value and store it as the credential's next version."""
        draft = self.draft(
            credential,
            store.next_number(connection, credential.id),
            value,
            state=state,
            provider_key_id=provider_key_id,
            created_at=created_at,
        )
        store.add_versions(connection, [draft])
        return draft.version

    def draft(
        self,
        credential: Credential,
        number: int,
        value: Secret,
        *,
        state: State,
        provider_key_id: str | None = None,
        created_at: datetime | None = None,
    ) -> store.Draft:
        """Seal a new value as version *number*, and leave it to the caller to store it."""
        now = created_at or self._clock()
        prefix, parts = self._shape(value.reveal())
        version = Version(
            ref=VersionRef(credential_id=credential.id, number=number),
            state=state,
            fingerprint=self.fingerprinter.of(value),
            preview=Preview(prefix=prefix, length=len(value)),
            provider_key_id=provider_key_id,
            created_at=now,
            promoted_at=now if state is State.CURRENT else None,
        )
        return store.Draft(
            version=version,
            sealed=self._seal(self._binding(credential, version.ref, "value", now), value),
            prints=store.Prints(
                parts=tuple(self.fingerprinter.of_bytes(part) for part in parts),
                folds=tuple(
                    self.fingerprinter.of_bytes(run) for run in _runs(self._fold(value.reveal()[len(prefix) :]))
                ),
            ),
        )

    def reseal(self, connection: Connection, credential: Credential, version: Version, value: Secret) -> None:
        """Give a version its value back that was kept elsewhere meanwhile."""
        sealed = self._seal(self._binding(credential, version.ref, "value", version.created_at), value)
        store.restore_value(connection, version.ref, sealed)

    def open_version(self, connection: Connection, ref: VersionRef) -> Secret:
        """Return the value of a version, for one call.

        Raises:
            ShreddedError: it was destroyed.
            IntegrityError: it is not what was written.
        """
        sealed = store.sealed_value(connection, ref)
        if sealed is None:
            msg = f"version {ref.number} was destroyed; only its fingerprint is left"
            raise ShreddedError(msg)
        version = store.version(connection, ref)
        credential = store.credential_by_id(connection, ref.credential_id)
        return _noted(self._unseal(self._binding(credential, ref, "value", version.created_at), sealed))

    def seal_cell(self, credential: Credential, rotation: str, name: str, value: Secret, at: datetime) -> bytes:
        """Seal a value that a rotation needs to survive a crash, under a data key of its own."""
        return self._seal(self._cell(credential, rotation, name, at), value)

    def open_cell(self, credential: Credential, rotation: str, name: str, sealed: bytes, at: datetime) -> Secret:
        """Return the value of a journal cell.

        Raises:
            IntegrityError: it is not what was written.
        """
        return _noted(self._unseal(self._cell(credential, rotation, name, at), sealed))

    def seal_own(self, field: str, value: Secret, at: datetime) -> bytes:
        """Seal a value that belongs to the store itself and to no credential; *field* says what it is."""
        return self._seal(self._own(field, at), value)

    def open_own(self, field: str, sealed: bytes, at: datetime) -> Secret:
        """Return what `seal_own` sealed.

        Raises:
            IntegrityError: it is not what was written.
        """
        return self._unseal(self._own(field, at), sealed)

    def _seal(self, binding: Binding, value: Secret) -> bytes:
        generation, key = self._keys.sealing()
        return seal(key, binding, value, generation=generation)

    def _unseal(self, binding: Binding, sealed: bytes) -> Secret:
        key = self._keys.opening(generation_of(sealed))
        if key is None:
            raise not_what_was_written(binding)
        return unseal(key, binding, sealed)

    def _own(self, field: str, at: datetime) -> Binding:
        return Binding(
            tenant=self._tenant, credential_id="", version=0, provider="", field=field, created_at=to_text(at)
        )

    def _binding(self, credential: Credential, ref: VersionRef, field: str, at: datetime) -> Binding:
        return Binding(
            tenant=self._tenant,
            credential_id=credential.id,
            version=ref.number,
            provider=credential.provider,
            field=field,
            created_at=to_text(at),
        )

    def _cell(self, credential: Credential, rotation: str, name: str, at: datetime) -> Binding:
        return self._binding(
            credential, VersionRef(credential_id=credential.id, number=0), f"cell/{rotation}/{name}", at
        )


def _runs(folded: bytes) -> list[bytes]:
    """Cut into runs that do not overlap, so that one known run tells nothing about the next; a short rest is left out."""
    whole = len(folded) // FOLD_RUN
    return [folded[i * FOLD_RUN : (i + 1) * FOLD_RUN] for i in range(whole)]


def _noted(secret: Secret) -> Secret:
    REDACTION.register(secret)
    return secret
