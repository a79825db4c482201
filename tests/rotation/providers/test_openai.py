"""OpenAI: the contract, and the vendor's own client."""

from __future__ import annotations

import json
from dataclasses import replace

import openai
import pytest

from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import ProviderError, Trouble
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


@pytest.mark.parametrize(
    ("shown", "setting", "expected"),
    [
        pytest.param(["model.request"], "", ["model.request"], id="the old key's scopes are copied"),
        pytest.param(["model.request"], "api.all", ["model.request"], id="before the setting"),
        pytest.param([], "model.read, model.request", ["model.read", "model.request"], id="else the setting's"),
        pytest.param([], "", None, id="else none are sent: an empty list would be all of them"),
    ],
)
def test_scopes_are_never_widened(shown: list[str], setting: str, expected: list[str] | None, vendors: Vendors) -> None:
    """An empty `scopes` means every permission at this vendor: it is never sent."""
    sent: list[object] = []
    contract, old = TestContract(), vendors.seed("openai", "agent")
    account = contract.account(vendors, key_id=old.id)
    vendors.extra("openai")["scopes"] = {old.id: shown}
    vendors.watch(lambda call: sent.append(call.body.get("scopes")) if call.method == "POST" else None)
    promised(contract.provider.mint)(
        replace(account, settings={**account.settings, "scopes": setting}), "keysweep-test-1"
    )
    assert sent == [expected]


def test_a_key_is_not_minted_while_the_old_ones_scopes_cannot_be_read(vendors: Vendors) -> None:
    """A 500 says nothing of them; a key that may do more than the old one is not made on a guess."""
    contract, old = TestContract(), vendors.seed("openai", "agent")
    vendors.fault("openai", "status", method="GET", path=old.id, status=500)
    with pytest.raises(ProviderError) as failed:
        promised(contract.provider.mint)(contract.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is Trouble.UNCERTAIN
    assert vendors.minted("openai") == 0


def test_a_forced_lifetime_is_kept(vendors: Vendors) -> None:
    """An organisation's maximum is met with the longest life below it, and one key is made."""
    vendors.extra("openai")["longest_life_s"] = 8 * 86_400
    contract = TestContract()
    answer = json.loads(promised(contract.provider.mint)(contract.account(vendors), "keysweep-test-1").reveal())
    assert answer["expires_at"] - answer["created_at"] == 7 * 86_400
    assert vendors.minted("openai") == 1
