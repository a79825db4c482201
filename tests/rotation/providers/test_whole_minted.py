"""Whole rotations of keys that platforms mint, by the real engine: answers are lost, one key is left, the old one is dead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import provider_catalog
from keysweep.rotation.credential import State
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Account, Liveness
from samples.simulators.pinecone import PROJECT
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
MINTS: Mapping[str, str] = {
    "langsmith": "/service-keys",
    "litellm": "/key/generate",
    "pinecone": "/api-keys",
    "sendgrid": "/api_keys",
}
"""Part of the path of the call that mints."""
ENDS: Mapping[str, tuple[str, str]] = {"litellm": ("POST", "/key/delete")}
"""Method and path of the call that ends a key, where it is no DELETE."""
SETTINGS: Mapping[str, Mapping[str, str]] = {"pinecone": {"project_id": PROJECT}}
DEADLINE_S = 300.0
"""LiteLLM's workers may keep a key for a minute: its death takes longer to prove than that."""


@pytest.mark.parametrize("provider", sorted(MINTS))
@pytest.mark.parametrize("mode", list(Mode))
def test_one_key_is_left(provider: str, mode: Mode, tmp_path: Path, vendors: Vendors) -> None:
    """The answer to minting is lost, and 500 answers the revocation that did happen: no orphan, no second key, one death."""
    key, known_id = vendors.seed(provider, "agent"), provider == "pinecone"
    method, path = ENDS.get(provider, ("DELETE", ""))
    vendors.fault(provider, "lose-answer", path=MINTS[provider])
    vendors.fault(provider, "fail-after", method=method, path=path)
    settings = SETTINGS.get(provider, {})
    rotation = rotated(
        tmp_path, vendors, provider, key, mode=mode, settings=settings, known_id=known_id, deadline_s=DEADLINE_S
    )
    assert (rotation.outcome, rotation.failure) == (Outcome.DONE, "")
    assert vendors.live(provider) == {vendors.id_of(provider, rotation.value)}
    assert vendors.minted(provider) == 2
    assert [version.state for version in rotation.versions] == [State.RETIRED, State.CURRENT]
    account = Account(
        credential="it",
        settings={"base_url": f"{vendors.url}/{provider}", **settings},
        admin=Secret(rotation.admin),
    )
    assert provider_catalog.get(provider).probe(account, Secret(key.value)).liveness is Liveness.DEAD


@pytest.mark.parametrize("mode", list(Mode))
def test_a_full_account_is_made_room_in_for_a_leaked_key_only(mode: Mode, tmp_path: Path, vendors: Vendors) -> None:
    """SendGrid with a hundred keys: the leaked one goes first; a healthy one never does, and neither does anybody else's."""
    key = vendors.seed("sendgrid", "agent")
    others = {vendors.seed("sendgrid", "somebody's").id for _ in range(99)}
    vendors.extra("sendgrid")[key.id] = ["mail.send"]
    rotation = rotated(tmp_path, vendors, "sendgrid", key, mode=mode, settings={"scopes": "mail.send"})
    live = vendors.live("sendgrid")
    if mode is Mode.FORCED:
        assert rotation.outcome is Outcome.DONE
        assert live == {*others, vendors.id_of("sendgrid", rotation.value)}
    else:
        assert rotation.outcome is Outcome.ROLLED_BACK
        assert live == {*others, key.id}
