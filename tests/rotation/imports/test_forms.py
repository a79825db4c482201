"""Each format is told by its content, and its keys are told from the settings beside them."""

from __future__ import annotations

import base64
import io
import json
import random
import sqlite3
import string
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from keysweep.rotation.imports import form_names
from keysweep.rotation.imports.document import read_file
from keysweep.rotation.imports.gather import gather
from keysweep.rotation.inventory import ImportRowError
from tests.rotation.imports.reading import ANTHROPIC, OPENAI, OTHER, Read, key, read

FLAG, QUERY, GATEWAY, AWS = (
    "".join(random.Random(size).choices(string.ascii_letters + string.digits, k=size)) for size in (18, 20, 24, 40)
)


def test_dotenv_as_programs_read_it() -> None:
    """`export`, quotes, comments, Windows line ends, several lines, escapes; the last of two values counts."""
    found = read(
        f"# keys\r\nexport OPENAI_API_KEY='{OPENAI}'\r\n\r\nCLAUDE_KEY=\"{ANTHROPIC}\" # comment\r\n"
        f"DB_PASSWORD=pa$$word#1 # not part of it\nAPP_SECRET='$literal ${{X}}'\n"
        'SIGNING_KEY="line one\nline two\\n\\"three\\""\n'
        f"GROQ_API_KEY=first-value\nGROQ_API_KEY=second-value-of-it\nexport PATH_ONLY\nTOKEN=`back tick`\n"
    )
    assert found.form == "dotenv"
    assert found.values == {
        "openai-api-key": OPENAI,
        "claude-key": ANTHROPIC,
        "db-password": "pa$$word#1",
        "app-secret": "$literal ${X}",
        "signing-key": 'line one\nline two\n"three"',
        "groq-api-key": "second-value-of-it",
        "token": "back tick",
    }
    assert {
        "groq-api-key": "groq",
        "openai-api-key": "openai",
        "claude-key": "anthropic",
        "db-password": "custom",
    }.items() <= (found.providers.items())
    assert found.left == {"GROQ_API_KEY": "REPLACED"}


def test_dotenv_expands_nothing_and_says_so() -> None:
    """A value that another program would put together is a reference; one in single quotes is not."""
    found = read(
        "BASE=x1\nA_KEY=${BASE}-y\nB_KEY=$BASE\nC_KEY='$BASE-long-enough'\nD_KEY=$(cat /run/key)\nE_KEY=a$NOBODY9f\n"
    )
    assert found.values == {"c-key": "$BASE-long-enough", "e-key": "a$NOBODY9f"}
    assert found.left == {"A_KEY": "REFERENCE", "B_KEY": "REFERENCE", "D_KEY": "REFERENCE", "BASE": "PLAIN"}


def test_dotenv_names_its_bad_lines() -> None:
    """By number, also behind values of several lines; the others are read."""
    found = read('A_KEY="one\ntwo"\nwhat is this\nB_KEY="never closed\nC_KEY=good-value-1\n')
    assert found.errors == {"line 3": "not NAME=value", "line 4": "a quote that is not closed, or text behind it"}
    assert {"a-key", "c-key"} == set(found.values)


SERVERS = {
    "github": {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-github", "--toolsets", "all", f"--token={FLAG}"],
        "env": {"OPENAI_API_KEY": OPENAI, "LOG_LEVEL": "debug", "GITHUB_TOKEN": "${input:token}"},
    },
    "web": {
        "url": f"https://mcp.example.com/sse?api_key={QUERY}&region=eu",
        "headers": {"Authorization": f"Bearer {ANTHROPIC}", "Accept": "application/json"},
    },
    "container": {"command": "docker", "args": ["run", "-e", "API_TOKEN=tok-abc-9173", "-e", "MODE=fast", "image"]},
    "remote": {
        "command": "npx",
        "args": ["mcp-remote", "https://x.example.com", "--header", "X-Api-Key: hdr-abc-9173"],
    },
}
HANDED = {
    "github/openai-api-key": OPENAI,
    "github/token": FLAG,
    "web/Authorization": ANTHROPIC,
    "web/api_key": QUERY,
    "container/api-token": "tok-abc-9173",
    "remote/X-Api-Key": "hdr-abc-9173",
}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"mcpServers": SERVERS}, id="Claude, Cursor, Windsurf, Gemini"),
        pytest.param({"numStartups": 3, "projects": {"/home/a": {"mcpServers": SERVERS}}}, id="Claude Code, a project"),
        pytest.param({"inputs": [], "servers": SERVERS}, id="VS Code"),
        pytest.param({"theme": "x", "mcp": {"servers": SERVERS}}, id="settings of an editor"),
        pytest.param({"context_servers": SERVERS}, id="Zed"),
    ],
)
def test_servers_of_agents(document: dict[str, object]) -> None:
    """What a server gets, by whatever way; references, switches and addresses are not taken for keys."""
    found = read(json.dumps(document))
    assert found.form == "mcp"
    assert found.values == HANDED
    assert {"github/openai-api-key": "openai", "github/token": "github", "web/Authorization": "anthropic"}.items() <= (
        found.providers.items()
    )
    assert {"LOG_LEVEL": "NUMBER", "GITHUB_TOKEN": "REFERENCE"}.items() <= found.left.items()
    assert found.entries["github/openai-api-key"].variable == "OPENAI_API_KEY"


