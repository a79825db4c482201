"""LangSmith: the contract, and how far a new key reaches."""

from __future__ import annotations

import json
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

    name = "langsmith"
    probing = ("GET", "/api/v1/sessions")
    listing = ("GET", "/service-keys")
    forbidden = Liveness.UNKNOWN

    def account(self, vendors: Vendors, **more: object) -> Account:
        """Return an account that names the key that goes: how far it reaches is read before another is made."""
        if "key_id" not in more:
            more["key_id"] = vendors.seed(self.name, "the one that goes").id
        return super().account(vendors, **more)


CONTRACT = TestContract()


def test_a_new_key_reaches_as_far_as_the_old_one(vendors: Vendors) -> None:
    """Workspaces and roles are the same; the time until it ends is as long again."""
    old = vendors.seed("langsmith", "agent")
    bounds = {"read_only": True, "workspaces": ["w1"], "default_workspace_id": "w1", "role_id": "r1"}
    ends = (system_clock() + timedelta(days=30)).isoformat()
    vendors.extra("langsmith")[old.id] = {**bounds, "expires_at": ends}
    account = CONTRACT.account(vendors, key_id=old.id)
    answer = json.loads(promised(CONTRACT.provider.mint)(account, "keysweep-test-1").reveal())
    assert {name: answer[name] for name in bounds} == bounds
    life = datetime.fromisoformat(answer["expires_at"]) - system_clock()
    assert timedelta(days=29, hours=23) < life < timedelta(days=30, minutes=1)


def test_no_key_is_made_for_one_that_is_not_listed(vendors: Vendors) -> None:
    """It would reach every workspace of the organisation."""
    account = CONTRACT.account(vendors, key_id="never-was")
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.mint)(account, "keysweep-test-1")
    assert refused.value.trouble is Trouble.REJECTED
    assert vendors.minted("langsmith") == 0


def test_a_key_of_the_whole_organisation_is_alive(vendors: Vendors) -> None:
    """The vendor asks which workspace is meant: it knows the key.  With the setting it answers as for any other."""
    key = vendors.seed("langsmith", "agent")
    vendors.extra("langsmith")[key.id] = {"workspaces": None}
    account = CONTRACT.account(vendors)
    assert CONTRACT.provider.probe(account, Secret(key.value)).code == "403"
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    named = CONTRACT.account(vendors, settings={**account.settings, "workspace_id": "w1"})
    assert CONTRACT.provider.probe(named, Secret(key.value)).code == "200"


def test_a_time_that_is_none_is_said_to_be(vendors: Vendors) -> None:
    """Whatever the answer holds, the adapter raises its own error only, and makes no key that lives for ever."""
    old = vendors.seed("langsmith", "agent")
    vendors.extra("langsmith")[old.id] = {"expires_at": "soon"}
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is Trouble.UNREADABLE
    assert vendors.minted("langsmith") == 0
