"""Google service accounts: the contract, the vendor's own library, and what is no death."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

from keysweep.foundation.secret import Secret
from keysweep.rotation import oauth
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from samples.simulators.google_service_account import ACCOUNT, PROJECT
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "google_service_account"
    settings = (("project_id", PROJECT), ("service_account", ACCOUNT))
    probing = ("POST", "/token")
    listing = ("GET", "/keys")
    minting = "/keys"
    forbidden = Liveness.UNKNOWN


def signs_in(vendors: Vendors, value: Secret) -> bool:
    """Whether the vendor's own library gets an access token with a key file."""
    content = json.loads(value.reveal()) | {"token_uri": f"{vendors.url}/google_service_account/token"}
    credentials = Credentials.from_service_account_info(content, scopes=["https://example.com/scope"])  # type: ignore[no-untyped-call]
    try:
        credentials.refresh(Request())
    except RefreshError as refused:
        if refused.args[0] != "invalid_grant: Invalid JWT Signature.":
            raise
    return bool(credentials.valid)


def test_google_auth_agrees(vendors: Vendors) -> None:
    """A minted key file signs in with the vendor's own library while it is switched on, and not after it was deleted."""
    contract = TestContract()
    provider, account = contract.provider, contract.account(vendors)
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.activate is not None
    assert provider.deactivate is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    assert signs_in(vendors, minted.secret)
    provider.deactivate(account, minted.key_id)
    assert not signs_in(vendors, minted.secret)
    provider.activate(account, minted.key_id)
    assert signs_in(vendors, minted.secret)
    provider.revoke(account, minted.key_id, minted.secret)
    assert not signs_in(vendors, minted.secret)


def test_the_key_file_says_which_key_it_is(vendors: Vendors) -> None:
    """No list need be searched for the id of a stored key."""
    contract = TestContract()
    key = vendors.seed("google_service_account", "agent")
    assert contract.provider.identify is not None
    assert contract.provider.identify(contract.account(vendors), Secret(key.value)) == key.id


def test_a_wrong_clock_is_no_death(vendors: Vendors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Google answers `invalid_grant` to a statement of the wrong time as well."""
    contract = TestContract()
    account, key = contract.account(vendors), vendors.seed("google_service_account", "agent")
    monkeypatch.setattr(oauth, "time", SimpleNamespace(time=lambda: 1_000_000_000))
    assert contract.provider.probe(account, Secret(key.value)).liveness is Liveness.UNKNOWN


def test_what_is_no_key_file_is_neither_dead_nor_alive(vendors: Vendors) -> None:
    """A value that cannot sign was never refused."""
    contract = TestContract()
    account = contract.account(vendors)
    for value in ("text", "{}", json.dumps({"private_key_id": "1", "client_email": "a", "private_key": "no PEM"})):
        verdict = contract.provider.probe(account, Secret(value))
        assert (verdict.liveness, verdict.code) == (Liveness.UNKNOWN, "rejected")


def test_the_address_in_a_key_file_is_never_called(vendors: Vendors) -> None:
    """A planted file cannot make us send a signed statement to a stranger."""
    contract = TestContract()
    key = vendors.seed("google_service_account", "agent")
    planted = json.dumps(json.loads(key.value) | {"token_uri": "http://127.0.0.1:9/token"})
    assert contract.provider.probe(contract.account(vendors), Secret(planted)).liveness is Liveness.ALIVE


def test_the_eleventh_key_is_refused_as_a_limit(vendors: Vendors) -> None:
    """The engine makes room first; it must know that this is why."""
    contract = TestContract()
    account = contract.account(vendors)
    for number in range(10):
        vendors.seed("google_service_account", f"agent {number}")
    assert contract.provider.mint is not None
    with pytest.raises(ProviderError) as full:
        contract.provider.mint(account, "keysweep-test-1")
    assert full.value.trouble is Trouble.LIMIT


def test_an_administering_key_that_is_gone_is_refused(vendors: Vendors) -> None:
    """The trouble is the administering key's, not the vendor's."""
    contract = TestContract()
    gone = vendors.seed("google_service_account", "admin", admin=True, status="deleted")
    account = replace(contract.account(vendors), admin=Secret(gone.value))
    assert contract.provider.find is not None
    with pytest.raises(ProviderError) as refused:
        contract.provider.find(account)
    assert refused.value.trouble is Trouble.REFUSED