def test_the_environment_in_settings_of_claude_code() -> None:
    """The block `env` of a settings file."""
    found = read(json.dumps({"permissions": {"allow": []}, "env": {"ANTHROPIC_API_KEY": ANTHROPIC, "X": "1"}}))
    assert (found.form, found.values) == ("mcp", {"anthropic-api-key": ANTHROPIC})


def test_codex() -> None:
    """Servers, headers of model providers, the environment of its shell; names of variables are no keys."""
    found = read(
        f"""
        model = "gpt-5"
        [mcp_servers.docs.env]
        API_KEY = "{ANTHROPIC}"
        [mcp_servers.http]
        url = "https://x.example.com"
        bearer_token_env_var = "DOCS_TOKEN"
        [model_providers.azure]
        base_url = "https://y.example.com"
        env_key = "AZURE_KEY"
        http_headers = {{ "api-key" = "{OPENAI}" }}
        [shell_environment_policy]
        set = {{ GROQ_API_KEY = "gq-value-93715", CI = "1" }}
        """
    )
    assert found.form == "codex"
    assert found.values == {"docs/api-key": ANTHROPIC, "azure/api-key": OPENAI, "groq-api-key": "gq-value-93715"}


OPENCLAW = f"""
// written by hand
{{
  $include: './base.json5',
  gateway: {{ port: 18789, auth: {{ mode: 'token', token: '{GATEWAY}', }}, }},
  models: {{ providers: {{
    openai: {{ baseUrl: "https://api.openai.com/v1", apiKey: "{OPENAI}", models: [{{ id: "gpt", maxTokens: 8192 }}] }},
    anthropic: {{ apiKey: {{ source: "env", provider: "default", id: "ANTHROPIC_API_KEY" }} }},
    groq: {{ apiKey: "${{GROQ_API_KEY}}" }},
  }} }},
  channels: {{ slack: {{ botToken: "__OPENCLAW_REDACTED__" }}, teams: {{ appPassword: 'it\\'s-long' }} }},
  env: {{ vars: {{ MY_API_KEY: "{ANTHROPIC}" }} }},
  plugins: {{ entries: {{ acpx: {{ config: {{ mcpServers: {{ docs: {{ env: {{ DOCS_TOKEN: "tok-abc-9173" }} }} }} }} }} }} }},
}}
"""


def test_openclaw_settings() -> None:
    """JSON as people write it; SecretRefs, variables, sentinels and includes are not keys, and said."""
    found = read(OPENCLAW)
    assert found.form == "openclaw"
    assert found.values == {
        "gateway/auth/token": GATEWAY,
        "openai/apiKey": OPENAI,
        "channels/teams/appPassword": "it's-long",
        "my-api-key": ANTHROPIC,
        "docs/docs-token": "tok-abc-9173",
    }
    assert found.left == {
        "models.providers.anthropic.apiKey": "REFERENCE",
        "groq/apiKey": "REFERENCE",
        "channels/slack/botToken": "PLACEHOLDER",
        "$include (./base.json5), a file to import by itself": "REFERENCE",
    }


