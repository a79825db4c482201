"""OpenAI: the contract, and the vendor's own client."""

from __future__ import annotations

import openai
import pytest

from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.stores import PROJECT
from tests.fakes.vendors import OWNER, Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "openai"
    settings = (("project_id", PROJECT), ("service_account_id", OWNER))
    probing = ("GET", "/v1/models")
    listing = ("GET", "api_keys")


def test_the_openai_client_agrees(vendors: Vendors) -> None:
    """A key minted by the adapter works in the vendor's own client, until the adapter revokes it."""
    contract = TestContract()
    provider, account = contract.provider, contract.account(vendors)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    with openai.OpenAI(
        api_key=minted.secret.reveal_text(), base_url=f"{vendors.url}/openai/v1", max_retries=0
    ) as client:
        assert [model.id for model in client.models.list()] == ["sim-1"]
        answer = client.chat.completions.create(model="sim-1", messages=[{"role": "user", "content": "hi"}])
        assert answer.choices[0].message.content == "ok"
        provider.revoke(account, minted.key_id, minted.secret)
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
