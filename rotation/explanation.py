"""What is known of a leaked key: whose it is, where else it was seen, who holds it now, and what to do next."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection

from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.rotation import instances
from keysweep.rotation.credential import Credential, State, Version
from keysweep.rotation.vault import store
from keysweep.rotation.vault.index import exact_owner
from keysweep.rotation.vault.unlock import OpenVault
from keysweep.scanner import history
from keysweep.scanner.history import Sighting, StoredFinding
from keysweep.scanner.known import MatchKind

_SHORTEST = 4
"""Bytes of a fingerprint that must be given."""


class UnknownSubjectError(UsageError):
    """There is nothing of that name to explain."""


class Answer(StrEnum):
    """What a leaked value is to this store."""

    CURRENT = "current"
    STANDBY = "standby"
    RETIRED = "retired"
    STRANGER = "stranger"


_ANSWERS = {State.CURRENT: Answer.CURRENT, State.STANDBY: Answer.STANDBY, State.PENDING: Answer.STANDBY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A running agent that was seen to hold a version of the credential."""

    agent: str
    host: str
    version: int
    attested_at: datetime
    method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer, and what it rests on."""

    answer: Answer
    finding: StoredFinding | None
    sightings: tuple[Sighting, ...]
    credential: Credential | None
    version: Version | None
    others: tuple[StoredFinding, ...]
    """Other findings of the same credential."""
    bound: tuple[str, ...]
    """Agents that may resolve the credential."""
    holders: tuple[Holder, ...]
    next: str
    """One command, or one sentence where no command helps."""


def explain(opened: OpenVault, subject: str) -> Explanation:
    """Explain a finding (`f-...`), a fingerprint (`kf:...`) or a credential.

    Raises:
        UnknownSubjectError: there is none of that name.
    """
    with opened.database.read() as connection:
        if subject.startswith("kf:"):
            return _of_fingerprint(opened, connection, subject)
        credential = store.find_credential(connection, subject)
        if credential is not None:
            return _of_credential(opened, connection, credential)
        try:
            return _of_finding(opened, connection, history.get(connection, subject))
        except history.UnknownFindingError as error:
            msg = "there is no finding, fingerprint, credential, rule or exit code of that name"
            raise UnknownSubjectError(
                msg, hint="keysweep scan shows findings, keysweep keys list credentials"
            ) from error


def _of_fingerprint(opened: OpenVault, connection: Connection, subject: str) -> Explanation:
    digits = subject.removeprefix("kf:")
    if not re.fullmatch(rf"(?:[0-9a-f]{{2}}){{{_SHORTEST},32}}", digits):
        msg = f"a fingerprint is kf: and {2 * _SHORTEST} to 64 hexadecimal digits, an even number"
        raise UnknownSubjectError(msg, hint="keysweep scan shows one beside each finding")
    found = history.with_fingerprint(connection, bytes.fromhex(digits))
    if len(found) > 1:
        msg = f"{len(found)} findings have a fingerprint that begins so"
        raise UnknownSubjectError(msg, hint="give more of its digits")
    if found:
        return _of_finding(opened, connection, found[0])
    forms = opened.ring.forms(connection, Fingerprint(bytes.fromhex(digits))) if len(digits) == 64 else ()
    known = exact_owner(connection, *forms)
    if known is None:
        msg = "no finding has that fingerprint"
        raise UnknownSubjectError(msg, hint="scan with the store first: keysweep scan PATH")
    credential = store.credential_named(connection, known.name)
    versions = {version.ref.number: version for version in store.versions(connection, credential.id)}
    return _made(opened, connection, None, credential, versions[known.version])


def _of_finding(opened: OpenVault, connection: Connection, finding: StoredFinding) -> Explanation:
    credential = store.find_credential(connection, finding.credential) if finding.credential else None
    version = None
    if credential is not None:
        numbered = {version.ref.number: version for version in store.versions(connection, credential.id)}
        version = numbered.get(finding.number or 0)
    return _made(opened, connection, finding, credential, version)


def _of_credential(opened: OpenVault, connection: Connection, credential: Credential) -> Explanation:
    if seen := history.of_credential(connection, credential.name):
        leaks = (finding for finding in seen if finding.match is not MatchKind.KEY_ID)
        return _of_finding(opened, connection, next(leaks, seen[0]))
    return _made(opened, connection, None, credential, store.version_in(connection, credential.id, State.CURRENT))


def _made(
    opened: OpenVault,
    connection: Connection,
    finding: StoredFinding | None,
    credential: Credential | None,
    version: Version | None,
) -> Explanation:
    answer = Answer.STRANGER
    if credential is not None:
        answer = _ANSWERS.get(version.state, Answer.RETIRED) if version else Answer.RETIRED
    others = history.of_credential(connection, credential.name) if credential else ()
    bound = tuple(agent.name for agent in instances.agents_of(connection, credential.id)) if credential else ()
    return Explanation(
        answer=answer,
        finding=finding,
        sightings=history.sightings(connection, finding.id) if finding else (),
        credential=credential,
        version=version,
        others=tuple(other for other in others if finding is None or other.id != finding.id),
        bound=bound,
        holders=_holders(connection, credential, bound, opened.clock()) if credential else (),
        next=_next(answer, finding, credential, version),
    )


def _holders(
    connection: Connection, credential: Credential, agents: tuple[str, ...], now: datetime
) -> tuple[Holder, ...]:
    return tuple(
        Holder(
            agent=agent,
            host=instance.host,
            version=seen.version.number,
            attested_at=seen.attested_at,
            method=seen.method,
        )
        for agent in agents
        for instance in instances.live_instances(connection, agent, now)
        for seen in instances.seen(connection, instance.id)
        if seen.version.credential_id == credential.id
    )


def _next(answer: Answer, finding: StoredFinding | None, credential: Credential | None, version: Version | None) -> str:
    if credential is None:
        provider = finding.provider if finding else "its provider"
        return f"revoke it at {provider}; if an agent uses it: keysweep keys add NAME --provider {provider}"
    if finding is None:
        return f"it was seen nowhere; keysweep keys show {credential.name}"
    if finding.match is MatchKind.KEY_ID:
        return "nothing: an id opens nothing"
    if version is not None and version.dead_at is not None:
        return "nothing: the provider refuses it"
    if answer is Answer.RETIRED:
        return "keysweep rotate --list"
    return f"keysweep rotate --finding {finding.id}"
