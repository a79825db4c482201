"""The keys that the broker serves: which version goes into the next request, who still uses the one before, and what is said of it.

The store says which version that is (`instances`), asked many times a second.  A version is opened once, in one transaction with its
entry in the ledger, and wiped when the last request that carries it is done.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import final

from sqlalchemy import Connection

from keysweep.foundation.errors import DeniedError, KeysweepError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.broker import placeholders, routes
from keysweep.rotation.broker.mask import Forms
from keysweep.rotation.broker.routes import Route
from keysweep.rotation.credential import CredentialId, VersionRef
from keysweep.rotation.resolve import resolve, servable
from keysweep.rotation.supervisor import evidence
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

PURPOSE = METHOD = "broker"
_BEAT_S = 2.0
_REFUSAL_S = 60.0
"""Refusals of one credential closer together are one entry of the ledger: a process that guesses must not fill it."""
_LOG = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Key:
    """One version that was opened."""

    version: VersionRef
    fingerprint: Fingerprint
    secret: Secret
    forms: Forms
    in_flight: int = 0
    waited_until: float | None = None
    """Replaced: requests that carry it are waited for until then, before the new one counts as served.  None while it is served."""

    def end_if_unused(self) -> None:
        """Wipe the value once no request carries it any more."""
        if self.waited_until is not None and not self.in_flight:
            self.secret.wipe()
            self.forms.forget()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the store says of an agent now."""

    routes: Mapping[str, Route] = field(default_factory=dict)
    prints: placeholders.Prints = field(default_factory=dict)
    versions: Mapping[CredentialId, VersionRef] = field(default_factory=dict)
    generation: int = 0
    forced: bool = False


