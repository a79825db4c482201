"""The public half of a key that has two: an agent needs it beside the value, and it changes with it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import VersionRef
from keysweep.rotation.vault import store


def public_halves(connection: Connection, held: Mapping[str, VersionRef]) -> dict[str, str]:
    """Return the public halves that go with values, by the variables in which the vendor's tools look for them.

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
            found[name] = half
    return found
