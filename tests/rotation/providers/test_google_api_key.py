"""Google API keys: the contract, the vendor's own client, containment, reading back, and what is no death."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from google import genai
from google.genai import errors, types

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Liveness, Provider, ProviderError
from samples.simulators.google_service_account import PROJECT
from tests.contracts.http_provider import HttpContract
from tests.fakes.canaries import forms
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]

RESTRICTED = {"apiTargets": [{"service": "generativelanguage.googleapis.com"}]}


class TestContract(HttpContract):
    """On the simulator."""

    name = "google_api_key"
    settings = (("project_id", PROJECT),)
    probing = ("GET", "/v1/models")
    listing = ("GET", "/keys")
    minting = "/keys"
    forbidden = Liveness.UNKNOWN


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


def restrictions(vendors: Vendors, key_id: str) -> object:
    """Return what the vendor restricts a key to."""
    return vendors.extra("google_api_key")["about"].get(key_id, {}).get("restrictions") or {}


def test_google_genai_agrees(provider: Provider, vendors: Vendors) -> None:
    """A minted key lists models with the vendor's own client, until it is deleted."""
    account = TestContract().account(vendors)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    options = types.HttpOptions(base_url=f"{vendors.url}/google_api_key")
    client = genai.Client(api_key=minted.secret.reveal_text(), http_options=options)
    assert [model.name for model in client.models.list()] == ["models/sim-1"]
    provider.revoke(account, minted.key_id, minted.secret)
    with pytest.raises(errors.ClientError) as refused:
        client.models.list()
    assert (refused.value.code, refused.value.details["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")


def test_a_contained_key_is_of_no_use_and_comes_back_as_it_was(provider: Provider, vendors: Vendors) -> None:
    """Both directions may run twice; what the key was restricted to before is kept on the key."""
    account, key = TestContract().account(vendors), vendors.seed("google_api_key", "agent")
    vendors.extra("google_api_key").setdefault("about", {})[key.id] = {
        "restrictions": RESTRICTED,
        "annotations": {"team": "orders"},
    }
    assert provider.deactivate is not None
    assert provider.activate is not None
    for _ in range(2):
        provider.deactivate(account, key.id)
    verdict = provider.probe(account, Secret(key.value))
    assert (verdict.liveness, verdict.code) == (Liveness.ALIVE, "403")
    assert restrictions(vendors, key.id) == {"serverKeyRestrictions": {"allowedIps": ["192.0.2.1"]}}
    for _ in range(2):
        provider.activate(account, key.id)
    assert provider.probe(account, Secret(key.value)).code == "200"
    assert vendors.extra("google_api_key")["about"][key.id] == {
        "restrictions": RESTRICTED,
        "annotations": {"team": "orders"},
    }


@pytest.mark.parametrize("contained", [False, True], ids=["in use", "contained"])
def test_a_new_key_may_do_what_the_old_one_might(provider: Provider, vendors: Vendors, *, contained: bool) -> None:
    """A rotation widens nothing, and does not hand the containment on."""
    account, key = TestContract().account(vendors), vendors.seed("google_api_key", "agent")
    vendors.extra("google_api_key").setdefault("about", {})[key.id] = {"restrictions": RESTRICTED}
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.deactivate is not None
    if contained:
        provider.deactivate(account, key.id)
    minted = provider.read_minted(provider.mint(replace(account, key_id=key.id), "keysweep-test-1"))
    assert restrictions(vendors, minted.key_id) == RESTRICTED


def test_the_value_is_read_back_after_a_lost_answer(provider: Provider, vendors: Vendors) -> None:
    """The key that the lost call made is found by its tag and serves."""
    account = TestContract().account(vendors)
    vendors.fault("google_api_key", "lose-answer", path="/keys")
    assert provider.mint is not None
    assert provider.find is not None
    assert provider.read_back is not None
    assert provider.read_minted is not None
    with pytest.raises(ProviderError, match="no answer"):
        provider.mint(account, "keysweep-test-1")
    (made,) = [key.key_id for key in provider.find(account) if key.name == "keysweep-test-1"]
    read = provider.read_minted(provider.read_back(account, made))
    assert read.key_id == made
    assert provider.probe(account, read.secret).liveness is Liveness.ALIVE


def test_a_value_says_which_key_it_is_and_is_not_logged(
    provider: Provider, vendors: Vendors, caplog: pytest.LogCaptureFixture
) -> None:
    """The vendor wants the value in the address of the call: no log line may show that."""
    caplog.set_level(logging.DEBUG)
    account, key = TestContract().account(vendors), vendors.seed("google_api_key", "agent")
    assert provider.identify is not None
    assert provider.identify(account, Secret(key.value)) == key.id
    assert provider.identify(account, Secret("AIza-unknown")) is None
    said = caplog.text.encode()
    assert [form for form, needle in forms(key.value).items() if needle in said] == []


@pytest.mark.parametrize(
    ("status", "message", "reasons", "expected"),
    [
        pytest.param(
            403, "Your API key was reported as leaked. Use another.", [], Liveness.DEAD, id="reported as leaked"
        ),
        pytest.param(400, "API Key not found.", ["API_KEY_INVALID"], Liveness.DEAD, id="not found"),
        pytest.param(400, "Invalid argument.", [], Liveness.UNKNOWN, id="400 for another reason"),
        pytest.param(400, "Not here.", ["FAILED_PRECONDITION"], Liveness.UNKNOWN, id="a region without Gemini"),
        pytest.param(401, "Unauthenticated.", ["CREDENTIALS_MISSING"], Liveness.UNKNOWN, id="401"),
        pytest.param(403, "Blocked.", ["API_KEY_SERVICE_BLOCKED"], Liveness.ALIVE, id="restricted to another service"),
        pytest.param(403, "Off.", ["SERVICE_DISABLED"], Liveness.ALIVE, id="the project does not use Gemini"),
        pytest.param(403, "Suspended.", ["CONSUMER_SUSPENDED"], Liveness.UNKNOWN, id="the project is suspended"),
        pytest.param(403, "Forbidden.", [], Liveness.UNKNOWN, id="403 without a reason"),
    ],
)
def test_what_google_answers_is_read_by_its_reason(
    status: int, message: str, reasons: list[str], expected: Liveness, provider: Provider, vendors: Vendors
) -> None:
    """The status alone says nothing: Gemini never answers 401 to a dead key."""
    code = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED"}[status]
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason} for reason in reasons]
    body = {"error": {"code": status, "message": message, "status": code, "details": details}}
    vendors.fault("google_api_key", "status", method="GET", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("AIza-any")).liveness is expected
