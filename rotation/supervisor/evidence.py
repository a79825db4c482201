"""What the process of an agent was seen to hold, and how: what the attestation of a supervised agent stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation import challenge, instances
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.public_halves import halves_of
from keysweep.rotation.resolve import resolve
from keysweep.rotation.supervisor.inject import Injection
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_CHALLENGE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a process was given under one name."""

    version: VersionRef
    fingerprint: Fingerprint


def look(
    opened: OpenVault,
    agent: instances.AgentRecord,
    pid: int,
    injection: Injection,
    given: Mapping[str, Given],
    *,
    generation: int,
    urls: str | None,
) -> tuple[instances.Seen, ...] | None:
    """Return what a live process holds, None if that cannot be told yet.

    Args:
        opened: the unlocked store.
        agent: whose process it is.
        pid: of the process.
        injection: how it got its keys.
        given: what it got, by the names that it knows them by.
        generation: of what was asked of the supervisor.
        urls: where it answers a challenge; what it was given is not asked for then.
    """
    if urls is not None:
        return _proven(opened, agent, given, generation=generation, urls=urls)
    if not injection.shown():
        return _built(opened, given, generation)
    held = injection.held(pid)
    if held is None:
        return None
    found: dict[str, instances.Seen] = {}
    for variable, one in given.items():
        if variable in held:
            fingerprint = opened.fingerprinter.of_bytes(held[variable])
            found[one.version.credential_id] = _seen(opened, one.version, fingerprint, generation, injection.method)
    return tuple(found.values())


def record(opened: OpenVault, identifier: str, agent: str, pid: int, seen: tuple[instances.Seen, ...]) -> None:
    """Write down what was seen, for the engine and in the ledger."""
    with opened.database.write() as connection:
        instances.attest(connection, identifier, seen)
        for one in seen:
            opened.ledger.append(
                connection,
                actor=f"agent:{agent}",
                action="agent.serving",
                subject=store.credential_by_id(connection, one.version.credential_id).name,
                detail={
                    "version": one.version.number,
                    "fingerprint": one.fingerprint.short,
                    "method": one.method,
                    "pid": pid,
                },
            )


def _built(opened: OpenVault, given: Mapping[str, Given], generation: int) -> tuple[instances.Seen, ...]:
    """Return what we built, where no kernel can be asked."""
    found = {
        one.version.credential_id: _seen(opened, one.version, one.fingerprint, generation, "built")
        for one in given.values()
    }
    return tuple(found.values())


def _proven(
    opened: OpenVault,
    agent: instances.AgentRecord,
    given: Mapping[str, Given],
    *,
    generation: int,
    urls: str,
) -> tuple[instances.Seen, ...] | None:
    """Return what the process has proven to hold; None if it did not answer, or with something else."""
    with opened.database.read() as connection:
        beside = halves_of(connection, {variable: one.version for variable, one in given.items()})
    answers = challenge.collect(urls, agent.name, given, beside=beside, timeout_s=_CHALLENGE_S)
    if not answers:
        return None
    found: dict[str, instances.Seen] = {}
    for variable, one in given.items():
        with opened.database.write() as connection:
            ref, value = resolve(
                connection,
                opened.vault,
                opened.ledger,
                agent,
                one.version.credential_id,
                purpose=challenge.METHOD,
                number=one.version.number,
            )
        good = ref == one.version and all(
            challenge.right(value, answer.question, answer.given)
            for answer in answers
            if answer.question.variable == variable
        )
        value.wipe()
        if not good:
            return None
        found[ref.credential_id] = _seen(opened, ref, one.fingerprint, generation, challenge.METHOD)
    return tuple(found.values())


def _seen(
    opened: OpenVault, version: VersionRef, fingerprint: Fingerprint, generation: int, method: str
) -> instances.Seen:
    return instances.Seen(
        version=version, fingerprint=fingerprint, generation=generation, method=method, attested_at=opened.clock()
    )
