"""OpenAI's admin keys: the contract, a key that administers itself, the forced lifetime, and the vendor's own client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import openai
import pytest
from openai.types.admin.organization import AdminAPIKeyCreateResponse

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Liveness, ProviderError, Trouble
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "openai_admin"
    probing = ("GET", "admin_api_keys")
    listing = ("GET", "admin_api_keys")


CONTRACT = TestContract()


def test_a_key_that_administers_itself_makes_its_successor_and_ends_itself(vendors: Vendors) -> None:
    """The successor is there before the old key goes; a DELETE whose answer was lost is success when it is repeated."""
    provider, own = CONTRACT.provider, vendors.seed("openai_admin", "own")
    account = CONTRACT.account(vendors, admin=Secret(own.value))
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    vendors.fault("openai_admin", "lose-answer", method="DELETE")
    with pytest.raises(ProviderError) as lost:
        promised(provider.revoke)(account, own.id, Secret(own.value))
    assert lost.value.trouble is Trouble.UNCERTAIN
    promised(provider.revoke)(account, own.id, Secret(own.value))
    assert provider.probe(account, Secret(own.value)).liveness is Liveness.DEAD
    assert provider.probe(account, minted.secret).liveness is Liveness.ALIVE


@pytest.mark.parametrize(
    ("mode", "fault", "method"),
    [
        pytest.param(Mode.PLANNED, "lose-answer", "DELETE", id="planned: the answer to its own end is lost"),
        pytest.param(Mode.FORCED, "fail-after", "DELETE", id="forced: 500 behind its own end"),
        pytest.param(Mode.FORCED, "lose-answer", "POST", id="forced: the answer with the successor is lost"),
    ],
)
def test_the_engine_replaces_a_key_that_administers_itself(
    mode: Mode, fault: str, method: str, tmp_path: Path, vendors: Vendors
) -> None:
    """One key is alive at the end, and the vault holds it."""
    key = vendors.seed("openai_admin", "own")
    vendors.fault("openai_admin", fault, method=method)
    rotation = rotated(tmp_path, vendors, "openai_admin", key, mode=mode, itself=True)
    assert (rotation.outcome, rotation.failure) == (Outcome.DONE, "")
    assert vendors.live("openai_admin") == {vendors.id_of("openai_admin", rotation.value)}


def test_a_key_that_administers_itself_stays_while_its_successor_is_not_seen_to_work(
    tmp_path: Path, vendors: Vendors
) -> None:
    """Planned: nobody is locked out; the successor is taken back."""
    key = vendors.seed("openai_admin", "own")
    vendors.answer("openai_admin", "GET", "admin_api_keys", 500, {}, query={"limit": "1"})
    rotation = rotated(tmp_path, vendors, "openai_admin", key, mode=Mode.PLANNED, itself=True)
    assert rotation.outcome is Outcome.ROLLED_BACK
    assert vendors.live("openai_admin") == {key.id}
    assert rotation.value == key.value


def test_a_refused_administering_key_is_no_word_about_another_key(vendors: Vendors) -> None:
    """Only about itself: a dead key that was to end another one ended nothing."""
    other, dead = vendors.seed("openai_admin", "other"), CONTRACT.ended(vendors)
    account = CONTRACT.account(vendors, admin=Secret(dead.value))
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.revoke)(account, other.id, Secret(other.value))
    assert refused.value.trouble is Trouble.REFUSED


def test_a_key_ends_itself_without_an_administering_one(vendors: Vendors) -> None:
    """For when the administering key is refused; twice is success."""
    key = vendors.seed("openai_admin", "own")
    account = replace(CONTRACT.account(vendors), admin=None, key_id=key.id)
    for _ in range(2):
        promised(CONTRACT.provider.end_self)(account, Secret(key.value))
    assert vendors.live("openai_admin") == set()


@pytest.mark.parametrize(
    ("longest", "setting", "expected"),
    [
        pytest.param(None, {}, None, id="no policy: the key does not expire"),
        pytest.param(None, {"lifetime_s": "3600"}, 3600, id="no policy: as long as the setting says"),
        pytest.param(30 * 86_400, {}, 30 * 86_400, id="30 days at most: 30 days"),
        pytest.param(100_000, {}, 86_400, id="a little more than a day: a day"),
        pytest.param(90 * 86_400, {"lifetime_s": "5184000"}, 60 * 86_400, id="the setting is within the policy"),
        pytest.param(7 * 86_400, {"lifetime_s": "5184000"}, 7 * 86_400, id="the setting is beyond the policy"),
    ],
)
def test_a_forced_lifetime_is_kept(
    longest: int | None, setting: dict[str, str], expected: int | None, vendors: Vendors
) -> None:
    """An organisation's maximum is met with the longest life below it, and one key is made."""
    vendors.extra("openai_admin")["longest_life_s"] = longest
    account = CONTRACT.account(vendors)
    account = replace(account, settings={**account.settings, **setting})
    raw = promised(CONTRACT.provider.mint)(account, "keysweep-test-1").reveal_text()
    answer = AdminAPIKeyCreateResponse.model_validate_json(raw)
    life = answer.expires_at - answer.created_at if answer.expires_at else None
    assert life == expected
    assert vendors.minted("openai_admin") == 1


def test_a_policy_that_nothing_meets_is_an_error(vendors: Vendors) -> None:
    """No endless asking, and no key."""
    vendors.extra("openai_admin")["longest_life_s"] = 60
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.mint)(CONTRACT.account(vendors), "keysweep-test-1")
    assert refused.value.trouble is Trouble.REJECTED
    assert vendors.minted("openai_admin") == 0


@pytest.mark.parametrize("text", ["soon", "0", "-5", "99999999999"])
def test_a_lifetime_that_is_none_is_refused_before_anything_is_made(text: str, vendors: Vendors) -> None:
    """The setting is read before the vendor is asked."""
    account = CONTRACT.account(vendors)
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.mint)(
            replace(account, settings={**account.settings, "lifetime_s": text}), "keysweep-test-1"
        )
    assert refused.value.trouble is Trouble.REJECTED


def test_the_openai_client_agrees(vendors: Vendors) -> None:
    """A key minted by the adapter lists itself in the vendor's own client, and is refused there once it is revoked."""
    provider, account = CONTRACT.provider, CONTRACT.account(vendors)
    minted = promised(provider.read_minted)(promised(provider.mint)(account, "keysweep-test-1"))
    base = f"{vendors.url}/openai_admin/v1"
    with openai.OpenAI(admin_api_key=minted.secret.reveal_text(), base_url=base, max_retries=0) as client:
        names = {key.id: key.name for key in client.admin.organization.admin_api_keys.list(limit=1)}
        assert names[minted.key_id] == "keysweep-test-1"
        made = client.admin.organization.admin_api_keys.create(name="theirs", expires_in_seconds=60)
        assert made.id in {key.key_id for key in promised(CONTRACT.provider.find)(account)}
        assert client.admin.organization.admin_api_keys.delete(made.id).deleted
        promised(provider.revoke)(account, minted.key_id, minted.secret)
        with pytest.raises(openai.AuthenticationError):
            client.admin.organization.admin_api_keys.list()
