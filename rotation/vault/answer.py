"""What is said of a stored version where it was recognised."""

from __future__ import annotations

from keysweep.rotation.credential import Credential, State, Version
from keysweep.scanner.known import CredentialMatch, KnownState, MatchKind

_KNOWN_STATE = {
    State.CURRENT: KnownState.CURRENT,
    State.PENDING: KnownState.STANDBY,
    State.STANDBY: KnownState.STANDBY,
    State.RETIRING: KnownState.RETIRED,
    State.RETIRED: KnownState.RETIRED,
    State.DISCARDED: KnownState.RETIRED,
}


def answer(credential: Credential, version: Version, match: MatchKind, certainty: float) -> CredentialMatch:
    """Return whose value it is, and what it is to its credential."""
    return CredentialMatch(
        name=credential.name,
        provider=credential.provider,
        version=version.ref.number,
        state=_KNOWN_STATE[version.state],
        match=match,
        certainty=certainty,
        dead_since=version.dead_at,
    )
