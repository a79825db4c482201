"""Find and end keys that a lost answer left behind: they carry the credential's tag and belong to no version."""

from __future__ import annotations

from collections.abc import Sequence

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.journal import RotationEvent
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Phase, Result, Step
from keysweep.rotation.providers import ProviderError, ProviderKey, Trouble
from keysweep.rotation.vault import store

BEFORE = "keys_before"
"""What PREPARE notes for a provider whose keys have no names."""
_LOST = frozenset({Trouble.UNCERTAIN.value, Trouble.UNREADABLE.value})
"""Failures of a call that may have made a key all the same."""


def lineage(credential: CredentialId) -> str:
    """Return how the names of all keys begin that are minted for a credential."""
    return f"keysweep-{credential[:8]}-"


def sweep(run: Run) -> int:
    """Revoke every key at the provider that a rotation of this credential minted and did not keep; return how many.

    A key is an orphan by two signs: its name begins with the credential's tag, and its id is not that of any stored version.
    An earlier rotation may have left one, too: of a worker that was fenced out, and killed before it could take its key back.
    Where keys have no names, orphans are those that were not there before this rotation minted, if they are no more than it can have
    made: else somebody else minted meanwhile, nobody can tell whose is whose, and none is touched.

    Raises:
        ProviderError: the provider did not answer; the sweep may be repeated.
    """
    if run.provider.find is None or run.provider.revoke is None or run.provider.mint is None:
        return 0
    account = run.acting()
    found = _orphans(run, run.provider.find(account))
    for key in found:
        run.provider.revoke(account, key.key_id, Secret(b""))
    return len(found)


def listed_before(run: Run) -> str | None:
    """Return the ids of the keys that the provider has before anything is minted, where keys cannot be told by their names."""
    nameless = run.provider.mint is not None and run.provider.facts.tag_limit == 0
    if run.provider.find is None or not nameless or run.account.admin is None:
        return None
    return " ".join(key.key_id for key in run.provider.find(run.account))


def read_back(run: Run) -> Secret | None:
    """Return the raw answer that a lost call would have given, at a vendor that shows values again; None if it made no key.

    Raises:
        ProviderError: the provider did not answer.
    """
    if run.provider.read_back is None or run.provider.find is None:
        return None
    made = _orphans(run, run.provider.find(run.account))
    return run.provider.read_back(run.account, made[0].key_id) if made else None


def end_minted(run: Run, raw: Secret, tag: str) -> None:
    """Revoke the one key that was minted just now and cannot be kept; no other, another worker may have its own by now.

    Raises:
        ProviderError: it did not work; the key is an orphan, for the next sweep.
    """
    if run.provider.revoke is None or run.provider.read_minted is None:
        return
    try:
        identifiers = [run.provider.read_minted(raw).key_id]
    except ProviderError:
        listed = run.provider.find(run.account) if run.provider.find else ()
        identifiers = [key.key_id for key in listed if key.name == tag and key.active]
    for identifier in identifiers:
        run.provider.revoke(run.account, identifier, Secret(b""))


def _orphans(run: Run, listed: Sequence[ProviderKey]) -> list[ProviderKey]:
    """Return the live keys that were minted for this credential and belong to no version."""
    with run.opened.database.read() as connection:
        kept = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
        events = journal.events(connection, run.rotation_id)
    unkept = [key for key in listed if key.active and key.key_id not in kept]
    if run.provider.facts.tag_limit > 0:
        return [key for key in unkept if key.name.startswith(lineage(run.credential.id))]
    noted = [str(event.detail[BEFORE]) for event in events if event.detail.get(BEFORE) is not None]
    new = [key for key in unkept if key.key_id not in noted[-1].split()] if noted else []
    return new if len(new) <= _unkept_mints(run, events) else []


def _unkept_mints(run: Run, events: Sequence[RotationEvent]) -> int:
    """Return how many keys this rotation can have made at most that are neither stored nor ended."""
    mints = [event for event in events if event.step is Step.MINT]
    harmless = {row.attempt for row in mints if row.result is Result.FAILED and row.detail.get("why") not in _LOST}
    if mints and events[-1] is mints[-1] and mints[-1].phase is Phase.INTENT:
        harmless.add(mints[-1].attempt)  # MINT looks for orphans before it calls
    ended = sum(int(row.detail.get("orphans_swept") or 0) for row in mints)
    return len({row.attempt for row in mints} - harmless) - ended - (run.record().new_number is not None)
