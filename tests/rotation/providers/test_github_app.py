"""Tokens of an application at GitHub: the contract, a reset whose answer is lost, and two witnesses of a death."""

from __future__ import annotations

from dataclasses import replace

import github
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from samples.simulators.github_app import CLIENT
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "github_app"
    settings = (("client_id", CLIENT),)
    probing = ("POST", "/applications/")
    forbidden = Liveness.UNKNOWN
    by_id = False


CONTRACT = TestContract()


def test_a_reset_ends_the_old_token_and_the_new_one_works(vendors: Vendors) -> None:
    """In one call; the authorisation, and with it the id, stays."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    key = vendors.seed("github_app", "agent")
    assert promised(provider.identify)(account, Secret(key.value)) == key.id
    minted = promised(provider.read_minted)(promised(provider.roll)(account, key.id, Secret(key.value)))
    assert minted.key_id == key.id
    assert provider.probe(account, minted.secret).liveness is Liveness.ALIVE
    assert provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD
    assert promised(provider.identify)(account, Secret(key.value)) is None


@pytest.mark.parametrize("fault", ["lose-answer", "fail-after"])
def test_a_lost_reset_is_said_and_never_repeated_blindly(fault: str, vendors: Vendors) -> None:
    """The new token is known to nobody, and the vendor takes no id: a person authorises again, the old token is dead."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    key = vendors.seed("github_app", "agent")
    vendors.fault("github_app", fault, method="PATCH")
    with pytest.raises(ProviderError) as lost:
        promised(provider.roll)(account, key.id, Secret(key.value))
    assert lost.value.trouble is Trouble.UNCERTAIN
    with pytest.raises(ProviderError, match="authorise the application again") as gone:
        promised(provider.observe)(account, key.id, Secret(key.value))
    assert gone.value.trouble is Trouble.NOT_FOUND
    assert provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD


def test_a_reset_that_did_not_happen_may_be_repeated(vendors: Vendors) -> None:
    """The old token is still there, so nothing was done."""
    account, key = CONTRACT.account(vendors), vendors.seed("github_app", "agent")
    assert promised(CONTRACT.provider.observe)(account, key.id, Secret(key.value)) is None


@pytest.mark.parametrize(
    ("client", "alive", "expected"),
    [
        pytest.param("Iv1.another", True, Liveness.UNKNOWN, id="a wrong client id: the vendor refuses the application"),
        pytest.param(CLIENT, False, Liveness.DEAD, id="unknown to the application and refused itself"),
    ],
)
def test_who_says_that_a_token_is_dead(client: str, alive: bool, expected: Liveness, vendors: Vendors) -> None:
    """A refused application is no word about a token."""
    key = vendors.seed("github_app", "agent", status="active" if alive else "inactive")
    account = CONTRACT.account(vendors)
    account = replace(account, settings={**account.settings, "client_id": client})
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is expected


def test_a_token_of_another_application_is_alive(vendors: Vendors) -> None:
    """This application is told 404, the token itself is accepted: one witness is not enough."""
    key = vendors.seed("github_app", "agent")
    page = "https://docs.github.com/rest/apps/oauth-applications#check-a-token"
    body = {"message": "Not Found", "documentation_url": page}
    vendors.answer("github_app", "POST", "/applications/", 404, body)
    verdict = CONTRACT.provider.probe(CONTRACT.account(vendors), Secret(key.value))
    assert (verdict.liveness, verdict.code) == (Liveness.ALIVE, "404 Not Found, 200")


def test_without_the_applications_secret_the_token_speaks_for_itself(vendors: Vendors) -> None:
    """The check cannot be asked for; the token may still end itself, and its own refusal shows that it did."""
    key, account = vendors.seed("github_app", "agent"), CONTRACT.account(vendors, admin=None)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    promised(CONTRACT.provider.end_self)(account, Secret(key.value))
    assert vendors.live("github_app") == set()
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD


def test_pygithub_agrees(vendors: Vendors) -> None:
    """A client by others works with the new token and is refused with the old one."""
    account, key = CONTRACT.account(vendors), vendors.seed("github_app", "agent")
    raw = promised(CONTRACT.provider.roll)(account, key.id, Secret(key.value))
    new = promised(CONTRACT.provider.read_minted)(raw).secret.reveal_text()
    base = f"{vendors.url}/github_app"
    with github.Github(auth=github.Auth.Token(new), base_url=base, retry=None) as client:
        assert client.get_user().login == "user-orders"
    with (
        github.Github(auth=github.Auth.Token(key.value), base_url=base, retry=None) as client,
        pytest.raises(github.BadCredentialsException),
    ):
        client.get_rate_limit()