PROFILES = {
    "version": 1,
    "profiles": {
        "openai:default": {"type": "api_key", "provider": "openai", "key": OPENAI},
        "anthropic:team": {"type": "token", "provider": "anthropic", "token": ANTHROPIC},
        "codex:me": {"type": "oauth", "provider": "openai", "access": "short", "refresh": "longer"},
        "groq:ref": {"type": "api_key", "provider": "groq", "keyRef": {"source": "env", "id": "GROQ_API_KEY"}},
    },
}


def test_openclaw_profiles() -> None:
    """Keys and tokens are taken, sessions are OpenClaw's own."""
    found = read(json.dumps(PROFILES))
    assert (found.form, found.values) == ("openclaw", {"openai/default": OPENAI, "anthropic/team": ANTHROPIC})
    assert found.left == {"codex/me": "SESSION", "groq/ref": "REFERENCE"}


def file_read(path: Path) -> Read:
    """A file, told by its content."""
    from keysweep.rotation.imports import detect, form

    document = read_file(path)
    name = detect(document)
    return Read(form=name, gathered=gather(form(name).read(document)))


def test_openclaw_store(tmp_path: Path) -> None:
    """The rows as they are now, those in the write-ahead log too; removed ones are named; nothing is written."""
    path = tmp_path / "openclaw.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "PRAGMA journal_mode=WAL; CREATE TABLE secret_store_entries(scope_kind TEXT, scope_id TEXT, name TEXT, value TEXT,"
            "kind TEXT, deleted_at_ms INTEGER); CREATE TABLE auth_profile_store(store_key TEXT, store_json TEXT, updated_at INT);"
            "CREATE TABLE device_auth_tokens(device_id TEXT, token TEXT); CREATE TABLE other(value TEXT);"
        )
        connection.executemany(
            "INSERT INTO secret_store_entries VALUES (?, ?, ?, ?, 'secret', ?)",
            [
                ("global", "", "OPENAI_API_KEY", OPENAI, None),
                ("agent", "support", "DB_PASSWORD", "correct-horse", None),
                ("global", "", "OLD_KEY", "was-a-key", 1700000000000),
            ],
        )
        connection.execute("INSERT INTO auth_profile_store VALUES ('main', ?, 0)", (json.dumps(PROFILES),))
        connection.execute("INSERT INTO device_auth_tokens VALUES ('d', 'device-token')")
        connection.commit()
        before = path.read_bytes()
        found = file_read(path)
        assert before == path.read_bytes()
    assert found.form == "openclaw-store"
    assert found.values == {
        "openai-api-key": OPENAI,
        "support/db-password": "correct-horse",
        "anthropic/team": ANTHROPIC,
    }
    assert {("openai-api-key", ("OPENAI_API_KEY", "openai/default"))} == set(found.gathered.same)
    assert found.left == {"OLD_KEY": "ARCHIVED", "codex/me": "SESSION", "groq/ref": "REFERENCE", "device 1": "SESSION"}


def encoded(value: str) -> str:
    """As it stands under `data`."""
    return base64.b64encode(value.encode()).decode()


SECRETS: list[dict[str, object]] = [
    {
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {"name": "agent", "namespace": "prod"},
        "data": {
            "OPENAI_API_KEY": encoded(OPENAI),
            "username": encoded("bob"),
            "host": encoded("db.internal"),
            "bad": "%%%",
        },
        "stringData": {"password": "hunter2"},
    },
    {
        "kind": "Secret",
        "type": "kubernetes.io/service-account-token",
        "metadata": {"name": "sa"},
        "data": {"token": "YQ=="},
    },
    {
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": "tls"},
        "data": {"tls.crt": encoded("a certificate"), "tls.key": encoded("a private key of some kind")},
    },
    {
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "pull"},
        "data": {
            ".dockerconfigjson": encoded(json.dumps({"auths": {"ghcr.io": {"auth": encoded("bob:pull-pass-1")}}}))
        },
    },
    {"kind": "ExternalSecret", "metadata": {"name": "outside"}, "spec": {}},
    {"kind": "ConfigMap", "metadata": {"name": "plain"}, "data": {"PASSWORD": "not-looked-at"}},
]


