"""Pinecone: the contract, roles that are copied, a service account that is refused, and the vendor's own client."""

from __future__ import annotations

import pytest
from pinecone import Admin, Pinecone
from pinecone.errors.exceptions import UnauthorizedError

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from samples.simulators.pinecone import PROJECT
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "pinecone"
    settings = (("project_id", PROJECT),)
    probing = ("GET", "/indexes")
    listing = ("GET", "/api-keys")
    minting = "/api-keys"
    forbidden = Liveness.UNKNOWN

    def account(self, vendors: Vendors, **more: object) -> Account:
        """Return an account that names the key that goes: its roles are read before another is made."""
        if "key_id" not in more:
            more["key_id"] = vendors.seed(self.name, "the one that goes").id
        return super().account(vendors, **more)


CONTRACT = TestContract()


def test_a_new_key_has_the_roles_of_the_old_one(vendors: Vendors) -> None:
    """A key without roles could edit the whole project."""
    old = vendors.seed("pinecone", "agent")
    vendors.extra("pinecone")[old.id] = ["DataPlaneViewer"]
    account = CONTRACT.account(vendors, key_id=old.id)
    minted = promised(CONTRACT.provider.read_minted)(promised(CONTRACT.provider.mint)(account, "keysweep-test-1"))
    assert vendors.extra("pinecone")[minted.key_id] == ["DataPlaneViewer"]


@pytest.mark.parametrize(
    ("status", "trouble"),
    [pytest.param(500, Trouble.UNCERTAIN, id="a server error"), pytest.param(404, Trouble.NOT_FOUND, id="gone")],
)
def test_no_key_is_made_while_the_old_ones_roles_cannot_be_read(
    status: int, trouble: Trouble, vendors: Vendors
) -> None:
    """Nor is one made on a guess."""
    old = vendors.seed("pinecone", "agent")
    vendors.fault("pinecone", "status", method="GET", path=old.id, status=status)
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is trouble
    assert vendors.minted("pinecone") == 0


def test_a_key_that_may_not_list_indexes_is_alive(vendors: Vendors) -> None:
    """The vendor's own 403 shows that it knows the key; anybody else's shows nothing."""
    key, account = vendors.seed("pinecone", "agent"), CONTRACT.account(vendors)
    refusal = {"error": {"code": "FORBIDDEN", "message": "not with these roles"}, "status": 403}
    vendors.fault("pinecone", "status", method="GET", path="/indexes", status=403, body=refusal)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE


@pytest.mark.parametrize("stored", ["no-pair", "client:unknown"])
def test_a_service_account_that_is_refused_is_said_to_be(stored: str, vendors: Vendors) -> None:
    """Without a token nothing is asked, and the error does not hold what was stored."""
    account = CONTRACT.account(vendors, admin=Secret(stored))
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.find)(account)
    assert failed.value.trouble in {Trouble.REFUSED, Trouble.REJECTED}
    assert stored not in str(failed.value)


def test_the_pinecone_client_agrees(vendors: Vendors) -> None:
    """A key that the adapter makes works in the vendor's client, which describes it, until the adapter deletes it."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    assert account.admin is not None
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    host = f"{vendors.url}/pinecone"
    client_id, _, secret = account.admin.reveal_text().partition(":")
    with (
        Admin(client_id=client_id, client_secret=secret, host=host, oauth_url=f"{host}/oauth/token") as admin,
        Pinecone(api_key=minted.secret.reveal_text(), host=host) as agent,
    ):
        assert list(agent.indexes.list()) == []
        assert admin.api_keys.describe(api_key_id=minted.key_id).name == "keysweep-test-1"
        theirs = admin.api_keys.create(project_id=PROJECT, name="theirs", roles=["DataPlaneViewer"])
        assert theirs.key.id in {key.key_id for key in promised(provider.find)(account)}
        assert provider.probe(account, Secret(theirs.value)).liveness is Liveness.ALIVE
        promised(provider.revoke)(account, minted.key_id, minted.secret)
        with pytest.raises(UnauthorizedError):
            list(agent.indexes.list())
