"""Azure AI: the contract, the vendor's own clients, and two slots."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import openai
import pytest
from azure.core.credentials import AccessToken
from azure.mgmt.cognitiveservices import CognitiveServicesManagementClient

from keysweep.foundation.secret import Secret
from keysweep.rotation import oauth
from keysweep.rotation.providers import Account, Liveness, Provider, ProviderError, Trouble
from samples.simulators.azure_ai import ACCOUNT, GROUP, SUBSCRIPTION
from samples.simulators.entra_app import TENANT
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Planted, Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "azure_ai"
    settings = (
        ("tenant_id", TENANT),
        ("subscription_id", SUBSCRIPTION),
        ("resource_group", GROUP),
        ("account_name", ACCOUNT),
    )
    probing = ("GET", "/openai/models")
    listing = ("POST", "/listKeys")
    minting = "/regenerateKey"
    forbidden = Liveness.UNKNOWN

    def account(self, vendors: Vendors, **more: object) -> Account:
        """Return an account whose key that goes is in the first slot; both slots are always full."""
        for _ in range(0 if vendors.keys(self.name) else 2):
            vendors.seed(self.name, "portal")
        return super().account(vendors, **{"key_id": "Key1", **more})

    def ended(self, vendors: Vendors) -> Planted:
        """Return a key that was in a slot until now."""
        ended = vendors.seed(self.name, "agent")
        for _ in range(2):
            vendors.seed(self.name, "agent")
        return ended

    def test_an_id_that_nobody_knows_is_success(self, vendors: Vendors) -> None:
        """There are two slots; a third is a mistake, and nothing is done."""
        assert self.provider.revoke is not None
        with pytest.raises(ProviderError) as refused:
            self.provider.revoke(self.account(vendors), "Key3", Secret("value"))
        assert refused.value.trouble is Trouble.REJECTED

    def test_every_key_is_listed_whatever_the_page_size(self, vendors: Vendors) -> None:
        """Both slots are, with the end of what they hold."""
        assert self.provider.find is not None
        seeded = [vendors.seed(self.name, "agent") for _ in range(2)]
        listed = [(key.key_id, key.hint) for key in self.provider.find(self.account(vendors))]
        assert [(key.id, f"...{key.value[-4:]}") for key in seeded] == listed


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


class Token:
    """An access token as the vendor's SDK wants it."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        """Return one that the simulator gave."""
        token = oauth.entra_admin(self._account, scope="https://management.azure.com/.default")
        return AccessToken(token.reveal_text(), int(time.time()) + 3600)


def test_the_management_client_and_the_azure_client_agree(provider: Provider, vendors: Vendors) -> None:
    """The vendor's SDK reads the slot that the adapter made anew, and its client is served on that value until it is revoked."""
    account = TestContract().account(vendors)
    first = vendors.seed("azure_ai", "agent")
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(replace(account, key_id=first.id), "keysweep-test-1"))
    where = f"{vendors.url}/azure_ai"
    with CognitiveServicesManagementClient(Token(account), SUBSCRIPTION, base_url=where) as management:
        keys = management.accounts.list_keys(GROUP, ACCOUNT, enforce_https=False)
        assert (keys.key1, keys.key2) == (first.value, minted.secret.reveal_text())
    with openai.AzureOpenAI(
        api_key=minted.secret.reveal_text(), azure_endpoint=where, api_version="2024-10-21", max_retries=0
    ) as client:
        assert [model.id for model in client.models.list()] == ["sim-1"]
        provider.revoke(account, minted.key_id, minted.secret)
        with pytest.raises(openai.AuthenticationError):
            client.models.list()


@pytest.mark.parametrize(("old", "new"), [("Key1", "Key2"), ("Key2", "Key1")])
def test_the_new_key_comes_into_the_slot_that_is_not_in_use(
    old: str, new: str, provider: Provider, vendors: Vendors
) -> None:
    """The agents' key is never touched before they have left it."""
    seeded = {key.id: key.value for key in (vendors.seed("azure_ai", "agent"), vendors.seed("azure_ai", "agent"))}
    account = TestContract().account(vendors, key_id=old)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.read_minted(provider.mint(account, "keysweep-test-1")).key_id == new
    assert provider.probe(account, Secret(seeded[old])).liveness is Liveness.ALIVE
    assert provider.probe(account, Secret(seeded[new])).liveness is Liveness.DEAD


def test_nothing_is_minted_without_knowing_the_slot_in_use(provider: Provider, vendors: Vendors) -> None:
    """A guess would kill the agents' key half the time."""
    assert provider.mint is not None
    with pytest.raises(ProviderError) as refused:
        provider.mint(TestContract().account(vendors, key_id=None), "keysweep-test-1")
    assert refused.value.trouble is Trouble.REJECTED


def test_a_late_revocation_does_not_kill_what_came_into_the_slot_since(provider: Provider, vendors: Vendors) -> None:
    """A rotation that stopped half way is resumed after a later one has come round to the same slot."""
    old = vendors.seed("azure_ai", "agent")
    account = TestContract().account(vendors)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    since = provider.read_minted(provider.mint(replace(account, key_id="Key2"), "keysweep-test-1"))
    assert since.key_id == old.id
    provider.revoke(account, old.id, Secret(old.value))
    assert provider.probe(account, since.secret).liveness is Liveness.ALIVE


def test_a_value_says_which_slot_it_is_in(provider: Provider, vendors: Vendors) -> None:
    """By the whole value; a stranger is in none."""
    account = TestContract().account(vendors)
    keys = [vendors.seed("azure_ai", "agent") for _ in range(2)]
    assert provider.identify is not None
    assert [provider.identify(account, Secret(key.value)) for key in keys] == ["Key1", "Key2"]
    assert provider.identify(account, Secret("stranger")) is None


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        pytest.param(401, "PermissionDenied", "Principal lacks the required data action.", id="a role is missing"),
        pytest.param(401, "401", "Token audience is incorrect.", id="401 about something else"),
        pytest.param(
            403, "AuthenticationTypeDisabled", "Key based authentication is disabled.", id="keys switched off"
        ),
        pytest.param(403, "403", "Access denied due to Virtual Network/Firewall rules.", id="firewall"),
        pytest.param(404, "404", "Resource not found", id="no such path"),
    ],
)
def test_other_refusals_are_no_death(
    status: int, code: str, message: str, provider: Provider, vendors: Vendors
) -> None:
    """Only the sentence about the key is."""
    body = {"error": {"code": code, "message": message}}
    vendors.fault("azure_ai", "status", method="GET", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("any")).liveness is Liveness.UNKNOWN
