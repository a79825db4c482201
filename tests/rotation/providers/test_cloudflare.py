"""Cloudflare: the contract, rolls whose answer is lost, switching off and on, and the vendor's own client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cloudflare
import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Liveness, Minted, ProviderError, Trouble
from samples.simulators import Call
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import Planted, Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "cloudflare"
    probing = ("GET", "/verify")
    listing = ("GET", "/user/tokens")
    forbidden = Liveness.UNKNOWN


CONTRACT = TestContract()


def _rolled(vendors: Vendors, key: Planted) -> Minted:
    provider = CONTRACT.provider
    raw = promised(provider.roll)(CONTRACT.account(vendors), key.id, Secret(key.value))
    return promised(provider.read_minted)(raw)


def test_a_roll_ends_the_old_value_and_keeps_the_id(vendors: Vendors) -> None:
    """In one call."""
    key, account = vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    assert promised(CONTRACT.provider.identify)(account, Secret(key.value)) == key.id
    new = _rolled(vendors, key)
    assert new.key_id == key.id
    assert CONTRACT.provider.probe(account, new.secret).liveness is Liveness.ALIVE
    assert CONTRACT.provider.probe(account, Secret(key.value)).code == "401 1000"
    assert promised(CONTRACT.provider.identify)(account, Secret(key.value)) is None


def test_an_old_value_that_lives_on_for_a_while_is_alive(vendors: Vendors) -> None:
    """Until the vendor refuses it everywhere it is not said to be dead."""
    key, account = vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    vendors.propagation("cloudflare", 3600)
    _rolled(vendors, key)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    vendors.propagation("cloudflare", 0)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.DEAD


@pytest.mark.parametrize("seconds", [0, 3600], ids=["dead at once", "accepted for a while"])
@pytest.mark.parametrize("fault", ["lose-answer", "fail-after"])
def test_a_roll_whose_answer_is_lost_is_repeated_by_id(fault: str, seconds: float, vendors: Vendors) -> None:
    """Whatever is seen of the old value, the next roll gives a value that is known."""
    provider, key, account = CONTRACT.provider, vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    vendors.propagation("cloudflare", seconds)
    vendors.fault("cloudflare", fault, method="PUT", path="/value")
    with pytest.raises(ProviderError) as lost:
        _rolled(vendors, key)
    assert lost.value.trouble is Trouble.UNCERTAIN
    seen = promised(provider.observe)(account, key.id, Secret(key.value))
    assert seen == (None if seconds else key.id)
    assert provider.probe(account, _rolled(vendors, key).secret).liveness is Liveness.ALIVE
    assert vendors.live("cloudflare") == {key.id}


def test_nothing_is_seen_in_a_storm(vendors: Vendors) -> None:
    """429 to the question is no answer to it."""
    key = vendors.seed("cloudflare", "agent")
    vendors.fault("cloudflare", "busy", method="GET", path="/verify")
    with pytest.raises(ProviderError) as unknown:
        promised(CONTRACT.provider.observe)(CONTRACT.account(vendors), key.id, Secret(key.value))
    assert unknown.value.trouble is Trouble.UNCERTAIN


@pytest.mark.parametrize("body", ["<html>portal</html>", {"success": True, "result": {"status": "odd"}}, {}])
def test_a_page_with_status_200_is_no_yes(body: object, vendors: Vendors) -> None:
    """What a captive portal answers says nothing of a token."""
    key = vendors.seed("cloudflare", "agent")
    vendors.answer("cloudflare", "GET", "/verify", 200, body)
    verdict = CONTRACT.provider.probe(CONTRACT.account(vendors), Secret(key.value))
    assert verdict.liveness is Liveness.UNKNOWN


def test_switching_off_keeps_everything_else(vendors: Vendors) -> None:
    """The vendor has no smaller change than the whole token: rights and dates are sent again."""
    sent: list[Call] = []
    key, account = vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    policies = [{"id": "p9", "effect": "deny", "permission_groups": [], "resources": {}}]
    vendors.extra("cloudflare")[key.id] = {"policies": policies, "expires_on": "2027-01-01T00:00:00Z"}
    vendors.watch(lambda call: sent.append(call) if call.method == "PUT" else None)
    for _ in range(2):
        promised(CONTRACT.provider.deactivate)(account, key.id)
        verdict = CONTRACT.provider.probe(account, Secret(key.value))
        assert (verdict.liveness, verdict.code) == (Liveness.DEAD, "200 disabled")
    promised(CONTRACT.provider.activate)(account, key.id)
    assert CONTRACT.provider.probe(account, Secret(key.value)).liveness is Liveness.ALIVE
    kept = {"name": "agent", "policies": policies, "expires_on": "2027-01-01T00:00:00Z"}
    assert [call.body for call in sent] == [{**kept, "status": "disabled"}, {**kept, "status": "active"}]


def test_tokens_of_an_account_are_asked_for_there(vendors: Vendors) -> None:
    """With the setting `account_id`."""
    seen: list[str] = []
    key, account = vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    account = replace(account, settings={**account.settings, "account_id": "acc/1"})
    vendors.watch(lambda call: seen.append(call.path))
    promised(CONTRACT.provider.roll)(account, key.id, Secret(key.value))
    assert seen == [f"/client/v4/accounts/acc%2F1/tokens/{key.id}/value"]


def test_the_engine_rolls_again_after_a_lost_answer(tmp_path: Path, vendors: Vendors) -> None:
    """One token, whose value the vault holds; the id that was not stored is learned."""
    key = vendors.seed("cloudflare", "agent")
    vendors.fault("cloudflare", "lose-answer", method="PUT", path="/value")
    rotation = rotated(tmp_path, vendors, "cloudflare", key, mode=Mode.FORCED)
    assert rotation.outcome is Outcome.DONE, rotation.failure
    assert vendors.id_of("cloudflare", rotation.value) == key.id
    assert [version.provider_key_id for version in rotation.versions] == [key.id, key.id]


def test_the_cloudflare_client_agrees(vendors: Vendors) -> None:
    """The vendor's own client verifies what the adapter rolled, and the adapter what the client rolled."""
    key, account = vendors.seed("cloudflare", "agent"), CONTRACT.account(vendors)
    assert account.admin is not None
    new = _rolled(vendors, key)
    base = f"{vendors.url}/cloudflare/client/v4"
    with (
        cloudflare.Cloudflare(api_token=new.secret.reveal_text(), base_url=base, max_retries=0) as agent,
        cloudflare.Cloudflare(api_token=account.admin.reveal_text(), base_url=base, max_retries=0) as admin,
    ):
        verified = agent.user.tokens.verify()
        assert verified is not None
        assert (verified.id, verified.status) == (key.id, "active")
        assert {token.id for token in admin.user.tokens.list()} >= {key.id}
        theirs = admin.user.tokens.value.update(key.id)
        assert CONTRACT.provider.probe(account, Secret(theirs)).liveness is Liveness.ALIVE
        with pytest.raises(cloudflare.AuthenticationError):
            agent.user.tokens.verify()