@pytest.mark.parametrize("shape", ["a list in JSON", "documents in YAML"])
def test_kubernetes(shape: str) -> None:
    """Values are decoded; what the cluster makes itself, certificates and secrets kept elsewhere stay out."""
    if shape == "a list in JSON":
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": SECRETS}, indent=2)
    else:
        text = "---\n".join(f"apiVersion: v1\nkind: {secret['kind']}\n" + yaml_of(secret) for secret in SECRETS)
    found = read(text)
    assert found.form == "kubernetes"
    assert found.values == {
        "prod/agent/openai-api-key": OPENAI,
        "prod/agent/password": "hunter2",
        "tls/tls.key": "a private key of some kind",
        "pull/ghcr.io": "pull-pass-1",
    }
    assert found.errors == {"prod/agent/bad": "the value is not base64"}
    assert found.left == {
        "prod/agent/username": "PUBLIC",
        "prod/agent/host": "ADDRESS",
        "sa/token": "ISSUED",
        "tls/tls.crt": "PUBLIC",
        "outside": "REFERENCE",
    }


def yaml_of(secret: dict[str, object]) -> str:
    """The rest of a manifest: JSON is YAML, too."""
    return "".join(f"{name}: {json.dumps(value)}\n" for name, value in secret.items() if name != "kind")