@final
class Keys:
    """What one broker serves; used from one event loop.

    Args:
        opened: the unlocked store.
        agent: whose broker it is.
        identifier: of the instance that this process registered.
        own: placeholders that were made for this process alone.
    """

    def __init__(
        self,
        opened: OpenVault,
        agent: str,
        identifier: str,
        own: Mapping[CredentialId, Fingerprint] | None = None,
    ) -> None:
        self._opened = opened
        self._agent = agent
        self._identifier = identifier
        self._own = dict(own or {})
        self._turn = asyncio.Lock()
        self._terms = Terms()
        self._served: dict[CredentialId, Key] = {}
        self._leaving: list[Key] = []
        self._told = 0
        """The generation that was last attested."""
        self._news = True
        """What is served has changed since."""
        self._beat_at = 0.0
        self._refused: dict[CredentialId, int] = {}
        """How often a wrong placeholder was shown since that was written down."""
        self._refused_at: dict[CredentialId, float] = {}

    def route(self, variable: str) -> Route | None:
        """Return where a variable leads, None if the agent has none of that name."""
        return self._terms.routes.get(variable)

    def is_placeholder(self, presented: bytes, credential: CredentialId) -> bool:
        """Whether this is the placeholder that stands for a credential."""
        return placeholders.is_one(self._opened, presented, self._terms.prints.get(credential, frozenset()))

    def take(self, credential: CredentialId) -> Key | None:
        """Return the key for one request, which gives it back; None if there is none to serve."""
        key = self._served.get(credential)
        if key is not None:
            key.in_flight += 1
        return key

    def give_back(self, key: Key) -> None:
        """Say that a request is done with a key."""
        key.in_flight -= 1
        key.end_if_unused()

    def refused(self, credential: CredentialId) -> None:
        """Note that something else was shown than the placeholder of a credential."""
        self._refused[credential] = self._refused.get(credential, 0) + 1

    async def look(self) -> None:
        """Ask the store what is to be served, and serve it; what was replaced stays with the requests that carry it.

        Raises:
            KeysweepError: the store cannot be asked now.  What was served before is served on.
        """
        async with self._turn:
            terms = await asyncio.to_thread(self._read)
            missing = {
                credential
                for credential, ref in terms.versions.items()
                if credential not in self._served or self._served[credential].version != ref
            }
            opened = await asyncio.to_thread(self._open, missing) if missing else {}
            self._replace(terms, opened)
            if self._is_due():
                await asyncio.to_thread(self._attest, tuple(self._served.values()), terms.generation)
                self._told, self._news = terms.generation, False
            if told := self._refusals():
                await asyncio.to_thread(self._write_refusals, told)

    async def keep(self, every_s: float) -> None:
        """Go on looking; a store that cannot be asked is asked again."""
        quiet = False
        while True:
            await asyncio.sleep(every_s)
            try:
                await self.look()
                quiet = False
            except KeysweepError as error:
                if not quiet:
                    _LOG.warning("%s keeps what it serves: %s", self._agent, error.message)
                quiet = True

    def close(self) -> None:
        """Wipe everything, whoever uses it."""
        for key in (*self._served.values(), *self._leaving):
            key.secret.wipe()
            key.forms.forget()
        self._served, self._leaving = {}, []

    def _replace(self, terms: Terms, opened: Mapping[CredentialId, Key]) -> None:
        """Serve the new ones from the next request on."""
        settings = self._opened.settings.rotation
        patience = settings.forced_stop_grace_s if terms.forced else settings.stop_grace_s
        gone = [credential for credential in self._served if credential not in terms.versions]
        for credential in (*opened, *gone):
            before = self._served.pop(credential, None)
            if before is not None:
                before.waited_until = time.monotonic() + patience
                before.end_if_unused()
                self._leaving.append(before)
        self._served.update(opened)
        self._news = self._news or bool(opened or gone)
        self._terms = terms
        self._leaving = [key for key in self._leaving if key.in_flight]

    def _is_due(self) -> bool:
        """Whether something is to be said, and no request is waited for that still carries what went."""
        now = time.monotonic()
        waiting = any(key.waited_until is not None and key.waited_until > now for key in self._leaving)
        return not waiting and (self._news or self._terms.generation != self._told)

    def _read(self) -> Terms:
        if time.monotonic() - self._beat_at > _BEAT_S:
            with self._opened.database.write() as connection:
                instances.beat(connection, self._identifier, self._opened.clock())
            self._beat_at = time.monotonic()
        with self._opened.database.read() as connection:
            agent = instances.agent_named(connection, self._agent)
            instance = instances.instance(connection, self._identifier)
            known = {held: store.credential_by_id(connection, held) for held in set(agent.bindings.values())}
            versions: dict[CredentialId, VersionRef] = {}
            for credential, described in known.items():
                try:
                    versions[credential] = servable(connection, described, instance.wanted_versions.get(credential))
                except DeniedError:
                    continue
            return Terms(
                routes={
                    variable: routes.route(
                        variable,
                        held,
                        known[held].provider,
                        agent=agent.settings,
                        vendor=self._opened.settings.providers.get(known[held].provider, {}),
                    )
                    for variable, held in agent.bindings.items()
                },
                prints=self._prints(connection, agent),
                versions=versions,
                generation=instance.wanted,
                forced=instance.forced,
            )

    def _prints(self, connection: Connection, agent: instances.AgentRecord) -> placeholders.Prints:
        """Return the placeholders of this process, or those of the store where it has none of its own."""
        if self._own:
            return {held: placeholders.of(self._opened, connection, (one,)) for held, one in self._own.items()}
        return placeholders.stored(self._opened, connection, agent)

    def _open(self, missing: set[CredentialId]) -> dict[CredentialId, Key]:
        """Open what is missing: authorised, and written to the ledger, in one transaction."""
        found: dict[CredentialId, Key] = {}
        refused: DeniedError | None = None
        with self._opened.database.write() as connection:
            agent = instances.agent_named(connection, self._agent)
            wanted = instances.instance(connection, self._identifier).wanted_versions
            for credential in sorted(missing):
                try:
                    ref, secret = resolve(
                        connection,
                        self._opened.vault,
                        self._opened.ledger,
                        agent,
                        credential,
                        purpose=PURPOSE,
                        number=wanted.get(credential),
                    )
                except DeniedError as error:  # the refusal is in the ledger: commit it
                    refused = error
                    continue
                found[credential] = Key(
                    version=ref,
                    fingerprint=self._opened.fingerprinter.of(secret),
                    secret=secret,
                    forms=Forms(secret.reveal()),
                )
        if refused and not found:
            raise refused
        return found

    def _refusals(self) -> dict[CredentialId, int]:
        """Return the refusals that are to be written down now, and begin to count anew."""
        now = time.monotonic()
        due = [one for one in self._refused if now - self._refused_at.get(one, -_REFUSAL_S) >= _REFUSAL_S]
        self._refused_at |= dict.fromkeys(due, now)
        return {credential: self._refused.pop(credential) for credential in due}

    def _write_refusals(self, counted: Mapping[CredentialId, int]) -> None:
        with self._opened.database.write() as connection:
            for credential, count in counted.items():
                self._opened.ledger.append(
                    connection,
                    actor=f"agent:{self._agent}",
                    action="key.refused",
                    subject=store.credential_by_id(connection, credential).name,
                    detail={"purpose": PURPOSE, "count": count},
                )

    def _attest(self, served: tuple[Key, ...], generation: int) -> None:
        """Say which versions go out with the next request; nothing that this process was not seen to serve."""
        now = self._opened.clock()
        seen = tuple(
            instances.Seen(
                version=key.version,
                fingerprint=key.fingerprint,
                generation=generation,
                method=METHOD,
                attested_at=now,
            )
            for key in served
        )
        evidence.record(self._opened, self._identifier, self._agent, os.getpid(), seen)
