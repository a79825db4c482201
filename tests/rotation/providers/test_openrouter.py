"""OpenRouter: the contract, limits that are carried over, switching off and on, and the vendor's own client."""

from __future__ import annotations

import pytest
from openrouter import OpenRouter
from openrouter.errors import UnauthorizedResponseError

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from samples.simulators.openrouter import SECOND
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "openrouter"
    probing = ("GET", "/api/v1/key")
    listing = ("GET", "/api/v1/keys")
    forbidden = Liveness.UNKNOWN


CONTRACT = TestContract()


def test_a_new_key_has_the_bounds_of_the_old_one(vendors: Vendors) -> None:
    """Amount, reset, own keys and workspace: a key without them could spend without end, and be missed in its workspace."""
    provider = CONTRACT.provider
    old = vendors.seed("openrouter", "agent")
    bounds = {"limit": 25.0, "limit_reset": "weekly", "include_byok_in_limit": True}
    vendors.extra("openrouter")[old.id] = bounds
    next(key for key in vendors.keys("openrouter") if key.id == old.id).workspace = SECOND
    account = CONTRACT.account(vendors, key_id=old.id)
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    made = next(key for key in vendors.keys("openrouter") if key.id == minted.key_id)
    assert (vendors.extra("openrouter")[made.id], made.workspace) == (bounds, SECOND)
    assert minted.key_id in {key.key_id for key in promised(provider.find)(account)}


def test_no_key_is_minted_while_the_old_ones_bounds_cannot_be_read(vendors: Vendors) -> None:
    """A 500 says nothing of them."""
    old = vendors.seed("openrouter", "agent")
    vendors.fault("openrouter", "status", method="GET", path=old.id, status=500)
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is Trouble.UNCERTAIN
    assert vendors.minted("openrouter") == 0


def test_an_id_is_told_by_the_value(vendors: Vendors) -> None:
    """Its hash, if the vendor has such a key; a stranger has none."""
    key, account = vendors.seed("openrouter", "agent"), CONTRACT.account(vendors)
    assert promised(CONTRACT.provider.identify)(account, Secret(key.value)) == key.id
    assert promised(CONTRACT.provider.identify)(account, Secret("sk-or-v1-nobody")) is None


@pytest.mark.filterwarnings("ignore:.*DEPRECATED:DeprecationWarning")  # the client's own model of a key has such fields
def test_the_openrouter_client_agrees(vendors: Vendors) -> None:
    """A key that the adapter makes, switches and deletes is seen so by the vendor's own client, and the other way round."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    assert account.admin is not None
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    base = f"{vendors.url}/openrouter/api/v1"
    with (
        OpenRouter(api_key=account.admin.reveal_text(), server_url=base) as admin,
        OpenRouter(api_key=minted.secret.reveal_text(), server_url=base) as agent,
    ):
        assert agent.api_keys.get_current_key_metadata().data.label.startswith("sk-or-v1-")
        promised(provider.deactivate)(account, minted.key_id)
        assert admin.api_keys.get(hash=minted.key_id).data.disabled
        with pytest.raises(UnauthorizedResponseError):
            agent.api_keys.get_current_key_metadata()
        assert not admin.api_keys.update(hash=minted.key_id, disabled=False).data.disabled
        assert provider.probe(account, minted.secret).liveness is Liveness.ALIVE
        theirs = admin.api_keys.create(name="theirs", limit=3, limit_reset="daily")
        assert theirs.data.hash in {key.key_id for key in promised(provider.find)(account)}
        promised(provider.revoke)(account, minted.key_id, minted.secret)
        with pytest.raises(UnauthorizedResponseError):
            agent.api_keys.get_current_key_metadata()
