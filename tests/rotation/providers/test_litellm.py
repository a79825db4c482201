"""LiteLLM: the contract, bounds that are copied, and keys that are blocked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from keysweep.foundation.clock import system_clock
from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "litellm"
    probing = ("GET", "/key/info")
    listing = ("GET", "/key/list")
    minting = "/key/generate"
    forbidden = Liveness.UNKNOWN

    def account(self, vendors: Vendors, **more: object) -> Account:
        """Return an account that names the key that goes: its bounds are read before another is made."""
        if "key_id" not in more:
            more["key_id"] = vendors.seed(self.name, "the one that goes").id
        return super().account(vendors, **more)


CONTRACT = TestContract()


def test_a_new_key_has_the_bounds_of_the_old_one(vendors: Vendors) -> None:
    """A key without models may use every one; one without a budget could spend without end."""
    old = vendors.seed("litellm", "agent")
    bounds = {"models": ["small"], "max_budget": 5.0, "budget_duration": "30d", "team_id": "t1"}
    ends = (system_clock() + timedelta(days=7)).isoformat()
    vendors.extra("litellm")[old.id] = {**bounds, "expires": ends}
    account = CONTRACT.account(vendors, key_id=old.id)
    minted = promised(CONTRACT.provider.read_minted)(promised(CONTRACT.provider.mint)(account, "keysweep-test-1"))
    made = vendors.extra("litellm")[minted.key_id]
    assert {name: made[name] for name in bounds} == bounds
    life = datetime.fromisoformat(made["expires"]) - system_clock()
    assert timedelta(days=6, hours=23) < life < timedelta(days=7, minutes=1)


@pytest.mark.parametrize(
    ("status", "trouble"),
    [pytest.param(500, Trouble.UNCERTAIN, id="a server error"), pytest.param(404, Trouble.NOT_FOUND, id="gone")],
)
def test_no_key_is_made_while_the_old_ones_bounds_cannot_be_read(
    status: int, trouble: Trouble, vendors: Vendors
) -> None:
    """Nor is one made on a guess."""
    account = CONTRACT.account(vendors)
    vendors.fault("litellm", "status", method="GET", path="/key/info", status=status)
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(account, "keysweep-test-1")
    assert failed.value.trouble is trouble
    assert vendors.minted("litellm") == 0


def test_a_blocked_key_is_refused_until_it_is_unblocked(vendors: Vendors) -> None:
    """Containment is reversible, and may be repeated."""
    provider, account, key = CONTRACT.provider, CONTRACT.account(vendors), vendors.seed("litellm", "agent")
    for _ in range(2):
        promised(provider.deactivate)(account, key.id)
    assert provider.probe(account, Secret(key.value)).code == "401 blocked"
    assert key.id not in {one.key_id for one in promised(provider.find)(account) if one.active}
    for _ in range(2):
        promised(provider.activate)(account, key.id)
    assert provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE


def test_an_id_is_told_by_the_value(vendors: Vendors) -> None:
    """Its hash, if the proxy has such a key."""
    key, account = vendors.seed("litellm", "agent"), CONTRACT.account(vendors)
    asked = [promised(CONTRACT.provider.identify)(account, Secret(value)) for value in (key.value, "sk-nobody")]
    assert asked == [key.id, None]


def test_a_proxy_has_no_other_home(vendors: Vendors) -> None:
    """Without the setting nothing is sent anywhere."""
    account = replace(CONTRACT.account(vendors), settings={})
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.find)(account)
    assert refused.value.trouble is Trouble.REJECTED
    assert CONTRACT.provider.probe(account, Secret("sk-any")).liveness is Liveness.UNKNOWN


def test_a_time_that_is_none_is_said_to_be(vendors: Vendors) -> None:
    """Whatever the answer holds, the adapter raises its own error only, and makes no key that lives for ever."""
    old = vendors.seed("litellm", "agent")
    vendors.extra("litellm")[old.id] = {"expires": "soon"}
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is Trouble.UNREADABLE
    assert vendors.minted("litellm") == 0