def pux(data: object) -> bytes:
    """An export of 1Password."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("export.attributes", "{}")
        archive.writestr("export.data", data if isinstance(data, bytes) else json.dumps(data))
    return made.getvalue()


def item(title: str, **details: object) -> dict[str, object]:
    """An item of a vault."""
    return {"uuid": "u", "createdAt": 1700000000, "state": "active", "details": details, "overview": {"title": title}}


def test_onepassword() -> None:
    """Passwords and concealed fields, not what is public; archived items are named."""
    fields = [
        {"title": "credential", "id": "c", "value": {"concealed": OPENAI}},
        {"title": "expires", "id": "e", "value": {"date": 1800000000}},
        {"title": "code", "id": "t", "value": {"totp": "otpauth://totp/x?secret=ABC"}},
        {"title": "host", "id": "h", "value": {"string": "api.example.com"}},
    ]
    login = [{"designation": "username", "value": "me"}, {"designation": "password", "value": "correct-horse"}]
    items = [
        item("OpenAI", loginFields=[], sections=[{"title": "s", "fields": fields}]),
        item("Database", loginFields=login),
        {"item": item("Wrapped", password="battery-staple")},
        {**item("Old", password="was-a-key"), "state": "archived"},
    ]
    found = read(pux({"accounts": [{"vaults": [{"attrs": {"name": "Team"}, "items": items}]}]}))
    assert found.form == "onepassword"
    assert found.values == {"OpenAI": OPENAI, "Database": "correct-horse", "Wrapped": "battery-staple"}
    assert found.left == {"Team/OpenAI/code": "SEED", "Team/Old": "ARCHIVED"}
    entry = found.entries["OpenAI"]
    assert (entry.provider, entry.created_at is None, entry.expires_at is None) == ("openai", False, False)


def test_onepassword_as_csv() -> None:
    """Its own columns, which are not ours."""
    found = read(
        "Title,Url,Username,Password,OTPAuth,Favorite,Archived,Tags,Notes\n"
        f'"Open, AI",https://openai.com,me,{OPENAI},,false,false,,\nDb,,me,correct-horse,otpauth://x,false,false,,\nOld,,,x,,false,true,,\n'
    )
    assert (found.form, found.values) == ("onepassword-csv", {"Open-AI": OPENAI, "Db": "correct-horse"})
    assert found.left == {"Db": "SEED", "Old": "ARCHIVED"}


@pytest.mark.parametrize("wrap", [lambda text: text, lambda text: {"computed": text, "raw": "${x}", "note": ""}])
def test_doppler(wrap) -> None:
    """Downloaded as a map, or listed with their notes; the environment comes along."""
    names = {"DOPPLER_PROJECT": "p", "DOPPLER_CONFIG": "prd", "DOPPLER_ENVIRONMENT": "prd", "OPENAI_API_KEY": OPENAI}
    found = read(json.dumps({name: wrap(value) for name, value in names.items()}))
    assert (found.form, found.values) == ("doppler", {"openai-api-key": OPENAI})
    assert found.entries["openai-api-key"].environment == "prd"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_infisical(form: str) -> None:
    """A list of keys and values."""
    rows = [
        {"key": "OPENAI_API_KEY", "value": OPENAI, "type": "shared", "secretPath": "/web"},
        {"key": "PORT", "value": "80"},
    ]
    text = json.dumps(rows) if form == "json" else "".join(f"- {json.dumps(row)}\n" for row in rows)
    found = read(text)
    assert (found.form, found.values) == ("infisical", {"web/openai-api-key": OPENAI})


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            json.dumps({"llm": {"openai": {"api_key": OPENAI, "retries": 3, "on": True, "none": None}}}), id="JSON"
        ),
        pytest.param(
            f"# yes\nllm:\n  openai:\n    api_key: {OPENAI}\n    retries: 3\n    on: true\n    none:\n", id="YAML"
        ),
        pytest.param(f"{{llm: {{openai: {{api_key: '{OPENAI}', retries: 0x3, on: true, none: null,}}}}}}", id="JSON5"),
    ],
)
def test_any_map(text: str) -> None:
    """Named by the way that leads to the value."""
    found = read(text)
    assert (
        found.form,
        found.values,
        found.providers,
    ) == ("map", {"llm/openai/api_key": OPENAI}, {"llm/openai/api_key": "openai"})


def test_one_value_under_several_names_is_one_credential() -> None:
    """With all its variables, named by the first place; the others are said."""
    found = read(f"A_KEY={OPENAI}\nB_KEY={OPENAI}\nC_KEY={OTHER}\n", agent="web")
    entry = found.entries["a-key"]
    assert {"a-key", "c-key"} == set(found.entries)
    assert (entry.agent, entry.variable, entry.more_variables) == ("web", "A_KEY", ("B_KEY",))
    assert found.gathered.same == (("a-key", ("A_KEY", "B_KEY")),)


def test_two_values_under_one_name_are_two_credentials() -> None:
    """As those of two servers can be; the second gets a number."""
    found = read(json.dumps({"a": {"b/c": OPENAI}, "a/b": {"c": OTHER}}), "map")
    assert found.values == {"a/b/c": OPENAI, "a/b/c-2": OTHER}


def test_the_public_id_of_an_aws_key_goes_with_its_secret() -> None:
    """The id is no secret, but tells the vendor which key it is."""
    public = "AKIA" + "QRST" * 4
    found = read(f"AWS_ACCESS_KEY_ID={public}\nAWS_SECRET_ACCESS_KEY={AWS}\n")
    assert {"aws-secret-access-key": public} == {name: entry.provider_key_id for name, entry in found.entries.items()}


def test_a_key_that_was_made_a_name_is_not_repeated() -> None:
    """Neither as the name of a credential nor in a message."""
    found = read(json.dumps({OPENAI: {"token": "abc-def-937"}, "x": {OTHER: True}}), "map")
    said = json.dumps([found.errors, found.left, list(found.entries)])
    assert OPENAI not in said
    assert OTHER not in said
    assert "looks like a key" in said


def test_every_format_is_tested_here() -> None:
    """A new file in the folder needs a test of its content."""
    text = Path(__file__).read_text(encoding="utf-8") + (Path(__file__).parent / "test_columns.py").read_text(
        encoding="utf-8"
    )
    assert [name for name in form_names() if f'"{name}"' not in text] == []


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param("map", "just words", id="no structure"),
        pytest.param("codex", "[x", id="no TOML"),
        pytest.param("doppler", "[]", id="no map"),
        pytest.param("onepassword", "no archive", id="no archive"),
        pytest.param("onepassword-csv", "a,b\n", id="other columns"),
        pytest.param("openclaw-store", "no database", id="no database"),
    ],
)
def test_a_file_that_is_not_of_the_named_format(form: str, text: str) -> None:
    """It is refused as a whole."""
    with pytest.raises(ImportRowError):
        read(text, form)


def test_names_tell_vendors_where_values_do_not() -> None:
    """The variable first, then what stands around it; a webhook's secret is not a key of the vendor."""
    found = read(
        "MISTRAL_API_KEY=no-form-at-all\nGITHUB_WEBHOOK_SECRET=no-form-either\nPOSTGRES_PASSWORD=nor-has-this\n"
        f"DATABASE_URL={key('postgresql-uri')}\nSITE_URL=https://shop.internal/a\nSTRIPE_PUBLIC=pk-something-public\n"
    )
    assert found.providers == {
        "mistral-api-key": "mistral",
        "github-webhook-secret": "custom",
        "postgres-password": "custom",
        "database-url": "postgresql",
    }
    assert found.left == {"SITE_URL": "ADDRESS", "STRIPE_PUBLIC": "PUBLIC"}
