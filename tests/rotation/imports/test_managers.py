"""Secret managers are read whole, over their own interface, from real servers; what they refuse is said without a value."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from keysweep.foundation.errors import DeniedError, UsageError
from keysweep.foundation.settings import Settings
from keysweep.rotation.imports import manager
from keysweep.rotation.imports.gather import gather
from tests.fakes.managers import TOKEN, running_aws, running_vault
from tests.fakes.program import keysweep
from tests.rotation.imports.reading import ANTHROPIC, OPENAI, Read

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("managers")]


def stored(name: str, where: str, **options: str) -> Read:
    """What a manager holds at a place."""
    return Read(form=name, gathered=gather(manager(name).read(where), **options))


@pytest.fixture(scope="module")
def vault_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server, for all tests here."""
    with running_vault(tmp_path_factory.mktemp("vault")) as address:
        yield address


@pytest.fixture
def vault(vault_address: str, monkeypatch: pytest.MonkeyPatch):
    """A client of its owner; the program finds the server by the usual variables."""
    import hvac

    monkeypatch.setenv("VAULT_ADDR", vault_address)
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    return hvac.Client(url=vault_address, token=TOKEN)


def test_vault_is_read_through_all_folders_in_the_newest_version(vault) -> None:
    """A secret and a folder may have one name; a single field `value` needs no name; deleted secrets are named."""
    kv = vault.secrets.kv.v2
    kv.create_or_update_secret("agents/support", secret={"ANTHROPIC_API_KEY": "an-older-value-of-it"})
    kv.create_or_update_secret("agents/support", secret={"ANTHROPIC_API_KEY": ANTHROPIC, "PORT": 8080, "REGION": "eu"})
    kv.create_or_update_secret("agents/support/deep/er", secret={"value": OPENAI})
    kv.create_or_update_secret("agents/nested", secret={"db": {"password": "correct-horse", "user": "bob"}})
    kv.create_or_update_secret("agents/gone", secret={"value": "was-a-key"})
    kv.delete_latest_version_of_secret("agents/gone")
    kv.create_or_update_secret("elsewhere", secret={"value": "not-asked-for"})
    found = stored("vault", "secret/agents", agent="support")
    assert found.values == {
        "agents/support/anthropic-api-key": ANTHROPIC,
        "agents/support/deep/er": OPENAI,
        "agents/nested/db/password": "correct-horse",
    }
    assert found.providers == {
        "agents/support/anthropic-api-key": "anthropic",
        "agents/support/deep/er": "openai",
        "agents/nested/db/password": "custom",
    }
    assert found.left == {
        "PORT": "NUMBER",
        "REGION": "PLAIN",
        "agents/nested/db/user": "PLAIN",
        "agents/gone": "ARCHIVED",
    }
    entry = found.entries["agents/support/anthropic-api-key"]
    assert (entry.agent, entry.variable) == ("support", "ANTHROPIC_API_KEY")
    assert entry.created_at is not None
    assert "elsewhere" in stored("vault", "secret").values
    assert {"agents/support", "agents/support/deep/er"} >= set(stored("vault", "secret/agents/support/deep").values)


def test_vault_in_its_first_version(vault) -> None:
    """The engine says which version it has."""
    vault.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    vault.secrets.kv.v1.create_or_update_secret("a/b", secret={"token": OPENAI}, mount_point="old")
    assert stored("vault", "old").values == {"a/b": OPENAI}


def test_vault_refuses(vault, vault_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that may list and not read gives an error a secret; one that may nothing, a missing one and a dead server end it."""
    vault.secrets.kv.v2.create_or_update_secret("closed/a", secret={"value": OPENAI})
    vault.sys.create_or_update_policy("lister", 'path "secret/metadata/*" { capabilities = ["list"] }')
    lister = vault.auth.token.create(policies=["lister"])["auth"]["client_token"]
    monkeypatch.setenv("VAULT_TOKEN", lister)
    assert stored("vault", "secret/closed").errors == {"closed/a": "the token may not read this secret"}
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wrong-token-0123456789")
    with pytest.raises(DeniedError, match="may not read there") as caught:
        stored("vault", "secret/closed")
    assert (caught.value.__cause__, "wrong-token" in str(caught.value)) == (None, False)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="cannot be reached"):
        stored("vault", "secret")
    monkeypatch.delenv("VAULT_TOKEN")
    with pytest.raises(DeniedError, match="no token"):
        stored("vault", "secret")
    monkeypatch.delenv("VAULT_ADDR")
    with pytest.raises(UsageError, match="VAULT_ADDR"):
        stored("vault", "secret")
    with pytest.raises(UsageError, match="mount"):
        stored("vault", "")


def test_vault_from_the_command_line(vault, place: Settings) -> None:
    """The whole way: asked, judged, stored, bound; the token is nowhere in what is said."""
    vault.secrets.kv.v2.create_or_update_secret("cli/web", secret={"OPENAI_API_KEY": OPENAI, "PORT": "80"})
    done = keysweep("keys", "import", "vault:secret/cli", "--agent", "web")
    assert (done.returncode, done.stderr.splitlines()) == (
        0,
        ["cli/web/openai-api-key: added", "left out 1 numbers, dates or switches: PORT"],
    )
    assert keysweep("verify").returncode == 0


@pytest.fixture(scope="module")
def aws_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server, for all tests here."""
    with running_aws(tmp_path_factory.mktemp("aws")) as address:
        yield address


@pytest.fixture
def aws(aws_address: str, monkeypatch: pytest.MonkeyPatch):
    """A client of its owner; the program finds the server by the usual variables."""
    import boto3

    for name, value in {
        "AWS_ENDPOINT_URL": aws_address,
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    return boto3.client("secretsmanager")


def test_aws_is_read_page_by_page(aws) -> None:
    """More secrets than one page holds, by the beginning of their names; JSON by its fields, bytes as they are."""
    for number in range(130):
        aws.create_secret(Name=f"many/{number:03}", SecretString=f"value-number-{number}-of-many")
    aws.create_secret(
        Name="one/json",
        SecretString=json.dumps(
            {"OPENAI_API_KEY": OPENAI, "username": "bob", "port": 5432, "nested": {"token": ANTHROPIC}}
        ),
    )
    aws.create_secret(Name="one/binary", SecretBinary=b"a-secret-as-bytes")
    aws.create_secret(Name="one/noise", SecretBinary=b"\xff\xfe\x00")
    aws.create_secret(Name="one/gone", SecretString="was-a-key")
    aws.delete_secret(SecretId="one/gone", RecoveryWindowInDays=7)
    assert {f"many/{number:03}": f"value-number-{number}-of-many" for number in range(130)} == stored(
        "aws-secrets-manager", "many/"
    ).values
    found = stored("aws-secrets-manager", "one/")
    assert found.values == {
        "one/json/openai-api-key": OPENAI,
        "one/json/nested/token": ANTHROPIC,
        "one/binary": "a-secret-as-bytes",
    }
    assert found.left == {
        "one/json/username": "PLAIN",
        "one/json/port": "NUMBER",
        "one/noise": "BINARY",
        "one/gone": "ARCHIVED",
    }


def test_aws_refuses(aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """No region, no credentials, no server: a sentence without what was sent."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="cannot be asked") as caught:
        stored("aws-secrets-manager", "")
    assert caught.value.__cause__ is None
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UsageError, match="needs credentials"):
        stored("aws-secrets-manager", "")
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(UsageError, match="needs a region"):
        stored("aws-secrets-manager", "")
