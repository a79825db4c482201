"""GitLab's personal access tokens: the contract, lost answers under reuse detection, and a client by others."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import gitlab
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

    name = "gitlab"
    probing = ("GET", "/personal_access_tokens/self")
    listing = ("GET", "/personal_access_tokens")
    forbidden = Liveness.UNKNOWN


CONTRACT = TestContract()


def _rolled(vendors: Vendors, key: Planted, **settings: str) -> Minted:
    account = CONTRACT.account(vendors)
    account = replace(account, settings={**account.settings, **settings})
    return promised(CONTRACT.provider.read_minted)(promised(CONTRACT.provider.roll)(account, key.id, Secret(key.value)))


def test_a_rotation_ends_the_old_token_and_the_new_one_has_another_id(vendors: Vendors) -> None:
    """In one call."""
    key, account = vendors.seed("gitlab", "agent"), CONTRACT.account(vendors)
    assert promised(CONTRACT.provider.identify)(account, Secret(key.value)) == key.id
    new = _rolled(vendors, key)
    assert new.key_id != key.id
    assert CONTRACT.provider.probe(account, new.secret).liveness is Liveness.ALIVE
    assert CONTRACT.provider.probe(account, Secret(key.value)).code == "401 invalid_token"
    assert CONTRACT.provider.probe(account, Secret("glpat-nobody")).code == "401 Unauthorized"


@pytest.mark.parametrize(("setting", "days"), [({}, 90), ({"lifetime_days": "14"}, 14)])
def test_an_expiry_is_always_sent(setting: dict[str, str], days: int, vendors: Vendors) -> None:
    """Without one the vendor gives a week, and the agent dies with it."""
    new = _rolled(vendors, vendors.seed("gitlab", "agent"), **setting)
    until = date.fromisoformat(vendors.extra("gitlab")[new.key_id]["expires_at"])
    assert until - datetime.now(UTC).date() == timedelta(days=days)


@pytest.mark.parametrize("text", ["0", "366", "a week"])
def test_a_lifetime_that_the_vendor_would_refuse_is_refused_first(text: str, vendors: Vendors) -> None:
    """Before anything was sent that ends a token."""
    key = vendors.seed("gitlab", "agent")
    with pytest.raises(ProviderError, match="lifetime_days"):
        _rolled(vendors, key, lifetime_days=text)
    assert key.id in vendors.live("gitlab")


def test_a_second_rotation_of_one_token_would_end_its_successor(vendors: Vendors) -> None:
    """What the adapter must never do, done by hand: the vendor takes it for theft and revokes the family."""
    key = vendors.seed("gitlab", "agent")
    successor = _rolled(vendors, key)
    admin = vendors.seed("gitlab", "admin", admin=True)
    with (
        gitlab.Gitlab(f"{vendors.url}/gitlab", private_token=admin.value) as client,
        pytest.raises(gitlab.GitlabRotateError, match="already revoked"),
    ):
        client.personal_access_tokens.rotate(key.id)
    assert vendors.live("gitlab") == set()
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), successor.secret).liveness is Liveness.DEAD


def test_a_token_that_is_revoked_already_is_not_rotated(vendors: Vendors) -> None:
    """It is looked at first, so that its successor lives."""
    key = vendors.seed("gitlab", "agent")
    successor = _rolled(vendors, key)
    with pytest.raises(ProviderError) as refused:
        _rolled(vendors, key)
    assert refused.value.trouble is Trouble.NOT_FOUND
    assert vendors.live("gitlab") == {successor.key_id}


def test_a_token_does_not_rotate_itself(vendors: Vendors) -> None:
    """After a lost answer nobody could look for the successor."""
    key = vendors.seed("gitlab", "agent")
    account = CONTRACT.account(vendors, admin=Secret(key.value))
    with pytest.raises(ProviderError) as refused:
        promised(CONTRACT.provider.roll)(account, key.id, Secret(key.value))
    assert refused.value.trouble is Trouble.REJECTED
    assert key.id in vendors.live("gitlab")


@pytest.mark.parametrize(
    ("mode", "fault", "count"),
    [
        pytest.param(Mode.PLANNED, "lose-answer", 1, id="lost"),
        pytest.param(Mode.FORCED, "fail-after", 2, id="500 behind the rotation, twice"),
        pytest.param(Mode.PLANNED, "garbage", 1, id="a page instead of an answer"),
        pytest.param(Mode.FORCED, "busy", 1, id="429: nothing was done"),
    ],
)
def test_a_lost_answer_never_sets_off_reuse_detection(
    mode: Mode, fault: str, count: int, tmp_path: Path, vendors: Vendors
) -> None:
    """The engine looks for the successor and rotates that: one token is alive, the vault holds it, and no family ended."""
    key = vendors.seed("gitlab", "agent")
    vendors.fault("gitlab", fault, path="/rotate", count=count, seconds=0)
    rotation = rotated(tmp_path, vendors, "gitlab", key, mode=mode)
    if fault == "garbage":  # nobody can read the new token: a person rotates once more, the successor is left alone
        assert rotation.outcome is Outcome.HALF_WAY
    else:
        assert rotation.outcome is Outcome.DONE
        assert vendors.live("gitlab") == {vendors.id_of("gitlab", rotation.value)}
    assert "reused" not in vendors.extra("gitlab")
    assert key.id not in vendors.live("gitlab")


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        pytest.param((), None, id="none: it was revoked, not rotated"),
        pytest.param(("agent", "agent"), None, id="two of its name: neither is rotated on a guess"),
        pytest.param(("another",), None, id="one of another name"),
        pytest.param(("agent", "another"), "agent", id="one of its name"),
    ],
)
def test_who_a_successor_is(others: tuple[str, ...], expected: str | None, vendors: Vendors) -> None:
    """One active token of the same user, name and scopes that is younger; else a person decides."""
    key, account = vendors.seed("gitlab", "agent"), CONTRACT.account(vendors)
    assert promised(CONTRACT.provider.observe)(account, key.id, Secret(key.value)) is None
    promised(CONTRACT.provider.revoke)(account, key.id, Secret(key.value))
    made = {name: vendors.seed("gitlab", name).id for name in others}
    if expected is None:
        with pytest.raises(ProviderError) as unknown:
            promised(CONTRACT.provider.observe)(account, key.id, Secret(key.value))
        assert unknown.value.trouble is Trouble.NOT_FOUND
    else:
        assert promised(CONTRACT.provider.observe)(account, key.id, Secret(key.value)) == made[expected]


def test_a_token_ends_itself_without_an_administrator(vendors: Vendors) -> None:
    """Any token may; twice is success, and what it is refused with is its own."""
    key, account = vendors.seed("gitlab", "agent"), CONTRACT.account(vendors, admin=None)
    for _ in range(2):
        promised(CONTRACT.provider.end_self)(account, Secret(key.value))
    assert vendors.live("gitlab") == set()


def test_python_gitlab_agrees(vendors: Vendors) -> None:
    """A client by others uses, reads and rotates what the adapter rotated, and the adapter sees what it did."""
    seen: list[Call] = []
    key, account = vendors.seed("gitlab", "agent"), CONTRACT.account(vendors)
    new = _rolled(vendors, key)
    vendors.watch(seen.append)
    with gitlab.Gitlab(f"{vendors.url}/gitlab", private_token=new.secret.reveal_text()) as client:
        client.auth()
        itself = client.personal_access_tokens.get("self")
        assert (str(itself.id), itself.name, itself.active) == (new.key_id, "agent", True)
        theirs = client.personal_access_tokens.rotate("self", expires_at=itself.expires_at)
    assert promised(CONTRACT.provider.observe)(account, new.key_id, new.secret) == str(theirs["id"])
    assert {call.path for call in seen if call.method == "POST"} == {"/api/v4/personal_access_tokens/self/rotate"}
    with gitlab.Gitlab(f"{vendors.url}/gitlab", private_token=theirs["token"]) as client:
        promised(CONTRACT.provider.revoke)(account, str(theirs["id"]), Secret(b""))
        with pytest.raises(gitlab.GitlabAuthenticationError):
            client.auth()
