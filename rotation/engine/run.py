"""Everything that one rotation works with, and the time it has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy import Connection

from keysweep.foundation.clock import Monotonic, Sleep
from keysweep.foundation.errors import ExitCode, KeysweepError
from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import Agent, Delivery
from keysweep.rotation.credential import Credential, State, Version, VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import Detail, Journal, RotationRecord
from keysweep.rotation.engine.steps import Mode
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.outgoing import delivery
from keysweep.rotation.providers import Account, Provider
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_Function = TypeVar("_Function")
OLD = "old value"
"""Name of the cell that keeps the old value between PROMOTE and SHRED."""
MINTED = "minted"
"""Name of the cell that keeps the provider's raw answer between MINT and SEAL."""


class StepFailedError(KeysweepError):
    """A step failed for good."""

    exit_code = ExitCode.HALF_WAY


class ValueGoneError(StepFailedError):
    """The old value's last copy is destroyed: what needs it cannot be done any more."""


def promised(function: _Function | None) -> _Function:
    """Return a provider's function that its class promises; the contract tests hold every provider to it."""
    if function is None:
        msg = "the provider lacks a call that its class promises"
        raise AssertionError(msg)
    return function


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What an action leaves to be written down."""

    detail: Detail
    settle: Callable[[Connection], None] | None = None
    """Changes of the store that stand or fall with the outcome row."""
    undo: Callable[[], None] | None = None
    """What to do outside if the outcome row cannot be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Points on the monotonic clock."""

    revoke_at: float
    """Forced mode: the old key dies now, agents up or not."""
    end_at: float
    """Nothing is waited for beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One rotation in the hands of one worker."""

    opened: OpenVault
    credential: Credential
    provider: Provider
    account: Account
    agents: tuple[tuple[AgentRecord, Agent], ...]
    rotation_id: str
    journal: Journal
    budget: Budget
    monotonic: Monotonic
    sleep: Sleep

    def record(self) -> RotationRecord:
        """Return the rotation as stored now."""
        with self.opened.database.read() as connection:
            return journal.get(connection, self.rotation_id)

    @property
    def forced(self) -> bool:
        """Whether the old key is compromised."""
        return self.record().mode is Mode.FORCED

    def old(self) -> Version:
        """Return the version that goes."""
        return self._version(self.record().old_number)

    def new(self) -> Version:
        """Return the version that comes.

        Raises:
            StepFailedError: it was not sealed yet.
        """
        number = self.record().new_number
        if number is None:
            msg = "the new version does not exist yet"
            raise StepFailedError(msg)
        return self._version(number)

    def value(self, ref: VersionRef) -> Secret:
        """Open a version for one call."""
        with self.opened.database.read() as connection:
            return self.opened.vault.open_version(connection, ref)

    def old_value(self) -> Secret:
        """Open the old value: from its version, or after PROMOTE from the cell that keeps it until it is dead.

        Raises:
            ValueGoneError: it is destroyed.
        """
        with self.opened.database.read() as connection:
            kept = journal.get_cell(connection, self.rotation_id, OLD)
            if kept:
                return self.opened.vault.open_cell(self.credential, self.rotation_id, OLD, *kept)
            if store.sealed_value(connection, self.old().ref) is None:
                msg = "contained, not proven dead: the last copy of the old key was destroyed before it was"
                raise ValueGoneError(msg)
            return self.opened.vault.open_version(connection, self.old().ref)

    def acting(self) -> Account:
        """Return the account as it is administered now: a key that administers itself is followed by its successor in that, too."""
        with self.opened.database.read() as connection:
            admin = store.admin_for(connection, self.credential)
            if admin is None or admin.id != self.credential.id:
                return self.account
            current = store.version_in(connection, admin.id, State.CURRENT)
            held = self.opened.vault.open_version(connection, current.ref) if current else None
        return replace(self.account, admin=held) if held else self.account

    def account_of(self, version: Version) -> Account:
        """Return the account for a call that is about the key of that version."""
        return replace(self.account, key_id=version.provider_key_id)

    def deliveries(self, version: Version) -> tuple[tuple[Agent, Delivery], ...]:
        """Return what each agent of the credential shall serve on."""
        return tuple(
            (agent, delivery(self.opened, record, version, forced=self.forced)) for record, agent in self.agents
        )

    def keep(self, connection: Connection, name: str, value: Secret) -> None:
        """Seal a value into a journal cell, in the caller's transaction."""
        at = self.opened.clock()
        sealed = self.opened.vault.seal_cell(self.credential, self.rotation_id, name, value, at)
        journal.put_cell(connection, self.rotation_id, name, sealed, at)

    def record_in_ledger(self, connection: Connection, action: str, detail: Detail) -> None:
        """Append what the engine did to this credential, in the caller's transaction."""
        self.opened.ledger.append(
            connection,
            actor="engine",
            action=action,
            subject=self.credential.name,
            detail={**detail, "rotation": self.rotation_id},
        )

    def wait(self, seconds: float) -> None:
        """Sleep, and keep the lease; what waits asks many times a second, so it is renewed only when part of its term is over.

        Raises:
            FencedError: another worker took over.
        """
        self.sleep(seconds)
        with self.opened.database.read() as connection:
            if self.journal.fresh(connection):
                return
        self.hold()

    def hold(self) -> None:
        """Keep the lease; directly before a call that changes which key is accepted, which a worker that was paused must not make.

        Raises:
            FencedError: another worker took over.
        """
        with self.opened.database.write() as connection:
            self.journal.renew(connection)

    def _version(self, number: int) -> Version:
        with self.opened.database.read() as connection:
            return store.version(connection, VersionRef(credential_id=self.credential.id, number=number))
