"""Anthropic: the contract, and the vendor's own client."""

from __future__ import annotations

import anthropic
import pytest

from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "anthropic"
    probing = ("GET", "/v1/models")
    listing = ("GET", "api_keys")


def test_the_anthropic_client_agrees(vendors: Vendors) -> None:
    """A standby works in the vendor's own client while it is switched on, and not before or after."""
    contract = TestContract()
    provider, account = contract.provider, contract.account(vendors)
    key = vendors.seed("anthropic", "standby", status="inactive")
    assert provider.activate is not None
    assert provider.deactivate is not None
    with anthropic.Anthropic(api_key=key.value, base_url=f"{vendors.url}/anthropic", max_retries=0) as client:
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()
        provider.activate(account, key.id)
        assert [model.id for model in client.models.list()] == ["sim-1"]
        sent = client.messages.create(model="sim-1", max_tokens=1, messages=[{"role": "user", "content": "hi"}])
        assert sent.content[0].type == "text"
        provider.deactivate(account, key.id)
        with pytest.raises(anthropic.AuthenticationError):
            client.models.list()
