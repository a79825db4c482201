"""Begin a rotation: what takes part in it, which steps it will take, and its first row in the store."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from keysweep.foundation.errors import UsageError
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import Credential, State
from keysweep.rotation.engine import breaker, journal, terms
from keysweep.rotation.engine.journal import RotationRecord
from keysweep.rotation.engine.lease import Lease, hold
from keysweep.rotation.engine.plan import Lack, NotPossibleError, Plan, plan
from keysweep.rotation.engine.steps import Mode, Policy
from keysweep.rotation.engine.terms import Terms
from keysweep.rotation.provider_catalog import UnknownProviderError
from keysweep.rotation.providers import Account, Provider
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What shall be rotated, and why."""

    credential: str
    """Name."""
    mode: Mode
    reason: str
    number: int | None = None
    """The compromised version; None means the current one."""
    incident_id: str | None = None
    terms: Terms = field(default_factory=Terms)
    override_breaker: bool = False
    """A person says that the source of the leaks is closed."""


def parties(opened: OpenVault, name: str) -> tuple[Credential, Provider, Account]:
    """Return what takes part in the rotation of a credential.

    Raises:
        UnknownCredentialError: no such credential.
        UnknownProviderError: its provider has no adapter.
    """
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        admin = store.admin_for(connection, credential)
        current = store.version_in(connection, admin.id, State.CURRENT) if admin else None
        key = opened.vault.open_version(connection, current.ref) if current else None
        replaced = store.version_in(connection, credential.id, State.CURRENT)
    settings: Mapping[str, str] = {**opened.settings.providers.get(credential.provider, {}), **credential.settings}
    key_id = replaced.provider_key_id if replaced else None
    admin_id = current.provider_key_id if current else None
    account = Account(credential=name, settings=settings, admin=key, key_id=key_id, admin_id=admin_id)
    try:
        return credential, provider_catalog.get(credential.provider), account
    except UnknownProviderError as error:
        raise UnknownProviderError(error.message, hint=f"keysweep keys set {credential.name}") from None


def preview(opened: OpenVault, request: Request, *, but: str | None = None) -> tuple[Plan, Policy]:
    """Return the steps that `rotate` would take, without taking one, and the policy that they follow.

    A compromised key is contained at least: where no new one can be made, or where one after the other leaks.

    Args:
        opened: the store.
        request: what is asked for.
        but: id of a rotation that the circuit breaker does not count.

    Raises:
        NotPossibleError: there is no automatic way.
        UsageError: the terms cannot be kept at this provider.
    """
    credential, provider, account = parties(opened, request.credential)
    with opened.database.read() as connection:
        standby = store.version_in(connection, credential.id, State.STANDBY) is not None
        leaks_on = breaker.trips(connection, credential.id, opened.clock(), but=but)
    policy = request.terms.policy
    if request.mode is Mode.FORCED and leaks_on and not request.override_breaker:
        policy = Policy.CONTAIN

    def planned(policy: Policy) -> Plan:
        return plan(
            provider.facts,
            request.mode,
            standby=standby,
            has_admin=account.admin is not None,
            policy=policy,
            grace=request.terms.grace,
            ends_itself=provider.end_self is not None,
        )

    try:
        return planned(policy), policy
    except NotPossibleError as refused:
        if refused.lack is Lack.GRACE:
            raise UsageError(refused.lack.value, hint=f"keysweep rotate {credential.name} --yes") from None
        contains = refused.lack is Lack.STANDBY or provider.end_self is not None
        if request.mode is Mode.FORCED and contains:
            return planned(Policy.CONTAIN), Policy.CONTAIN
        raise lacking(refused.lack, credential, provider) from None


def lacking(lack: Lack, credential: Credential, provider: Provider) -> NotPossibleError:
    """Return what is said where something is not there, with the one command that brings it."""
    if lack is Lack.ADMIN:
        name = f"{credential.provider}-admin"
        return NotPossibleError(lack, hint=f"keysweep keys add {name} --provider {credential.provider} --admin-key")
    if lack is Lack.HAND:
        return NotPossibleError(lack, hint=f"keysweep keys set {credential.name}")
    said = NotPossibleError(lack, hint=f"keysweep keys set {credential.name} --standby")
    if provider.runbook is not None:
        said.message += f": {provider.runbook.create} ({provider.runbook.console})"
    return said


def begin(opened: OpenVault, request: Request, lease: Lease) -> str:
    """Store a rotation with its plan, the first thing that a crash would find, and return its id.

    Raises:
        NotPossibleError: there is no automatic way; nothing was stored.
        UsageError: the credential has no value, or the terms cannot be kept.
    """
    planned, policy = preview(opened, request)
    with opened.database.write() as connection:
        hold(connection, lease, opened.clock)
        credential = store.credential_named(connection, request.credential)
        current = store.version_in(connection, credential.id, State.CURRENT)
        if current is None:
            msg = f"{credential.name!r} has no current value"
            raise UsageError(msg, hint=f"keysweep keys set {credential.name}")
        identifier = uuid.uuid4().hex
        record = RotationRecord(
            id=identifier,
            credential_id=credential.id,
            old_number=current.ref.number,
            new_number=None,
            mode=request.mode,
            steps=planned.steps,
            reason=request.reason,
            incident_id=request.incident_id,
            tag=f"keysweep-{credential.id[:8]}-{secrets.token_hex(4)}",
            started_at=opened.clock(),
            finished_at=None,
            outcome=None,
        )
        journal.begin(connection, record)
        terms.put(connection, identifier, replace(request.terms, policy=policy))
        opened.ledger.append(
            connection,
            actor="engine",
            action="rotation.started",
            subject=credential.name,
            detail={
                "rotation": identifier,
                "mode": request.mode.value,
                "reason": request.reason,
                **({"policy": policy.value} if request.mode is Mode.FORCED else {}),
                **({"reference": request.terms.reference} if request.terms.reference else {}),
                **({"breaker": "overridden"} if request.override_breaker else {}),
            },
        )
    return identifier
