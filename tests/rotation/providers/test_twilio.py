"""Twilio: the contract, the vendor's own SDK, and permissions that a rotation does not widen."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from twilio.base.exceptions import TwilioException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Liveness, Provider
from samples.simulators.twilio import ACCOUNT_SID
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]

POLICY = {"allow": ["Balance.json"]}


class TestContract(HttpContract):
    """On the simulator."""

    name = "twilio"
    settings = (("account_sid", ACCOUNT_SID),)
    probing = ("GET", "/Applications")
    listing = ("GET", "/Keys")
    minting = "/Keys"
    forbidden = Liveness.UNKNOWN


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


class ToSimulator(TwilioHttpClient):
    """The SDK's own client, with its hosts at the simulator."""

    def __init__(self, where: str) -> None:
        super().__init__(timeout=10)
        self._where = where

    def request(self, method: str, url: str, *args: Any, **more: Any) -> Any:
        """Send a request."""
        for host in ("https://api.twilio.com", "https://iam.twilio.com"):
            url = url.replace(host, self._where)
        return super().request(method, url, *args, **more)


def client(vendors: Vendors, value: Secret) -> Client:
    """Return the vendor's SDK, signed in with a stored value."""
    name, _, secret = value.reveal_text().partition(":")
    return Client(name, secret, account_sid=ACCOUNT_SID, http_client=ToSimulator(f"{vendors.url}/twilio"))


def test_the_twilio_client_agrees(provider: Provider, vendors: Vendors) -> None:
    """A minted key signs the vendor's SDK in and is on its list of keys, until it is deleted."""
    account = TestContract().account(vendors)
    assert account.admin is not None
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    listed = client(vendors, account.admin).iam.v1.get_api_keys.list(account_sid=ACCOUNT_SID)
    assert [(key.sid, key.friendly_name) for key in listed] == [(minted.key_id, "keysweep-test-1")]
    assert client(vendors, minted.secret).applications.list(limit=1) == []
    provider.revoke(account, minted.key_id, minted.secret)
    with pytest.raises(TwilioException) as refused:
        client(vendors, minted.secret).applications.list(limit=1)
    answer = refused.value.args[1]
    assert (answer.status_code, json.loads(answer.text)["code"]) == (401, 20003)


def test_a_new_key_may_do_what_the_old_one_might(provider: Provider, vendors: Vendors) -> None:
    """The permissions of a restricted key are copied; both answer on the path that they allow."""
    key = vendors.seed("twilio", "agent")
    vendors.extra("twilio")["policies"] = {key.id: POLICY}
    account = TestContract().account(vendors, key_id=key.id)
    assert provider.mint is not None
    assert provider.read_minted is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    assert vendors.extra("twilio")["policies"][minted.key_id] == POLICY
    at_balance = replace(account, settings={**account.settings, "probe_path": "Balance.json"})
    assert provider.probe(at_balance, minted.secret).liveness is Liveness.ALIVE


def test_the_value_says_which_key_it_is(provider: Provider, vendors: Vendors) -> None:
    """It begins with the id."""
    key = vendors.seed("twilio", "agent")
    assert provider.identify is not None
    assert provider.identify(TestContract().account(vendors), Secret(key.value)) == key.id


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(401, {"code": 20003, "message": "Authenticate", "status": 401}, Liveness.DEAD, id="20003"),
        pytest.param(
            401, {"code": 20101, "message": "Invalid token", "status": 401}, Liveness.UNKNOWN, id="another 401"
        ),
        pytest.param(401, "<html>sign in</html>", Liveness.UNKNOWN, id="a page"),
        pytest.param(403, {"code": 70051, "message": "Authorization failed"}, Liveness.ALIVE, id="a permission lacks"),
        pytest.param(
            403, {"code": 20005, "message": "Account not active"}, Liveness.ALIVE, id="the account is suspended"
        ),
        pytest.param(403, "<html>no</html>", Liveness.UNKNOWN, id="somebody else's 403"),
    ],
)
def test_what_twilio_answers_is_read_by_its_code(
    status: int, body: object, expected: Liveness, provider: Provider, vendors: Vendors
) -> None:
    """The status alone says nothing."""
    vendors.fault("twilio", "status", method="GET", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("SK0:any")).liveness is expected


def test_what_is_no_pair_was_never_refused(provider: Provider, vendors: Vendors) -> None:
    """A value in another form is not sent at all."""
    verdict = provider.probe(TestContract().account(vendors), Secret("secret alone"))
    assert (verdict.liveness, verdict.code) == (Liveness.UNKNOWN, "rejected")
