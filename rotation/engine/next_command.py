"""The one command that goes on from how a rotation stands: said by `rotate`, by its list of open ones, and by the report."""

from __future__ import annotations

from sqlalchemy import Connection

from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import CredentialId, State
from keysweep.rotation.engine.steps import Outcome, Policy
from keysweep.rotation.providers import Kind
from keysweep.rotation.vault import store

_FROM_A_PERSON = frozenset({Kind.MANUAL, Kind.DEACTIVATE_ONLY})
"""Providers whose new keys a person makes and hands in."""


def next_command(outcome: Outcome, *, credential: str, rotation_id: str, lacks_key: bool = False) -> str:
    """Return the command; empty where nothing is left to do.

    Args:
        outcome: how the rotation stands; HALF_WAY for one that was interrupted.
        credential: its name.
        rotation_id: of the rotation.
        lacks_key: it cannot go on before a person hands a new key in.
    """
    match outcome:
        case Outcome.DONE:
            return ""
        case Outcome.ROLLED_BACK:
            return f"keysweep rotate {credential} --yes"
        case Outcome.CONTAINED:
            return f"keysweep keys show {credential}"
        case Outcome.WAITING:
            return "keysweep rotate --due"
        case Outcome.HALF_WAY:
            return (
                f"keysweep keys set {credential} --standby"
                if lacks_key
                else f"keysweep rotate --resume {rotation_id[:12]}"
            )


def lacks_key(connection: Connection, credential: CredentialId, policy: Policy) -> bool:
    """Whether a rotation that only contained the old key waits for a new one from a person."""
    if policy is not Policy.CONTAIN or store.version_in(connection, credential, State.STANDBY) is not None:
        return False
    provider = store.credential_by_id(connection, credential).provider
    return provider in provider_catalog.names() and provider_catalog.get(provider).facts.kind in _FROM_A_PERSON
