"""Amend the inventory: what is said of a credential, the provider's id of its key, and taking it out of use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from sqlalchemy import Connection

from keysweep.foundation.clock import to_text
from keysweep.foundation.errors import UsageError
from keysweep.rotation import instances, profiles
from keysweep.rotation.credential import Credential, State, VersionRef
from keysweep.rotation.engine import journal
from keysweep.rotation.stated import checked, stated
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault

_IN_USE = (State.CURRENT, State.STANDBY, State.PENDING)
_LONGEST_DAYS = 3650


class Never(Enum):
    """No moment."""

    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """What is said anew; None leaves what was said."""

    owner: str | None = None
    environment: str | None = None
    policy_class: str | None = None
    kind: str | None = None
    runbook: str | None = None
    max_age_days: int | None = None
    """An age limit of its own, shorter than its policy's; 0 takes it away."""
    expires_at: datetime | Never | None = None
    """When its provider ends it."""


def amend(opened: OpenVault, name: str, said: Amendment, *, actor: str) -> tuple[str, ...]:
    """State facts of a credential anew.

    Returns:
        Names of what changed.

    Raises:
        UsageError: no such credential, or nothing was said.
        KeyInPublicTextError: what was said is a key.
    """
    if said.max_age_days is not None and not 0 <= said.max_age_days <= _LONGEST_DAYS:
        msg = f"an age limit is between 1 and {_LONGEST_DAYS} days; 0 takes it away"
        raise UsageError(msg)
    texts = {
        what: checked(opened, text, what=what.replace("policy_", ""))
        for what in ("owner", "environment", "policy_class", "kind", "runbook")
        if (text := getattr(said, what)) is not None
    }
    if said.expires_at is not None:
        texts["expires_at"] = "" if isinstance(said.expires_at, Never) else to_text(said.expires_at)
    if not texts and said.max_age_days is None:
        msg = "nothing was said to change"
        raise UsageError(msg, hint="keysweep keys edit --help")
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        before = _said(connection, credential)
        after = before | texts
        if said.max_age_days is not None:
            after["max_age_days"] = str(said.max_age_days or "")
        changed = tuple(what for what in after if after[what] != before[what])
        if not changed:
            return ()
        facts: dict[str, str | int | None] = {what: after[what] for what in changed if what in {"owner", "environment"}}
        if "max_age_days" in changed:
            facts["max_age_days"] = said.max_age_days or None
        if "expires_at" in changed:
            facts["expires_at"] = after["expires_at"] or None
        if facts:
            store.change_credential(connection, credential.id, **facts)
        if noted := {what: after[what] for what in changed if what in {"policy_class", "kind", "runbook"}}:
            profiles.put(connection, credential.id, **noted)
        opened.ledger.append(
            connection,
            actor=actor,
            action="key.edited",
            subject=name,
            detail={what: f"{before[what] or 'none'} > {after[what] or 'none'}" for what in changed},
        )
    return changed


def set_key_id(opened: OpenVault, name: str, key_id: str, *, number: int | None = None, actor: str) -> VersionRef:
    """Record the provider's own id of a credential's current value, or of the version *number*.

    Raises:
        UsageError: no such credential or version.
        KeyInPublicTextError: what was typed is the key itself.
    """
    clean = stated(opened, key_id, what="key id")
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        wanted = next(
            (
                version
                for version in store.versions(connection, credential.id)
                if (version.ref.number == number if number is not None else version.state is State.CURRENT)
            ),
            None,
        )
        if wanted is None:
            msg = f"{name!r} has no {f'version {number}' if number is not None else 'current value'}"
            raise UsageError(msg, hint=f"keysweep keys show {name}")
        store.set_provider_key_id(connection, wanted.ref, clean)
        opened.ledger.append(
            connection,
            actor=actor,
            action="key.id-set",
            subject=name,
            detail={"version": wanted.ref.number, "key_id": clean, "before": wanted.provider_key_id or "none"},
        )
    return wanted.ref


def retire(opened: OpenVault, name: str, *, reason: str, actor: str) -> tuple[str, ...]:
    """Take a credential out of use: its values are destroyed here, no agent gets it again, its fingerprints stay.

    It is not ended at its provider: whoever has a copy can use it until somebody ends it there.

    Returns:
        Agents that had it.

    Raises:
        UsageError: no reason, no such credential, or it is out of use already.
        KeyInPublicTextError: the reason holds a key.
    """
    said = stated(opened, reason, what="reason")
    with opened.database.write() as connection:
        credential = store.credential_named(connection, name)
        if credential.retired_at is not None:
            msg = f"{name!r} is out of use since {credential.retired_at:%F}"
            raise UsageError(msg, hint=f"keysweep keys show {name}")
        if journal.unfinished(connection, credential.id):
            msg = f"a rotation of {name!r} has not ended"
            raise UsageError(msg, hint="keysweep rotate --list")
        ended = []
        for version in store.versions(connection, credential.id):
            if version.state in _IN_USE:
                store.change_version(connection, version.ref, State.RETIRING)
                ended.append(version.ref.number)
            store.shred_value(connection, version.ref)
        agents = tuple(agent.name for agent in instances.agents_of(connection, credential.id))
        instances.unbind_all(connection, credential.id)
        moment = opened.clock()
        store.change_credential(connection, credential.id, retired_at=to_text(moment))
        profiles.put(connection, credential.id, retired_reason=said)
        opened.ledger.append(
            connection,
            actor=actor,
            action="key.retired",
            subject=name,
            detail={"reason": said, "versions": " ".join(map(str, ended)) or "none", "agents": " ".join(agents)},
        )
    opened.database.forget_log()
    return agents


def _said(connection: Connection, credential: Credential) -> dict[str, str]:
    profile = profiles.of(connection, credential.id)
    return {
        "owner": credential.owner,
        "environment": credential.environment,
        "policy_class": profile.policy_class,
        "kind": profile.kind,
        "runbook": profile.runbook,
        "max_age_days": str(credential.max_age_days or ""),
        "expires_at": to_text(credential.expires_at) if credential.expires_at else "",
    }
