"""Databricks: the contract over both of its APIs, the vendor's own SDK, and what is no death."""

from __future__ import annotations

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.config import Config
from databricks.sdk.errors import PermissionDenied

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Liveness, Provider, ProviderError, Trouble
from samples.simulators.databricks import APPLICATION
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator, for a service principal."""

    name = "databricks"
    settings = (("application_id", APPLICATION),)
    probing = ("GET", "/Me")
    listing = ("GET", "/tokens")
    forbidden = Liveness.UNKNOWN


@pytest.fixture
def provider() -> Provider:
    """Under test."""
    return TestContract().provider


def client(vendors: Vendors, token: Secret) -> WorkspaceClient:
    """Return the vendor's SDK, signed in with a token."""
    where = f"{vendors.url}/databricks"
    config = Config(host=vendors.url, token=token.reveal_text(), auth_type="pat", retry_timeout_seconds=1)
    config.host = where  # it takes the path off an address that it is given
    return WorkspaceClient(config=config)


def test_the_databricks_sdk_agrees(provider: Provider, vendors: Vendors) -> None:
    """A minted token signs the vendor's SDK in and is on its list, until it is deleted."""
    account = TestContract().account(vendors)
    assert account.admin is not None
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(account, "keysweep-test-1"))
    listed = client(vendors, account.admin).token_management.list()
    assert [(token.token_id, token.comment) for token in listed] == [(minted.key_id, "keysweep-test-1")]
    assert client(vendors, minted.secret).current_user.me().user_name == APPLICATION
    provider.revoke(account, minted.key_id, minted.secret)
    with pytest.raises(PermissionDenied, match="Invalid access token"):
        client(vendors, minted.secret).current_user.me()


def test_without_a_service_principal_the_users_own_tokens_are_meant(provider: Provider, vendors: Vendors) -> None:
    """The token API does the same for the administering token's own user."""
    account = TestContract().account(vendors)
    own = TestContract().account(vendors, settings={"base_url": account.settings["base_url"], "lifetime_days": "90"})
    calls: list[str] = []
    vendors.watch(lambda call: calls.append(f"{call.method} {call.path}"))
    assert provider.mint is not None
    assert provider.read_minted is not None
    assert provider.find is not None
    assert provider.revoke is not None
    minted = provider.read_minted(provider.mint(own, "keysweep-test-1"))
    assert [key.name for key in provider.find(own)] == ["keysweep-test-1"]
    for _ in range(2):
        provider.revoke(own, minted.key_id, minted.secret)
    assert provider.probe(own, minted.secret).liveness is Liveness.DEAD
    paths = {"POST /api/2.0/token/create", "GET /api/2.0/token/list", "POST /api/2.0/token/delete"}
    assert set(calls) == paths | {"GET /api/2.0/preview/scim/v2/Me"}
    assert vendors.extra("databricks")["about"][minted.key_id] == {"lifetime_seconds": 90 * 86_400}


def test_a_new_token_may_do_what_the_old_one_might(provider: Provider, vendors: Vendors) -> None:
    """Its scopes are copied."""
    old = vendors.seed("databricks", "agent")
    vendors.extra("databricks")["about"] = {old.id: {"scopes": ["sql"]}}
    assert provider.mint is not None
    assert provider.read_minted is not None
    raw = provider.mint(TestContract().account(vendors, key_id=old.id), "keysweep-test-1")
    assert vendors.extra("databricks")["about"][provider.read_minted(raw).key_id] == {"scopes": ["sql"]}


def test_a_full_quota_is_a_limit(provider: Provider, vendors: Vendors) -> None:
    """The refusal says why, so that a person can make room."""
    account = TestContract().account(vendors)
    vendors.seed("databricks", "agent")
    vendors.limit("databricks", 1)
    assert provider.mint is not None
    with pytest.raises(ProviderError) as full:
        provider.mint(account, "keysweep-test-1")
    assert full.value.trouble is Trouble.LIMIT


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        pytest.param(403, 403, "Invalid access token.", Liveness.DEAD, id="deleted"),
        pytest.param(401, "401", "Invalid access token. [ReqId: 1]", Liveness.DEAD, id="deleted, with a newer status"),
        pytest.param(403, "PERMISSION_DENIED", "No SCIM for you.", Liveness.ALIVE, id="a permission lacks"),
        pytest.param(403, 403, "Invalid access to Org: 1", Liveness.UNKNOWN, id="another workspace"),
        pytest.param(403, "403", "Source IP address is blocked by IP ACL.", Liveness.UNKNOWN, id="a blocked address"),
        pytest.param(
            401, 401, "Credential was not sent or was of an unsupported type.", Liveness.UNKNOWN, id="no token"
        ),
    ],
)
def test_what_databricks_answers_is_read_by_its_message(
    status: int, code: object, message: str, expected: Liveness, provider: Provider, vendors: Vendors
) -> None:
    """401 and 403 both come for other reasons as well."""
    body = {"error_code": code, "message": message}
    vendors.fault("databricks", "status", method="GET", status=status, body=body)
    assert provider.probe(TestContract().account(vendors), Secret("any")).liveness is expected
