"""LiteLLM: the stored credential carries the version's mark, and the proxy answers a call with it."""

from __future__ import annotations

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation import agent_catalog
from keysweep.rotation.agents import AgentError, Delivery, Holding
from samples.simulators import digest
from tests.fakes.deliveries import Delivered
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]
AGENT = agent_catalog.get("litellm_proxy")


def to(vendors: Vendors, delivered: Delivered, number: int = 2) -> Delivery:
    """Return a delivery to a proxy with one credential."""
    admin = vendors.seed("litellm_proxy", "admin", admin=True).value
    kept = {"digest": "", "mask": "", "info": {"custom_llm_provider": "openai"}}
    vendors.extra("litellm_proxy").setdefault("credentials", {"openai-main": kept})
    settings = {
        "base_url": f"{vendors.url}/litellm_proxy",
        "credential": "openai-main",
        "model": "sim-1",
        "admin": "proxy",
    }
    return delivered.to(settings, number=number, admin=lambda _: Secret(admin))


def test_stored_and_answered_is_held(vendors: Vendors) -> None:
    """Its other facts are left as they were."""
    delivered = Delivered()
    delivery = to(vendors, delivered)
    vendors.extra("litellm_proxy")["upstream"] = [digest(delivered.value)]
    assert AGENT.attest(delivery).holding is Holding.OTHER
    for _ in range(2):
        AGENT.deliver(delivery)
        AGENT.activate(delivery)
    kept = vendors.extra("litellm_proxy")["credentials"]["openai-main"]
    assert (kept["digest"], kept["info"]["custom_llm_provider"]) == (digest(delivered.value), "openai")
    seen = AGENT.attest(delivery)
    assert (seen.holding, seen.method) == (Holding.NEW, "canary")


def test_stored_and_not_answered_is_not_held(vendors: Vendors) -> None:
    """A proxy whose model refuses the key does not serve."""
    delivery = to(vendors, Delivered())
    AGENT.deliver(delivery)
    seen = AGENT.attest(delivery)
    assert (seen.holding, seen.method) == (Holding.OTHER, "canary-refused")


def test_another_versions_mark_does_not_count(vendors: Vendors) -> None:
    """However well the proxy answers."""
    delivered = Delivered()
    vendors.extra("litellm_proxy")["upstream"] = [digest(delivered.value)]
    AGENT.deliver(to(vendors, delivered, number=1))
    assert AGENT.attest(to(vendors, delivered, number=2)).method == "not-stored"


def test_a_credential_that_is_not_there_is_an_error(vendors: Vendors) -> None:
    """Nothing is made in its place: the models of the proxy would not use it."""
    delivery = to(vendors, Delivered())
    vendors.extra("litellm_proxy")["credentials"] = {}
    with pytest.raises(AgentError, match="404"):
        AGENT.deliver(delivery)
