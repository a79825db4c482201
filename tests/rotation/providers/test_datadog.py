"""Datadog: the contract, and what is no death."""

from __future__ import annotations

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.hints import matches_hint
from keysweep.rotation.providers import Liveness, Provider, ProviderError, Trouble
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "datadog"
    probing = ("GET", "/validate")
    listing = ("GET", "/api_keys")
    forbidden = Liveness.UNKNOWN


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(403, {"errors": ["Forbidden"]}, Liveness.DEAD, id="Datadog's own refusal"),
        pytest.param(403, "<html>Request forbidden by administrative rules</html>", Liveness.UNKNOWN, id="a proxy's"),
        pytest.param(403, {"errors": ["Plan limit"]}, Liveness.UNKNOWN, id="another error with that status"),
        pytest.param(200, {"valid": False}, Liveness.UNKNOWN, id="200 that is no yes"),
        pytest.param(200, "<html>sign in to the network</html>", Liveness.UNKNOWN, id="a captive portal"),
    ],
)
def test_the_status_alone_says_nothing(
    status: int, body: object, expected: Liveness, provider: Provider, vendors: Vendors
) -> None:
    """403 is dead as documented, in Datadog's words only."""
    vendors.fault("datadog", "status", method="GET", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("any")).liveness is expected


def test_a_stored_value_is_found_by_its_last_characters(provider: Provider, vendors: Vendors) -> None:
    """Datadog shows four of them."""
    account, key = TestContract().account(vendors), vendors.seed("datadog", "agent")
    assert provider.find is not None
    assert [one.key_id for one in provider.find(account) if matches_hint(one.hint, Secret(key.value))] == [key.id]


def test_a_full_organisation_is_a_limit(provider: Provider, vendors: Vendors) -> None:
    """The refusal says why, so that a person can make room."""
    account = TestContract().account(vendors)
    vendors.limit("datadog", 1)
    vendors.seed("datadog", "agent")
    assert provider.mint is not None
    with pytest.raises(ProviderError) as full:
        provider.mint(account, "keysweep-test-1")
    assert full.value.trouble is Trouble.LIMIT
