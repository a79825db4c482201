"""One process of an agent with the keys that it was given: begun with what is wanted now, and what is known of it since."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keysweep.foundation.errors import UsageError
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.public_halves import halves_of
from keysweep.rotation.resolve import RefusedError, resolve
from keysweep.rotation.supervisor import evidence
from keysweep.rotation.supervisor.child import Child
from keysweep.rotation.supervisor.inject import Injection, inject
from keysweep.rotation.supervisor.manner import Manner
from keysweep.rotation.vault.unlock import OpenVault

Values = Mapping[str, tuple[VersionRef, Secret]]
"""What an agent gets, by the names that it knows it by."""


@dataclass(slots=True, kw_only=True)
class Process:
    """One process, and what is known of it."""

    child: Child
    injection: Injection
    generation: int
    given: Mapping[str, evidence.Given]
    since: float
    """When it was started, or told to reload."""
    settle_s: float
    """It must have run so long to count."""
    first: bool = False
    """The supervisor began with it: if it ends, so does the supervisor."""
    ready: bool = False
    attested: bool = False
    reloading: bool = False
    late: bool = False
    """It was not ready in time, and that was said."""

    def rewrite(self, opened: OpenVault, values: Values, generation: int) -> bool:
        """Put other values where the process can read them again, and forget what was known; False if there is no such place."""
        rewritten = self.injection.rewrite(_handed(opened, values))
        self.given, self.generation, self.since = _given(opened, values), generation, time.monotonic()
        self.first = self.ready = self.attested = self.late = False
        self.reloading = True
        return rewritten

    def end(self, grace_s: float) -> int:
        """End it, leave no key behind, and return its exit code."""
        self.child.stop(grace_s)
        self.injection.end()
        return self.child.exit_code


def begin(
    opened: OpenVault,
    agent: str,
    identifier: str,
    *,
    command: Sequence[str],
    environ: Mapping[str, str],
    manner: Manner,
    purpose: str,
    settle_s: float,
) -> Process:
    """Start a process with the versions that are wanted now.

    Raises:
        UsageError: it cannot be started.
        RefusedError: the agent is bound to something that it may not have.
    """
    values, generation = resolve_all(opened, agent, identifier, purpose)
    handed = _handed(opened, values)
    injection = inject(manner.how, handed)
    inherited = {name: value for name, value in environ.items() if name not in handed}
    try:
        child = Child(command, inherited, injection, manner.pattern)
    except UsageError:
        injection.end()
        raise
    return Process(
        child=child,
        injection=injection,
        generation=generation,
        given=_given(opened, values),
        since=time.monotonic(),
        settle_s=settle_s,
    )


def resolve_all(opened: OpenVault, agent: str, identifier: str, purpose: str) -> tuple[Values, int]:
    """Open what an agent is bound to, in the versions that its supervisor is asked for, and return the generation of that.

    Raises:
        RefusedError: it is bound to something that it may not have.
    """
    refused: RefusedError | None = None
    found: dict[str, tuple[VersionRef, Secret]] = {}
    with opened.database.write() as connection:
        record = instances.agent_named(connection, agent)
        wanted = instances.instance(connection, identifier)
        for variable, credential in record.bindings.items():
            try:
                found[variable] = resolve(
                    connection,
                    opened.vault,
                    opened.ledger,
                    record,
                    credential,
                    purpose=purpose,
                    number=wanted.wanted_versions.get(credential),
                )
            except RefusedError as error:
                refused = error
    if refused:
        raise refused
    return found, wanted.wanted


def _handed(opened: OpenVault, values: Values) -> dict[str, Secret]:
    """Return what the process gets: the values, and beside those of two halves the public one, by its own name."""
    refs = {name: ref for name, (ref, _) in values.items()}
    with opened.database.read() as connection:
        beside = halves_of(connection, refs)
    return {
        **{half.name: Secret(half.text) for half in beside.values()},
        **{name: value for name, (_, value) in values.items()},
    }


def _given(opened: OpenVault, values: Values) -> dict[str, evidence.Given]:
    """Return what the values are, and wipe them."""
    given = {
        name: evidence.Given(version=ref, fingerprint=opened.fingerprinter.of(secret))
        for name, (ref, secret) in values.items()
    }
    for _, secret in values.values():
        secret.wipe()
    return given
