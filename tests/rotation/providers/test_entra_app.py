"""Entra application secrets: the contract, the vendor's own library, and what is no death."""

from __future__ import annotations

from typing import Any

import msal
import pytest
import requests

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Liveness, Provider, ProviderError, Trouble
from samples.simulators.entra_app import CLIENT, TENANT
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "entra_app"
    settings = (("tenant_id", TENANT), ("client_id", CLIENT))
    probing = ("POST", "/token")
    listing = ("GET", "/applications")
    minting = "/addPassword"
    forbidden = Liveness.UNKNOWN


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


class ToSimulator:
    """Sends what MSAL would send to the vendor to the simulator: it takes no address without TLS."""

    def __init__(self, where: str) -> None:
        self._where = where

    def post(self, url: str, **more: Any) -> requests.Response:
        """Send a request."""
        return requests.post(url.replace("https://login.microsoftonline.com", self._where), timeout=10, **more)

    def get(self, url: str, **more: Any) -> requests.Response:
        """Answer what MSAL asks about the tenant first; send anything else."""
        if url.endswith("/v2.0/.well-known/openid-configuration"):
            at = f"https://login.microsoftonline.com/{TENANT}"
            found = requests.Response()
            found.status_code = 200
            found._content = (
                f'{{"token_endpoint": "{at}/oauth2/v2.0/token", "authorization_endpoint": "{at}/oauth2/v2.0/authorize",'
                f' "issuer": "{at}/v2.0"}}'
            ).encode()
            return found
        return requests.get(url.replace("https://login.microsoftonline.com", self._where), timeout=10, **more)

    def close(self) -> None:
        """Keep nothing open."""


def test_msal_agrees(provider: Provider, vendors: Vendors) -> None:
    """A minted secret signs in with the vendor's own library until it is removed; then the library reads the vendor's code."""
    account = TestContract().account(vendors)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))

    def sign_in() -> dict[str, Any]:
        application = msal.ConfidentialClientApplication(
            CLIENT,
            client_credential=minted.secret.reveal_text(),
            authority=f"https://login.microsoftonline.com/{TENANT}",
            http_client=ToSimulator(f"{vendors.url}/entra_app"),
            instance_discovery=False,
        )
        answer: dict[str, Any] = application.acquire_token_for_client(["https://graph.microsoft.com/.default"])
        return answer

    assert sign_in()["token_type"] == "Bearer"
    provider.revoke(account, minted.key_id, minted.secret)
    assert sign_in()["error_codes"] == [7000215]


def test_a_live_value_says_which_secret_it_is(provider: Provider, vendors: Vendors) -> None:
    """By the three characters that Graph shows, when one secret alone begins so."""
    account = TestContract().account(vendors)
    key = vendors.seed("entra_app", "agent")
    assert provider.identify is not None
    assert provider.identify(account, Secret(key.value)) == key.id


def test_a_secret_is_not_named_by_a_guess(provider: Provider, vendors: Vendors) -> None:
    """Neither a value that is refused, whatever begins like it, nor one of two that begin alike."""
    account = TestContract().account(vendors)
    key = vendors.seed("entra_app", "agent")
    assert provider.identify is not None
    assert provider.identify(account, Secret(key.value[:3] + "and something else")) is None
    twin = vendors.seed("entra_app", "agent")
    for one in vendors.keys("entra_app"):
        one.hint = key.value[:3]
    assert provider.identify(account, Secret(key.value)) is None
    assert twin.id != key.id


def test_a_refused_removal_is_only_success_if_the_secret_is_gone(provider: Provider, vendors: Vendors) -> None:
    """Graph answers 400 to a secret that it does not know, and to any other wrong request."""
    account, key = TestContract().account(vendors), vendors.seed("entra_app", "agent")
    vendors.fault("entra_app", "status", path="/removePassword", status=400)
    assert provider.revoke is not None
    with pytest.raises(ProviderError) as refused:
        provider.revoke(account, key.id, Secret(key.value))
    assert refused.value.trouble is Trouble.REJECTED


@pytest.mark.parametrize(
    ("status", "error", "code", "expected"),
    [
        pytest.param(401, "invalid_client", 7000215, Liveness.DEAD, id="no such secret"),
        pytest.param(401, "invalid_client", 7000222, Liveness.DEAD, id="expired"),
        pytest.param(400, "unauthorized_client", 700016, Liveness.UNKNOWN, id="no such application in this tenant"),
        pytest.param(400, "invalid_request", 90002, Liveness.UNKNOWN, id="no such tenant"),
        pytest.param(400, "invalid_grant", 53003, Liveness.UNKNOWN, id="a policy blocks the place"),
        pytest.param(401, "invalid_client", 7000112, Liveness.UNKNOWN, id="the application is switched off"),
        pytest.param(400, "invalid_resource", 500011, Liveness.UNKNOWN, id="a wrong scope"),
    ],
)
def test_what_entra_answers_is_read_by_its_code(
    status: int, error: str, code: int, expected: Liveness, provider: Provider, vendors: Vendors
) -> None:
    """`invalid_client` alone is no death."""
    body = {"error": error, "error_description": f"AADSTS{code}: no.", "error_codes": [code]}
    vendors.fault("entra_app", "status", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("any")).liveness is expected
