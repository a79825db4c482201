"""The inventory: put credentials into the vault, one by one or many at once, all or none."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection

from keysweep.foundation.errors import UsageError
from keysweep.foundation.fingerprint import Fingerprint
from keysweep.foundation.secret import Secret
from keysweep.rotation import instances, profiles
from keysweep.rotation.bulk import NewKey, NewKeys, stored_names
from keysweep.rotation.credential import Credential, CredentialId, State, Version
from keysweep.rotation.entry import Effect, Entry, ImportRowError, Place, default_variable
from keysweep.rotation.public_text import public_text
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

__all__ = ["Effect", "Entry", "ImportRowError", "Place", "add", "default_variable", "import_entries", "replace_value"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:-]{0,127}")


def add(connection: Connection, opened: OpenVault, entry: Entry, *, actor: str) -> Effect:
    """Store one key, and its agent and binding where it names one.

    Raises:
        UsageError: the name is taken by another value, or is no name.
    """
    fingerprint = _check(opened, entry)
    known = store.find_credential(connection, entry.name)
    if known and any(
        opened.ring.same(connection, version.fingerprint, fingerprint)
        for version in store.versions(connection, known.id)
    ):
        if not known.is_admin and known.retired_at is None:
            _bind(connection, opened, entry, known.id, actor=actor, anew=False)
        return Effect.UNCHANGED
    if known and entry.state is not State.STANDBY:
        msg = f"{entry.name!r} is stored with another value"
        raise UsageError(msg, hint=f"keysweep keys set {entry.name}")
    if known:
        _refuse_retired(known)
    credential = known or _create(connection, opened, entry)
    version = opened.vault.add_version(
        connection,
        credential,
        entry.value,
        state=entry.state,
        provider_key_id=entry.provider_key_id,
        created_at=entry.rotated_at or entry.created_at,
    )
    _bind(connection, opened, entry, credential.id, actor=actor, anew=True)
    opened.ledger.append(
        connection,
        actor=actor,
        action="key.stored",
        subject=entry.name,
        detail={
            "version": version.ref.number,
            "fingerprint": version.fingerprint.short,
            "provider": entry.provider,
            "state": entry.state.value,
        },
    )
    return _stored(entry)


def _bind(
    connection: Connection, opened: OpenVault, entry: Entry, credential: CredentialId, *, actor: str, anew: bool
) -> None:
    """Let the agent of an entry get the credential; unless *anew*, a variable that carries another one keeps it."""
    if not entry.agent or entry.is_admin:
        return
    instances.add_agent(connection, entry.agent, "process", {}, opened.clock())
    first = entry.variable or default_variable(entry.provider, entry.name)
    for variable in (first, *entry.more_variables):
        if anew or not instances.is_bound(connection, entry.agent, variable):
            instances.bind(connection, entry.agent, variable, credential)
            opened.ledger.append(
                connection,
                actor=actor,
                action="agent.bound",
                subject=entry.agent,
                detail={"credential": entry.name, "variable": variable},
            )


def _check(opened: OpenVault, entry: Entry) -> Fingerprint:
    """Refuse a key in what is shown of an entry, its own value above all; only then is a name repeated in a message.

    Returns:
        The fingerprint of the value.
    """
    if not entry.value:
        msg = "the value is empty"
        raise UsageError(msg)
    fingerprint = opened.fingerprinter.of(entry.value)
    texts = {
        "name": entry.name,
        "provider": entry.provider,
        "owner": entry.owner,
        "environment": entry.environment,
        "class": entry.policy_class,
        "agent": entry.agent,
        "variable": entry.variable,
        "key id": entry.provider_key_id or "",
        **{f"setting {number}": text for number, text in enumerate(entry.settings.values(), start=1)},
    }
    for what, text in texts.items():
        if text:
            public_text(text, what=what, is_value=lambda word: opened.fingerprinter.of(Secret(word)) == fingerprint)
    if not _NAME.fullmatch(entry.name):
        msg = "a name has letters, digits and . _ / @ : - only, and at most 128 of them"
        raise UsageError(msg)
    return fingerprint


def _refuse_retired(credential: Credential) -> None:
    if credential.retired_at is not None:
        msg = f"{credential.name!r} is out of use since {credential.retired_at:%F}"
        raise UsageError(msg, hint="keysweep keys add, under another name")


def import_entries(
    opened: OpenVault, entries: Iterable[tuple[Place, Entry | ImportRowError]], *, actor: str, partial: bool = False
) -> Iterator[tuple[Place, str, Effect | UsageError]]:
    """Store many keys in one transaction: all, or with *partial* the good ones.

    Args:
        opened: the store.
        entries: with the place of each: the number of a line, or words for it.
        actor: who does it.
        partial: take the good ones even if others are bad.

    Yields:
        Place, name and what happened.

    Raises:
        ImportRowError: a row is bad and *partial* is false; nothing was stored.
    """
    answers: list[tuple[Place, str, Effect | UsageError]] = []
    rows = tuple(entries)
    new = NewKeys(opened, actor)
    with opened.database.write() as connection:
        stored = stored_names(connection, (entry.name for _, entry in rows if isinstance(entry, Entry)))
        for place, entry in rows:
            try:
                if isinstance(entry, ImportRowError):
                    raise entry
                if entry.name in stored or entry.name in new:
                    new.write(connection)  # what comes twice meets its first row in the store
                    stored |= {entry.name}
                    effect = add(connection, opened, entry, actor=actor)
                else:
                    effect = _gather(new, opened, entry)
                answers.append((place, entry.name, effect))
            except UsageError as error:
                if not partial:
                    msg = (
                        f"{place if isinstance(place, str) else f'line {place}'}: {error.message}; nothing was imported"
                    )
                    raise ImportRowError(msg, hint=error.hint or "--partial takes the good rows") from None
                answers.append((place, "", error))
        new.write(connection)
    yield from answers


def _gather(new: NewKeys, opened: OpenVault, entry: Entry) -> Effect:
    """Check an entry of an unknown name and gather it among the new ones."""
    _check(opened, entry)
    variables = (entry.variable or default_variable(entry.provider, entry.name), *entry.more_variables)
    new.add(
        NewKey(
            credential=_credential(opened, entry),
            value=entry.value,
            state=entry.state,
            provider_key_id=entry.provider_key_id,
            at=entry.rotated_at or entry.created_at,
            policy_class=entry.policy_class,
            agent="" if entry.is_admin else entry.agent,
            variables=variables,
        )
    )
    return _stored(entry)


def _stored(entry: Entry) -> Effect:
    return Effect.STANDBY if entry.state is State.STANDBY else Effect.ADDED


def _create(connection: Connection, opened: OpenVault, entry: Entry) -> Credential:
    credential = _credential(opened, entry)
    store.add_credential(connection, credential)
    if entry.policy_class:
        profiles.put(connection, credential.id, policy_class=entry.policy_class)
    return credential


def _credential(opened: OpenVault, entry: Entry) -> Credential:
    return Credential(
        id=CredentialId(uuid.uuid4().hex),
        name=entry.name,
        provider=entry.provider,
        owner=entry.owner,
        environment=entry.environment,
        is_admin=entry.is_admin,
        admin=entry.admin,
        settings=entry.settings,
        created_at=entry.created_at or opened.clock(),
        rotated_at=entry.rotated_at or entry.created_at or opened.clock(),
        expires_at=entry.expires_at,
    )


def replace_value(
    opened: OpenVault, name: str, value: Secret, *, key_id: str | None, standby: bool, actor: str
) -> Version:
    """Store a new value of a credential that is there: as a standby, or in place of the current one.

    The value that is replaced stays recognisable by its fingerprint and is taken for live until it is proven dead; its
    plaintext goes at once.

    Raises:
        UsageError: the credential has this very value already.
    """
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        _refuse_retired(credential)
        fingerprint = opened.fingerprinter.of(value)
        if any(
            opened.ring.same(connection, version.fingerprint, fingerprint)
            for version in store.versions(connection, credential.id)
        ):
            msg = f"{name!r} has, or had, this very value"
            raise UsageError(msg)
        current = store.version_in(connection, credential.id, State.CURRENT)
        if current is not None and not standby:
            store.change_version(connection, current.ref, State.RETIRING)
            store.shred_value(connection, current.ref)
        version = opened.vault.add_version(
            connection,
            credential,
            value,
            state=State.STANDBY if standby else State.CURRENT,
            provider_key_id=key_id,
        )
        if not standby:
            store.mark_rotated(connection, credential.id, version.created_at)
            store.change_credential(connection, credential.id, expires_at=None)  # it was said of the value that went
        opened.ledger.append(
            connection,
            actor=actor,
            action="key.stored",
            subject=name,
            detail={
                "version": version.ref.number,
                "fingerprint": version.fingerprint.short,
                "state": version.state.value,
            },
        )
    opened.database.forget_log()
    return version
