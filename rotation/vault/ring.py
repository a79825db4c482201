"""The keys of an open store, generation by generation: which one seals, which opens what, and which wrote an entry of the ledger.

A process learns of a new generation by itself, at its next write or where it meets a value of it: it keeps the private half
of the slot that it opened.  Slots and generations are authenticated together under the current generation (ADR 0021).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import final

from sqlalchemy import Connection, select

from keysweep.foundation.database import tables
from keysweep.foundation.database.connect import Database
from keysweep.foundation.errors import DeniedError, IntegrityError
from keysweep.foundation.fingerprint import Fingerprint, Fingerprinter
from keysweep.foundation.ledger.checkpoint import Signer
from keysweep.rotation.vault.generation import Generation, all_keys, generation_from, open_kept, ring_mac, write_mac
from keysweep.rotation.vault.kek import SubKeys, unseal_master

_SIGNATURE = (
    select(tables.generation.c.number, tables.generation.c.state, tables.generation.c.mac)
    .where(tables.generation.c.number > 0)  # by its key, as everything that is asked for each finding
    .order_by(tables.generation.c.number)
)

Again = Callable[[Connection], tuple[str, bytes] | None]
"""Finds a slot that this process can open now, and the private half of its key pair."""


@final
class KeyRing:
    """The generations of one store.

    Args:
        database: the store.
        tenant: its name.
        slot: the slot that this process opened.
        private: the private half of that slot's key pair; None where the slot is from before there were generations.
        old: the slot's own key and the master key, in that case.
        again: opens a slot once more, where that one has got a new key or is gone; asks nobody.
    """

    def __init__(
        self,
        database: Database,
        tenant: str,
        slot: str,
        *,
        private: bytes | None,
        old: tuple[bytes, bytes] | None = None,
        again: Again | None = None,
    ) -> None:
        self._database = database
        self._private = private
        self._again = again
        self._old = old
        self._seen: tuple[tuple[object, ...], ...] | None = None
        self._held: dict[int, Generation] = {}
        self.tenant = tenant
        self.slot = slot

    @property
    def current(self) -> Generation:
        """The generation under which is written."""
        return next(held for held in self._held.values() if held.state == "current")

    @property
    def following(self) -> Generation | None:
        """The generation that values are moving to, if they are."""
        return next((held for held in self._held.values() if held.state == "next"), None)

    @property
    def is_old(self) -> bool:
        """The store is from before there were generations, and nothing has changed that yet."""
        return not self._seen

    def generation(self, number: int) -> Generation:
        """Return a generation; it must exist."""
        return self._held[number]

    def old_keys(self) -> tuple[bytes, bytes]:
        """Return the slot's own key and the master key of a store from before there were generations."""
        if self._old is None:
            msg = "the slot has a key pair"
            raise RuntimeError(msg)
        return self._old

    def refresh(self, connection: Connection) -> None:
        """Learn what has changed since this was asked last.

        Raises:
            IntegrityError: a slot or a generation is not what was written.
            DeniedError: the slot that this process opened does not open the current generation.
        """
        seen = tuple(tuple(row) for row in connection.execute(_SIGNATURE))
        if seen != self._seen or not self._held:
            self._held = self._load(connection)
            self._seen = seen

    def check(self, connection: Connection) -> None:
        """Read and check everything anew, as whoever is about to trust a slot with a master key does.

        Raises:
            IntegrityError: a slot or a generation is not what was written.
        """
        self._seen = None
        self.refresh(connection)

    def sealing(self) -> tuple[int, bytes]:
        """Return the current generation and its wrap key."""
        return self.current.number, all_keys(self.current).wrap

    def opening(self, number: int) -> bytes | None:
        """Return the wrap key of a generation; None if the store has no such generation, or no longer."""
        held = self._held.get(number)
        if (held is None or held.keys is None) and number:
            with self._database.read() as connection:
                self.refresh(connection)
            held = self._held.get(number)
        return held.keys.wrap if held is not None and held.keys is not None else None

    def audit_key(self, seq: int) -> bytes:
        """Return the key of the MAC of a ledger entry."""
        return self._at(seq).audit

    def public_key(self, seq: int) -> bytes:
        """Return the public key that signed when the ledger had so many entries."""
        return self._at(seq).public_key

    def signed_with(self, seq: int) -> tuple[bytes, ...]:
        """Return the public keys that signed when the ledger had so many entries: two where it was switched."""
        return tuple(dict.fromkeys((self.public_key(seq), self.public_key(seq + 1))))

    @property
    def public_keys(self) -> tuple[bytes, ...]:
        """Every public key that this store signs or signed with, newest first."""
        known = [held for held in self._held.values() if held.state != "next"]
        return tuple(held.public_key for held in sorted(known, key=lambda held: -held.number))

    def signer(self) -> Signer:
        """Return the signing key of the current generation."""
        return Signer(all_keys(self.current).signing)

    def fingerprinter(self) -> Fingerprinter:
        """Return what computes fingerprints as they are written now."""
        return self._chain(self.current.number)

    def newest_fingerprinter(self) -> Fingerprinter:
        """Return what computes fingerprints as they are where everything has moved."""
        return self._chain(max(self._held))

    def forms(self, connection: Connection, fingerprint: Fingerprint) -> tuple[Fingerprint, ...]:
        """Return what a fingerprint may be in the store: as it is, and as what it has become or is becoming."""
        self.refresh(connection)
        targets = [held.number for held in self._held.values() if held.state != "former"]
        return tuple(
            dict.fromkeys(
                (
                    fingerprint,
                    *(
                        self._chain(target).forward(fingerprint, start)
                        for target in targets
                        for start in range(1, target)
                    ),
                )
            )
        )

    def renewed(self, connection: Connection, fingerprint: Fingerprint, generation: int) -> Fingerprint:
        """Return what a fingerprint that was computed under *generation* is now."""
        self.refresh(connection)
        return self.fingerprinter().forward(fingerprint, generation)

    def same(self, connection: Connection, one: Fingerprint, other: Fingerprint) -> bool:
        """Whether two fingerprints are of one value, also where one of them has moved already."""
        return bool(set(self.forms(connection, one)) & set(self.forms(connection, other)))

    def masters(self, connection: Connection) -> dict[int, bytes]:
        """Return the master keys that a new slot must open: of the current generation, and of the next one if there is one.

        Raises:
            DeniedError: the slot that this process opened has got a new key, and there is no other way to open the store here.
        """
        if self._private is None:
            return {1: self.old_keys()[1]}
        found = self._unsealed(connection)
        if wanting := {number for number, held in self._held.items() if held.state != "former"} - found.keys():
            raise _unopened(min(wanting))
        return found

    def adopt(self, connection: Connection, private: bytes) -> None:
        """Take the key pair that the slot of an older store was given, and authenticate what it got."""
        write_mac(connection, all_keys(self.current).ring)
        self._private, self._old = private, None
        self.refresh(connection)

    def write_mac(self, connection: Connection) -> None:
        """Authenticate slots and generations as they are now."""
        write_mac(connection, all_keys(self.current).ring)

    def _at(self, seq: int) -> Generation:
        written = [held for held in self._held.values() if held.state != "next" and held.first_seq <= max(seq, 1)]
        return max(written, key=lambda held: held.number)

    def _chain(self, number: int) -> Fingerprinter:
        return Fingerprinter(b"".join(self._held[n].fingerprint for n in sorted(self._held) if n <= number))

    def _unsealed(self, connection: Connection) -> dict[int, bytes]:
        """Unseal what the slot holds: master keys by generation."""
        if self._private is None:
            return {}
        rows = connection.execute(select(tables.slot_master).where(tables.slot_master.c.slot_id == self.slot)).all()
        found = {
            row.generation: unseal_master(
                self._private, row.sealed, slot=self.slot, tenant=self.tenant, generation=row.generation
            )
            for row in rows
        }
        return {number: master for number, master in found.items() if master is not None}

    def _keys(self, number: int, masters: dict[int, bytes]) -> SubKeys:
        """Derive the keys of a generation; where no slot opens it any longer, go on with those that are held.

        A running agent does not end because a slot got another key: whoever held the keys of a generation holds them anyway.
        """
        if number in masters:
            return SubKeys.derive(masters[number], self.tenant)
        before = self._held.get(number)
        if before is None or before.keys is None:
            raise _unopened(number)
        return before.keys

    def _load(self, connection: Connection) -> dict[int, Generation]:
        rows = connection.execute(select(tables.generation).order_by(tables.generation.c.number)).all()
        if not rows:
            return {
                1: generation_from(
                    SubKeys.derive(self.old_keys()[1], self.tenant), number=1, state="current", first_seq=1
                )
            }
        numbers = [row.number for row in rows if row.state != "former"]
        masters = self._unsealed(connection)
        if self._again is not None and any(number not in masters for number in numbers):
            found = self._again(connection)
            if found is not None:
                self.slot, self._private = found
                masters = self._unsealed(connection)
        held: dict[int, Generation] = {}
        for row in rows:
            if row.state != "former":
                keys = self._keys(row.number, masters)
                held[row.number] = generation_from(keys, number=row.number, state=row.state, first_seq=row.first_seq)
        current = next((one for one in held.values() if one.state == "current"), None)
        mac = next((row.mac for row in rows if row.state == "current"), None)
        if current is None or mac is None or not hmac.compare_digest(mac, ring_mac(connection, all_keys(current).ring)):
            msg = "a slot or a generation of the master key is not what was written"
            raise IntegrityError(msg, hint="restore the store from a backup, and look for who wrote to it")
        for row in rows:
            if row.state == "former":
                fingerprint, audit = open_kept(all_keys(current), row.number, row.kept, self.tenant)
                held[row.number] = Generation(
                    number=row.number,
                    state=row.state,
                    first_seq=row.first_seq,
                    public_key=row.public_key,
                    fingerprint=fingerprint,
                    audit=audit,
                    keys=None,
                )
        return held


def _unopened(number: int) -> DeniedError:
    return DeniedError(
        f"the slot that opened the store does not open generation {number} of its master key",
        hint="start again; if it stays so: keysweep verify",
    )
