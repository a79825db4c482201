"""SendGrid: the contract, scopes that are copied, room for one more key, and the vendor's own client."""

from __future__ import annotations

from dataclasses import replace

import pytest
from python_http_client.exceptions import UnauthorizedError
from sendgrid import SendGridAPIClient

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "sendgrid"
    settings = (("scopes", "mail.send"),)
    probing = ("GET", "/v3/scopes")
    listing = ("GET", "/v3/api_keys")
    forbidden = Liveness.UNKNOWN


CONTRACT = TestContract()


@pytest.mark.parametrize(
    ("shown", "stated", "expected"),
    [
        pytest.param(["stats.read"], "mail.send", ["stats.read"], id="the old key's scopes come before the setting"),
        pytest.param(
            None, "mail.send, stats.read", ["mail.send", "stats.read"], id="a key that is gone: the setting's"
        ),
        pytest.param(None, "", None, id="neither: no key is made, for it could do everything"),
    ],
)
def test_scopes_are_never_widened(
    shown: list[str] | None, stated: str, expected: list[str] | None, vendors: Vendors
) -> None:
    """A key without scopes may do everything at this vendor."""
    old = vendors.seed("sendgrid", "agent", status="active" if shown else "deleted")
    vendors.extra("sendgrid")[old.id] = shown
    account = CONTRACT.account(vendors, key_id=old.id)
    account = replace(account, settings={**account.settings, "scopes": stated})
    if expected is None:
        with pytest.raises(ProviderError) as refused:
            promised(CONTRACT.provider.mint)(account, "keysweep-test-1")
        assert refused.value.trouble is Trouble.REJECTED
        assert vendors.minted("sendgrid") == 0
    else:
        minted = promised(CONTRACT.provider.read_minted)(promised(CONTRACT.provider.mint)(account, "keysweep-test-1"))
        assert vendors.extra("sendgrid")[minted.key_id] == expected


def test_no_key_is_made_while_the_old_ones_scopes_cannot_be_read(vendors: Vendors) -> None:
    """A 500 says nothing of them, even where the setting does."""
    old = vendors.seed("sendgrid", "agent")
    vendors.fault("sendgrid", "status", method="GET", path=old.id, status=500)
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors, key_id=old.id), "keysweep-test-1")
    assert failed.value.trouble is Trouble.UNCERTAIN
    assert vendors.minted("sendgrid") == 0


def test_an_id_is_told_by_the_value(vendors: Vendors) -> None:
    """It stands in it, if the vendor has such a key; a stranger and something else have none."""
    key, account = vendors.seed("sendgrid", "agent"), CONTRACT.account(vendors)
    gone = vendors.seed("sendgrid", "gone", status="deleted")
    asked = [promised(CONTRACT.provider.identify)(account, Secret(value)) for value in (key.value, gone.value, "other")]
    assert asked == [key.id, None, None]


def test_the_sendgrid_client_agrees(vendors: Vendors) -> None:
    """A key that the adapter makes works in the vendor's client, which lists and shows it, until the adapter deletes it."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    host = f"{vendors.url}/sendgrid"
    agent = SendGridAPIClient(minted.secret.reveal_text(), host=host).client
    assert account.admin is not None
    admin = SendGridAPIClient(account.admin.reveal_text(), host=host).client
    assert agent.scopes.get().to_dict == {"scopes": ["mail.send"]}
    assert admin.api_keys.get().to_dict == {"result": [{"name": "keysweep-test-1", "api_key_id": minted.key_id}]}
    theirs = admin.api_keys.post(request_body={"name": "theirs", "scopes": ["stats.read"]}).to_dict
    assert theirs["api_key_id"] in {key.key_id for key in promised(provider.find)(account)}
    verdict = provider.probe(account, Secret(theirs["api_key"]))
    assert verdict.liveness is Liveness.ALIVE
    promised(provider.revoke)(account, minted.key_id, minted.secret)
    with pytest.raises(UnauthorizedError):
        agent.scopes.get()
