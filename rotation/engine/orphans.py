"""Find and end keys that a lost answer left behind: they carry our tag and belong to no version."""

from __future__ import annotations

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import Run
from keysweep.rotation.providers import ProviderError
from keysweep.rotation.vault import store


def sweep(run: Run) -> int:
    """Revoke every key at the provider that this rotation minted and did not keep; return how many.

    A key is an orphan by two signs: its name begins with the rotation's tag, and its id is not that of any stored version.

    Raises:
        ProviderError: the provider did not answer; the sweep may be repeated.
    """
    if run.provider.find is None or run.provider.revoke is None or run.provider.mint is None:
        return 0
    tag = run.record().tag
    with run.opened.database.read() as connection:
        kept = {version.provider_key_id for version in store.versions(connection, run.credential.id)}
    swept = 0
    for key in run.provider.find(run.account):
        if key.name.startswith(tag) and key.active and key.key_id not in kept:
            run.provider.revoke(run.account, key.key_id, Secret(b""))
            swept += 1
    return swept


def read_back(run: Run) -> Secret | None:
    """Return the raw answer that a lost call would have given, at a vendor that shows values again; None if it made no key.

    Raises:
        ProviderError: the provider did not answer.
    """
    if run.provider.read_back is None or run.provider.find is None:
        return None
    tag = run.record().tag
    made = [key.key_id for key in run.provider.find(run.account) if key.name.startswith(tag) and key.active]
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
