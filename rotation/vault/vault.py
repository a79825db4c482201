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
from keysweep.rotation.vault.envelope import Binding, seal, unseal

FOLD_RUN = 20
"""Characters of one stored folded run.  About 30 different ones remain after folding, so a run has some 98 bits: it cannot be
guessed even by whoever holds the fingerprint key, unlike the short windows that are used for live values in memory."""


class Shape(Protocol):
    """What the rules know of a value: `rules` and `scanner` give it, the vault only stores the result."""

    def __call__(self, value: bytes) -> tuple[str, tuple[bytes, ...]]:
        """Return the public prefix and the components of a value; ("", ()) where no rule knows it."""
        ...


class ShreddedError(DeniedError):
    """The value was destroyed; only its fingerprint is left."""


@final
class Vault:
    """One unlocked vault.

    Args:
        tenant: random name of the store, bound into every ciphertext.
        wrap_key: 32 bytes.
        fingerprinter: of this store.
        fold: look-alike folding of the scanner, for the prints of a value.
        shape: what the rules know of a value.
        clock: tells the time of new rows.
    """

    def __init__(
        self,
        *,
        tenant: str,
        wrap_key: bytes,
        fingerprinter: Fingerprinter,
        fold: Callable[[bytes], bytes],
        shape: Shape,
        clock: Clock,
    ) -> None:
        self._tenant = tenant
        self._wrap_key = wrap_key
        self._fold = fold
        self._shape = shape
        self._clock = clock
        self.fingerprinter = fingerprinter

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
        now = created_at or self._clock()
        prefix, parts = self._shape(value.reveal())
        version = Version(
            ref=VersionRef(credential_id=credential.id, number=store.next_number(connection, credential.id)),
            state=state,
            fingerprint=self.fingerprinter.of(value),
            preview=Preview(prefix=prefix, length=len(value)),
            provider_key_id=provider_key_id,
            created_at=now,
            promoted_at=now if state is State.CURRENT else None,
        )
        sealed = seal(self._wrap_key, self._binding(credential, version.ref, "value", now), value)
        prints = store.Prints(
            parts=tuple(self.fingerprinter.of_bytes(part) for part in parts),
            folds=tuple(self.fingerprinter.of_bytes(run) for run in _runs(self._fold(value.reveal()[len(prefix) :]))),
        )
        store.add_version(connection, version, sealed, prints)
        return version

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
        return _noted(unseal(self._wrap_key, self._binding(credential, ref, "value", version.created_at), sealed))

    def seal_cell(self, credential: Credential, rotation: str, name: str, value: Secret, at: datetime) -> bytes:
        """Seal a value that a rotation needs to survive a crash, under a data key of its own."""
        return seal(self._wrap_key, self._cell(credential, rotation, name, at), value)

    def open_cell(self, credential: Credential, rotation: str, name: str, sealed: bytes, at: datetime) -> Secret:
        """Return the value of a journal cell.

        Raises:
            IntegrityError: it is not what was written.
        """
        return _noted(unseal(self._wrap_key, self._cell(credential, rotation, name, at), sealed))

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
