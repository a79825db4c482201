"""npm: a real registry is the witness, where it is installed, and npm's own client an independent one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from keysweep.foundation.secret import Secret
from keysweep.rotation.providers import Account, Liveness, ProviderError, Trouble
from keysweep.rotation.providers.npm import find, mint, probe, read_minted, revoke
from samples.servers.verdaccio import Server, program, running_verdaccio
from tests.fakes.faulty import before
from tests.rotation.providers.whole import MODES, Given, stored

pytestmark = [
    pytest.mark.xdist_group("verdaccio"),
    pytest.mark.skipif(program() is None, reason="Verdaccio is not installed (npm could not, or there is no Node 20)"),
]


@pytest.fixture(scope="module")
def registry() -> Iterator[Server]:
    """A real server; every test makes a user of its own."""
    with running_verdaccio() as server:
        yield server


def account(url: str, user: str) -> Account:
    """Return an account that administers a user's tokens."""
    return Account(credential="publisher", settings={"base_url": url}, admin=Secret(user), timeout_s=5.0)


def whoami(registry: Server, value: str, folder: Path) -> str:
    """Ask with npm's own client; empty if it is refused."""
    host = registry.url.removeprefix("http:")
    (folder / ".npmrc").write_text(f"registry={registry.url}/\n{host}/:_authToken={value}\n")
    command = ["npm", "whoami", "--userconfig", str(folder / ".npmrc"), "--fetch-retries=0", "--no-update-notifier"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=60)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.mark.parametrize(
    ("mode", "lost"), [(MODES[0], b"POST /-/npm"), (MODES[1], b"DELETE /-/npm")], ids=["planned", "forced"]
)
def test_a_rotation_leaves_one_token(mode: list[str], lost: bytes, registry: Server, tmp_path: Path) -> None:
    """Though an answer is lost behind its effect: an orphan of the lost creation is deleted, a lost deletion is success."""
    user = registry.add_user(f"worker-{mode[0].strip('-')}")
    key_id, old = registry.add_token(user)
    with before(registry.url) as proxy:
        given = Given(
            provider="npm",
            value=old,
            admin=user,
            variable="NPM_TOKEN",
            key_id=key_id,
            settings={"base_url": proxy.url},
        )
        store = stored(tmp_path, given)
        with store.agent() as held:
            proxy.fault("lose", lost)
            store.rotate(*mode)
            assert proxy.faults == []
            new = held()["NPM_TOKEN"]
    assert new == store.current_value() != old
    where = account(registry.url, user)
    assert len(find(where)) == 1
    assert [probe(where, Secret(value)).liveness for value in (old, new)] == [Liveness.DEAD, Liveness.ALIVE]
    (tmp_path / "npm").mkdir()
    assert whoami(registry, new, tmp_path / "npm") == user.partition(":")[0]
    assert whoami(registry, old, tmp_path / "npm") == ""


def test_a_token_from_creation_to_its_end(registry: Server) -> None:
    """It is listed by its key, and each end may be repeated."""
    where = account(registry.url, registry.add_user("life"))
    minted = read_minted(mint(where, "keysweep-1"))
    assert [key.key_id for key in find(where)] == [minted.key_id]
    for _ in range(2):
        revoke(where, minted.key_id, minted.secret)
    assert find(where) == ()
    assert probe(where, minted.secret).code == "403 unauthorized access"


def test_a_token_that_the_registry_never_made_is_unknown(registry: Server) -> None:
    """It lets nobody in as well: status 200 without a name is neither yes nor no."""
    where = account(registry.url, "nobody:nothing")
    assert probe(where, Secret("never-made")).code == "anonymous"
    assert probe(where, Secret("never-made")).liveness is Liveness.UNKNOWN


@pytest.mark.parametrize("status", ["401", "403", "404", "429", "500", "lose"])
def test_only_the_registrys_own_refusal_means_dead(status: str, registry: Server) -> None:
    """Of a token that is dead, as of any other."""
    where = account(registry.url, registry.add_user(f"careful-{status}"))
    minted = read_minted(mint(where, "keysweep-1"))
    revoke(where, minted.key_id, minted.secret)
    with before(registry.url) as proxy:
        proxy.fault(status, b"/-/whoami")
        behind = account(proxy.url, "careful:none")
        assert probe(behind, minted.secret).liveness is Liveness.UNKNOWN
        assert probe(behind, minted.secret).liveness is Liveness.DEAD


def test_a_wrong_password_makes_no_token(registry: Server) -> None:
    """The registry's 401 is a refusal of the administering credential."""
    user = registry.add_user("strict")
    with pytest.raises(ProviderError) as refused:
        mint(account(registry.url, user + "x"), "keysweep-1")
    assert refused.value.trouble is Trouble.REFUSED
    assert find(account(registry.url, user)) == ()
