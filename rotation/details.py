"""Everything that is known of one credential, without any value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keysweep.rotation import instances, listing, profiles, provider_catalog
from keysweep.rotation.credential import State, Version
from keysweep.rotation.kinds import kind_of
from keysweep.rotation.listing import Row
from keysweep.rotation.profiles import Profile
from keysweep.rotation.selection import Filter, Sort
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import OpenVault


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One credential."""

    row: Row
    profile: Profile
    kind: str
    """What its prefix says it is; empty if that is not plain."""
    runbook: str
    """Where it stands how it is rotated: what was stated, else the provider's page."""
    agents: tuple[tuple[str, str], ...]
    """Agent and the variable in which it gets it."""
    versions: tuple[Version, ...]
    now: datetime


def details(opened: OpenVault, name: str) -> Details:
    """Return what is known of a credential.

    Raises:
        UnknownCredentialError: there is none of that name.
    """
    with opened.database.read() as connection:
        credential = store.credential_named(connection, name)
        versions = store.versions(connection, credential.id)
        profile = profiles.of(connection, credential.id)
        agents = tuple(
            (agent.name, variable)
            for agent in instances.agents_of(connection, credential.id)
            for variable, bound in agent.bindings.items()
            if bound == credential.id
        )
    page = listing.page(opened, Filter(name=name, retired=True), sort=Sort.NAME, size=1, number=1)
    shown = next((v for v in versions if v.state is State.CURRENT), versions[-1] if versions else None)
    return Details(
        row=page.rows[0],
        profile=profile,
        kind=kind_of(credential.provider, shown.preview.prefix) if shown else "",
        runbook=profile.runbook or _page(credential.provider),
        agents=agents,
        versions=versions,
        now=opened.clock(),
    )


def _page(provider: str) -> str:
    return f"docs/providers/{provider if provider in provider_catalog.names() else 'README'}.md"
