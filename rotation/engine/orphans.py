"""Find and end keys that a lost answer left behind: they carry the credential's tag and belong to no version."""

from __future__ import annotations

from collections.abc import Callable

from keysweep.foundation.secret import Secret
from keysweep.rotation.credential import CredentialId
from keysweep.rotation.engine import journal
from keysweep.rotation.engine.run import Run
from keysweep.rotation.engine.steps import Step
from keysweep.rotation.providers import ProviderError, ProviderKey
from keysweep.rotation.vault import store

BEFORE = "keys_before"
"""What PREPARE notes for a provider whose keys have no names."""


def lineage(credential: CredentialId) -> str:
    """Return how the names of all keys begin that are minted for a credential."""
    return f"keysweep-{credential[:8]}-"


def sweep(run: Run) -> int:
    """Revoke every key at the provider that a rotation of this credential minted and did not keep; return how many.

    A key is an orphan by two signs: its name begins with the credential's tag, and its id is not that of any stored version.
    Where keys have no names, it is one that was not there before this rotation minted.
    An earlier rotation may have left one, too: of a worker that was fenced out, and killed before it could take its key back.

    Raises:
        ProviderError: the provider did not answer; the sweep may be repeated.
    """
    if run.provider.find is None or run.provider.revoke is None or run.provider.mint is None:
        return 0
    with run.opened.database.read() as connection:
        kept = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
    ours = _ours(run)
    swept = 0
    account = run.acting()
    for key in run.provider.find(account):
        if ours(key) and key.active and key.key_id not in kept:
            run.provider.revoke(account, key.key_id, Secret(b""))
            swept += 1
    return swept


def listed_before(run: Run) -> str | None:
    """Return the ids of the keys that the provider has before anything is minted, where keys cannot be told by their names."""
    if run.provider.find is None or run.provider.mint is None or run.provider.facts.tag_limit > 0:
        return None
    return " ".join(key.key_id for key in run.provider.find(run.account))


def _ours(run: Run) -> Callable[[ProviderKey], bool]:
    """Return what tells the keys that were minted for this credential."""
    if run.provider.facts.tag_limit > 0:
        return lambda key: key.name.startswith(lineage(run.credential.id))
    with run.opened.database.read() as connection:
        noted = [
            str(event.detail[BEFORE])
            for event in journal.events(connection, run.rotation_id)
            if event.step is Step.PREPARE and event.detail.get(BEFORE) is not None
        ]
    before = set(noted[0].split()) if noted else None
    return lambda key: before is not None and key.key_id not in before


def read_back(run: Run) -> Secret | None:
    """Return the raw answer that a lost call would have given, at a vendor that shows values again; None if it made no key.

    Raises:
        ProviderError: the provider did not answer.
    """
    if run.provider.read_back is None or run.provider.find is None:
        return None
    with run.opened.database.read() as connection:
        kept = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
    ours = _ours(run)
    made = [key.key_id for key in run.provider.find(run.account) if ours(key) and key.active and key.key_id not in kept]
    return run.provider.read_back(run.account, made[0]) if made else None


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
