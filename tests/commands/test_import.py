"""`keysweep keys import`: what would happen is what happens, and neither says a value."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keysweep.commands._import import FORMS
from keysweep.foundation.settings import Settings
from keysweep.rotation import instances
from keysweep.rotation.imports import form_names
from keysweep.rotation.vault import store
from keysweep.rotation.vault.unlock import unlock
from tests.fakes.program import keysweep
from tests.rotation.imports.reading import ANTHROPIC, OPENAI, OTHER

pytestmark = pytest.mark.usefixtures("place")
ENV = f"OPENAI_API_KEY={OPENAI}\nOPENAI_KEY={OPENAI}\nCLAUDE_KEY={ANTHROPIC}\nPORT=8080\nDEBUG=1\nURL=https://shop.internal\n"


def names(settings: Settings) -> set[str]:
    """What is stored."""
    opened = unlock(settings)
    with opened.database.read() as connection:
        found = {credential.name for credential in store.credentials(connection)}
    opened.close()
    return found


def bindings(settings: Settings, agent: str) -> dict[str, str]:
    """What an agent gets: variable to name."""
    opened = unlock(settings)
    with opened.database.read() as connection:
        by_id = {credential.id: credential.name for credential in store.credentials(connection)}
        found = instances.agent_named(connection, agent).bindings
    opened.close()
    return {variable: by_id[credential] for variable, credential in found.items()}


@pytest.fixture
def env(tmp_path: Path) -> Path:
    """A dotenv file that only its owner can read."""
    path = tmp_path / ".env"
    path.write_text(ENV)
    path.chmod(0o600)
    return path


def test_the_formats_in_the_help_are_those_of_the_folder() -> None:
    """The help does not read the folder; this does."""
    assert ("auto", *form_names()) == FORMS


def test_a_dry_run_says_what_would_happen_and_stores_nothing(place: Settings, env: Path) -> None:
    """Keys with their vendors, values with two names, what is left out and why; never a value."""
    done = keysweep("keys", "import", env, "--dry-run")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "openai-api-key: would be added (openai)",
        "claude-key: would be added (anthropic)",
        "openai-api-key has several names there: OPENAI_API_KEY, OPENAI_KEY",
        "left out 2 numbers, dates or switches: PORT, DEBUG",
        "left out 1 addresses without a password: URL",
        f"{env} still holds the keys: remove it when nothing reads it any more",
    ]
    assert set() == names(place)


def test_the_agent_gets_what_stood_in_the_file(place: Settings, env: Path) -> None:
    """Under each of its names, in the variables that it had; the same import again changes nothing."""
    for effect in ("added", "unchanged"):
        done = keysweep("keys", "import", env, "--agent", "web", "--owner", "team-a", "--environment", "production")
        assert [f"openai-api-key: {effect}", f"claude-key: {effect}"] == done.stderr.splitlines()[:2]
        assert bindings(place, "web") == {
            "OPENAI_API_KEY": "openai-api-key",
            "OPENAI_KEY": "openai-api-key",
            "CLAUDE_KEY": "claude-key",
        }
    opened = unlock(place)
    with opened.database.read() as connection:
        stored = store.credential_named(connection, "claude-key")
    opened.close()
    assert (stored.owner, stored.environment) == ("team-a", "production")


def test_what_is_stored_already_keeps_its_name(place: Settings, env: Path) -> None:
    """The same value in the settings of an agent is the same credential; the agent gets it, too."""
    keysweep("keys", "import", env)
    servers = json.dumps({"mcpServers": {"docs": {"command": "x", "env": {"MODEL_KEY": OPENAI, "NEW_KEY": OTHER}}}})
    done = keysweep("keys", "import", "-", "--agent", "docs", stdin=servers)
    assert {"openai-api-key: unchanged", "docs/new-key: added"} == set(done.stderr.splitlines())
    assert bindings(place, "docs") == {"MODEL_KEY": "openai-api-key", "NEW_KEY": "docs/new-key"}


def test_a_key_that_administers_others_goes_to_no_agent(place: Settings, env: Path) -> None:
    """Not even where it stands in the settings of one."""
    keysweep("keys", "add", "admin", "--provider", "openai", "--admin-key", stdin=OPENAI)
    done = keysweep("keys", "import", env, "--agent", "web")
    assert "admin: unchanged" in done.stderr.splitlines()
    assert bindings(place, "web") == {"CLAUDE_KEY": "claude-key"}


def test_for_programs(place: Settings, env: Path) -> None:
    """The same as JSON on standard output."""
    done = keysweep("keys", "import", env, "--dry-run", "-o", "json", "-q")
    document = json.loads(done.stdout)
    assert (document["schema"], document["format"], document["dry_run"]) == ("keysweep.dev/import/v1", "dotenv", True)
    assert {
        "place": "line 3",
        "name": "claude-key",
        "provider": "anthropic",
        "effect": "added",
        "error": None,
    } in document["keys"]
    assert {"place": "line 4", "name": "PORT", "reason": "number"} in document["left_out"]
    assert document["same"] == [{"name": "openai-api-key", "names": ["OPENAI_API_KEY", "OPENAI_KEY"]}]
    assert OPENAI not in done.stdout + done.stderr


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_a_file_that_others_can_read_is_named(place: Settings, env: Path, mode: int) -> None:
    """With what to do about it."""
    env.chmod(mode)
    said = keysweep("keys", "import", env).stderr
    assert f"{env} still holds the keys" in said
    assert ("other users can read it" in said) == (mode == 0o644)


def test_a_bad_value_names_its_place_and_nothing_is_stored(place: Settings) -> None:
    """Unless the good ones are asked for."""
    text = json.dumps({"kind": "Secret", "metadata": {"name": "a"}, "data": {"K": "%%", "L": "YWJjLWRlZi0xMjM="}})
    done = keysweep("keys", "import", "-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "a/K: the value is not base64; nothing was imported" in done.stderr
    assert set() == names(place)
    done = keysweep("keys", "import", "-", "--partial", stdin=text)
    assert done.returncode == 2
    assert {"a/K: the value is not base64", "a/l: added"} <= set(done.stderr.splitlines())
    assert {"a/l"} == names(place)


def test_a_dry_run_finds_what_would_fail(place: Settings, env: Path) -> None:
    """A name that is taken by another value is said before anything is written."""
    keysweep("keys", "import", env)
    text = f"OPENAI_API_KEY={OTHER}\n"
    done = keysweep("keys", "import", "-", "--dry-run", stdin=text)
    assert done.returncode == 2
    assert "line 1: 'openai-api-key' is stored with another value" in done.stderr


def test_nothing_to_import_is_said(place: Settings) -> None:
    """An empty answer is not taken for success."""
    done = keysweep("keys", "import", "-", stdin="PORT=1\n")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "no key was found in -")


def test_control_characters_of_a_file_do_not_steer_the_terminal(place: Settings) -> None:
    """Names come from the file."""
    done = keysweep(
        "keys", "import", "-", "--dry-run", stdin=json.dumps({"a\x1b[2Jb": {"token": "abc-def-937"}, "\x1b]0;x": 1})
    )
    assert "\x1b" not in done.stderr
    assert "a-2Jb/token: would be added (custom)" in done.stderr


def test_a_secret_manager_has_no_format(place: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that is not set up says what is missing."""
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    assert "no format" in keysweep("keys", "import", "vault:secret", "--format", "csv").stderr
    assert "VAULT_ADDR" in keysweep("keys", "import", "vault:secret").stderr
