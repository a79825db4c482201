"""Slack's tokens with rotation: the contract, refresh tokens that serve once, and the vendor's own client."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from slack_sdk import WebClient
from slack_sdk.oauth.installation_store import Bot
from slack_sdk.oauth.token_rotation import TokenRotator

from keysweep.foundation.secret import Secret
from keysweep.rotation.engine.run import promised
from keysweep.rotation.engine.steps import Mode, Outcome
from keysweep.rotation.providers import Liveness, Minted, ProviderError, Trouble
from samples.simulators import digest
from samples.simulators.slack import new_refresh_token
from samples.simulators.slack_rotating import CLIENT, TEAM
from tests.contracts.http_provider import HttpContract
from tests.fakes.fixtures import vendors
from tests.fakes.one_key import rotated
from tests.fakes.vendors import OWNER, Planted, Vendors

__all__ = ["vendors"]


class TestContract(HttpContract):
    """On the simulator."""

    name = "slack_rotating"
    settings = (("client_id", CLIENT),)
    probing = ("POST", "/api/auth.test")
    forbidden = Liveness.UNKNOWN
    by_id = False


CONTRACT = TestContract()


def _installed(vendors: Vendors) -> tuple[Planted, str]:
    """Return an access token, and the administering pair that belongs to it."""
    key, secret = vendors.seed("slack_rotating", "agent"), vendors.seed("slack_rotating", "app", admin=True)
    refresh = new_refresh_token()
    vendors.extra("slack_rotating").setdefault("pairs", {})[digest(refresh)] = key.id
    return key, f"{secret.value}:{refresh}"


def _rolled(vendors: Vendors, key: Planted, pair: str, **settings: str) -> Minted:
    account = CONTRACT.account(vendors, admin=Secret(pair))
    account = replace(account, settings={**account.settings, **settings})
    return promised(CONTRACT.provider.read_minted)(
        promised(CONTRACT.provider.roll)(account, f"{TEAM}/{OWNER}", Secret(key.value))
    )


def test_an_exchange_brings_the_next_pair(vendors: Vendors) -> None:
    """A new access token for the agent, and what the next exchange needs; team and user stay."""
    key, pair = _installed(vendors)
    account = CONTRACT.account(vendors)
    assert promised(CONTRACT.provider.identify)(account, Secret(key.value)) == f"{TEAM}/{OWNER}"
    new = _rolled(vendors, key, pair)
    assert new.key_id == f"{TEAM}/{OWNER}"
    assert CONTRACT.provider.probe(account, new.secret).liveness is Liveness.ALIVE
    assert CONTRACT.provider.probe(account, Secret(key.value)).code == "200 token_expired"
    assert new.admin is not None
    again = _rolled(vendors, key, new.admin.reveal_text())
    assert CONTRACT.provider.probe(account, again.secret).liveness is Liveness.ALIVE


def test_a_refresh_token_serves_once(vendors: Vendors) -> None:
    """Repeated after a lost answer it is refused, nothing else happens, and a person is told what to do."""
    key, pair = _installed(vendors)
    vendors.fault("slack_rotating", "lose-answer", path="/api/oauth.v2.access")
    with pytest.raises(ProviderError) as lost:
        _rolled(vendors, key, pair)
    assert lost.value.trouble is Trouble.UNCERTAIN
    before = vendors.live("slack_rotating")
    with pytest.raises(ProviderError, match="install the app again") as used:
        _rolled(vendors, key, pair)
    assert used.value.trouble is Trouble.NOT_FOUND
    assert vendors.live("slack_rotating") == before


@pytest.mark.parametrize(
    ("stored", "client", "trouble"),
    [
        pytest.param("{0}", "1.1", Trouble.REJECTED, id="a client id that is another's"),
        pytest.param("wrong:xoxe-1-x", CLIENT, Trouble.REJECTED, id="a secret that is another's"),
        pytest.param("no-pair", CLIENT, Trouble.REJECTED, id="no pair is stored"),
    ],
)
def test_an_exchange_that_cannot_be(stored: str, client: str, trouble: Trouble, vendors: Vendors) -> None:
    """Named with status 200 or before anything is sent; the refresh token is not used up, and is in no error."""
    key, pair = _installed(vendors)
    with pytest.raises(ProviderError) as refused:
        _rolled(vendors, key, stored.format(pair), client_id=client)
    assert refused.value.trouble is trouble
    assert pair.partition(":")[2] not in f"{refused.value!r} {refused.value.__context__!r}"
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), _rolled(vendors, key, pair).secret).code == "200"


@pytest.mark.parametrize("mode", list(Mode))
def test_the_vault_holds_the_next_refresh_token(mode: Mode, tmp_path: Path, vendors: Vendors) -> None:
    """After a rotation by the real engine the administering credential is the pair that came with the new token: it works."""
    key, pair = _installed(vendors)
    rotation = rotated(tmp_path, vendors, "slack_rotating", key, mode=mode, settings={"client_id": CLIENT}, admin=pair)
    assert (rotation.outcome, rotation.failure) == (Outcome.DONE, "")
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), Secret(rotation.value)).liveness is Liveness.ALIVE
    assert rotation.admin.partition(":")[0] == pair.partition(":")[0]
    assert rotation.admin != pair
    following = _rolled(vendors, key, rotation.admin)
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), following.secret).liveness is Liveness.ALIVE


def test_a_lost_pair_leaves_a_rotation_half_way(tmp_path: Path, vendors: Vendors) -> None:
    """Nobody has a refresh token any more: it is said so, nothing is promoted, and what leaked is dead."""
    key, pair = _installed(vendors)
    vendors.fault("slack_rotating", "lose-answer", path="/api/oauth.v2.access")
    rotation = rotated(
        tmp_path, vendors, "slack_rotating", key, mode=Mode.FORCED, settings={"client_id": CLIENT}, admin=pair
    )
    assert rotation.outcome is Outcome.HALF_WAY
    assert "install the app again" in rotation.failure
    assert rotation.value == key.value
    assert CONTRACT.provider.probe(CONTRACT.account(vendors), Secret(key.value)).liveness is Liveness.DEAD


def test_the_slack_client_agrees(vendors: Vendors) -> None:
    """The vendor's own client uses the token that the adapter got, and exchanges the refresh token that came with it."""
    key, pair = _installed(vendors)
    new = _rolled(vendors, key, pair)
    assert new.admin is not None
    secret, _, refresh = new.admin.reveal_text().partition(":")
    base = f"{vendors.url}/slack_rotating/api/"
    client = WebClient(token=new.secret.reveal_text(), base_url=base, retry_handlers=[])
    assert client.auth_test()["team_id"] == TEAM
    bot = Bot(
        bot_token=new.secret.reveal_text(),
        bot_id="B1",
        bot_user_id=OWNER,
        bot_refresh_token=refresh,
        bot_token_expires_at=1,
        installed_at=1.0,
    )
    theirs = TokenRotator(client_id=CLIENT, client_secret=secret, client=client).perform_bot_token_rotation(bot=bot)
    assert theirs is not None
    account = CONTRACT.account(vendors)
    assert CONTRACT.provider.probe(account, Secret(theirs.bot_token or "")).liveness is Liveness.ALIVE
    assert CONTRACT.provider.probe(account, new.secret).liveness is Liveness.DEAD
