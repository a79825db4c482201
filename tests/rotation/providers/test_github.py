"""GitHub's personal access tokens: the contract, revocation by value, and a client by others."""

from __future__ import annotations

import github
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from samples.simulators import Call
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "github"
    probing = ("GET", "/rate_limit")
    forbidden = Liveness.UNKNOWN
    by_id = False


CONTRACT = TestContract()


def test_the_revocation_does_not_say_who_asks(vendors: Vendors) -> None:
    """A call with a token is refused by the vendor; the value goes in the body, and nowhere else."""
    seen: list[Call] = []
    key = vendors.seed("github", "agent")
    vendors.watch(seen.append)
    promised(CONTRACT.provider.revoke)(CONTRACT.account(vendors), None, Secret(key.value))
    (call,) = seen
    assert "authorization" not in call.headers
    assert call.body == {"credentials": [key.value]}
    assert key.value not in f"{call.path}{dict(call.query)}{dict(call.headers)}"


def test_a_revoked_token_may_live_on_for_a_while(vendors: Vendors) -> None:
    """202 is no proof: until the vendor has done it the token is alive, and said to be."""
    key, account = vendors.seed("github", "agent"), CONTRACT.account(vendors)
    vendors.propagation("github", 3600)
    promised(CONTRACT.provider.revoke)(account, None, Secret(key.value))
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    vendors.propagation("github", 0)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD


def test_a_token_ends_itself_without_an_administering_key(vendors: Vendors) -> None:
    """The value is all that it takes, for whoever holds it."""
    key = vendors.seed("github", "agent")
    promised(CONTRACT.provider.end_self)(CONTRACT.account(vendors, admin=None), Secret(key.value))
    assert vendors.live("github") == set()


@pytest.mark.parametrize(
    ("calls", "value", "trouble"),
    [
        pytest.param(60, "ghp_x", Trouble.BUSY, id="the hourly number is used up: later"),
        pytest.param(0, "", Trouble.REJECTED, id="no value: nothing is asked for"),
    ],
)
def test_a_revocation_that_cannot_be(calls: int, value: str, trouble: Trouble, vendors: Vendors) -> None:
    """What may be done about it is said."""
    vendors.extra("github")["calls"] = calls
    with pytest.raises(ProviderError) as failed:
        promised(CONTRACT.provider.revoke)(CONTRACT.account(vendors), None, Secret(value))
    assert failed.value.trouble is trouble
    assert vendors.extra("github")["calls"] == calls + (trouble is Trouble.BUSY)


def test_pygithub_agrees(vendors: Vendors) -> None:
    """A client by others works with a token until the adapter has it revoked, and reads the refusal as bad credentials."""
    key = vendors.seed("github", "agent")
    base = f"{vendors.url}/github"
    with github.Github(auth=github.Auth.Token(key.value), base_url=base, retry=None) as client:
        assert client.get_user().login == "user-orders"
        assert client.get_rate_limit().rate.limit == 5000
        promised(CONTRACT.provider.revoke)(CONTRACT.account(vendors), None, Secret(key.value))
        with pytest.raises(github.BadCredentialsException):
            client.get_rate_limit()
