"""The public half of a key that has two: an agent needs it beside the value, and it changes with it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from keysweep.rotation import agent_catalog, provider_catalog
from keysweep.rotation.agents import AgentError, Half
from keysweep.rotation.credential import Version, VersionRef
from keysweep.rotation.entry import default_variable
from keysweep.rotation.instances import AgentRecord
from keysweep.rotation.vault import store

_ID_NAME = "id_name"
"""The setting in which an agent states the name itself."""


def halves_of(connection: Connection, held: Mapping[str, VersionRef]) -> dict[str, Half]:
    """Return the public halves that go with values, by the variables of the values; each has the name that the vendor's tools look for.

    Args:
        connection: reads.
        held: variable to the version that it carries; none of these variables is touched.
    """
    found = {}
    for variable, ref in held.items():
        provider = store.credential_by_id(connection, ref.credential_id).provider
        if provider not in provider_catalog.names():
            continue
        named = provider_catalog.get(provider).id_variable
        name = named(variable) if named else None
        half = store.version(connection, ref).provider_key_id
        if name and half and name not in held:
            found[variable] = Half(name=name, text=half)
    return found


def halves_for(connection: Connection, agent: AgentRecord, version: Version) -> dict[str, Half]:
    """Return the public halves that an agent gets with a version, by the variable of the value; none that it is bound to otherwise.

    Raises:
        AgentError: the agent would get one half alone.
    """
    credential = store.credential_by_id(connection, version.ref.credential_id)
    found = {}
    for variable, held in agent.bindings.items():
        if held != credential.id:
            continue
        name = name_beside(agent.kind, agent.settings, credential.provider, variable)
        if name is None or name in agent.bindings:
            continue
        if version.provider_key_id is None:
            msg = f"the public half of {credential.name!r} is not known"
            raise AgentError(msg, hint=f"keysweep keys set-id {credential.name} ID")
        found[variable] = Half(name=name, text=version.provider_key_id)
    return found


def name_beside(kind: str, settings: Mapping[str, str], provider: str, variable: str) -> str | None:
    """Return the name that the public half has at an agent beside a value; None for keys of one half.

    Args:
        kind: of the agent.
        settings: of the agent.
        provider: of the key.
        variable: that carries the value.

    Raises:
        AgentError: the agent would get one half alone.
    """
    if provider not in provider_catalog.names() or (given := provider_catalog.get(provider).id_variable) is None:
        return None
    named = agent_catalog.get(kind).named
    value = named(settings, variable) if named else None
    if value is None:
        msg = f"keys of {provider} have a public half that changes with them, and there is no place for it beside the value"
        raise AgentError(msg, hint="keysweep agents add NAME --kind process, which gets both")
    if name := settings.get(_ID_NAME) or given(value):
        return name
    usual = default_variable(provider, "")
    msg = f"keys of {provider} have a public half that changes with them, and nothing says how it is called beside {value!r}"
    raise AgentError(
        msg, hint=f"name the value like --variable {usual}, or state --set {_ID_NAME}=NAME where the kind has it"
    )
