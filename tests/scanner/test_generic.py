"""Keys without a format: which assignments are findings, which are not, and how loud they are."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import string

import pytest

from keysweep.rules.model import Confidence, Severity
from keysweep.scanner.detectors.generic import Generic
from keysweep.scanner.finding import FileOrigin, Match
from keysweep.scanner.on_demand import BehindGates
from keysweep.scanner.randomness import looks_random
from tests.scanner.making import Blobs, blob, key, look, rulebook, segment
from tests.scanner.running import keysweep

ALNUM = string.ascii_letters + string.digits
HEX, BASE32 = "0123456789abcdef", string.ascii_uppercase + "234567"
GENERIC = BehindGates("generic", rulebook().gated, lambda: Generic(rulebook().prefixes, rulebook().providers))


def drawn(alphabet: str = ALNUM, length: int = 32, *, seed: int = 1) -> str:
    """A value that was drawn by chance."""
    chance = random.Random(f"{alphabet}{length}{seed}")
    return "".join(chance.choice(alphabet) for _ in range(length))


VALUE = drawn()


def matches(text: str, path: str = "a.txt") -> list[Match]:
    return list(GENERIC.find(segment(text.encode(), origin=FileOrigin(path=path))))


def values(text: str, path: str = "a.txt") -> list[str]:
    return [match.secret.reveal().decode() for match in matches(text, path)]


def nested(depth: int, **fields: str) -> str:
    """JSON inside of strings of JSON."""
    text = json.dumps(fields)
    for _ in range(depth):
        text = json.dumps({"content": text})
    return text


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"API_KEY={VALUE}", id="dotenv"),
        pytest.param(f'export SERVICE_TOKEN="{VALUE}"', id="shell"),
        pytest.param(nested(0, api_key=VALUE), id="JSON"),
        pytest.param(nested(1, api_key=VALUE), id="JSON in JSON"),
        pytest.param(nested(2, apiKey=VALUE), id="JSON in JSON in JSON"),
        pytest.param(f"client_secret: {VALUE}", id="YAML"),
        pytest.param(f"- name: API_KEY\n  value: {VALUE}\n", id="YAML of a container's environment"),
        pytest.param(f'[auth]\naccess_token = "{VALUE}"', id="TOML"),
        pytest.param(f"[default]\npassword = {VALUE}\n", id="INI"),
        pytest.param(f"<password>{VALUE}</password>", id="XML"),
        pytest.param(f'<add key="ApiKey" value="{VALUE}"/>', id="XML attributes"),
        pytest.param(f"tool --api-key {VALUE} run", id="flag"),
        pytest.param(f"tool --api-key={VALUE}", id="flag with a sign"),
        pytest.param(f'args: ["--token", "{VALUE}"]', id="flag in a list"),
        pytest.param(f'client = Client(api_key="{VALUE}")', id="Python"),
        pytest.param(f'os.environ["API_KEY"] = "{VALUE}"', id="Python environment"),
        pytest.param(f"const apiKey: string = '{VALUE}';", id="TypeScript"),
        pytest.param(f'apiKey := "{VALUE}"', id="Go"),
        pytest.param(f'private static final String API_KEY = "{VALUE}";', id="Java"),
        pytest.param(f"config.secret_key => '{VALUE}'", id="Ruby"),
        pytest.param(f'let secret: &str = "{VALUE}";', id="Rust"),
        pytest.param(f'hooks.setToken("{VALUE}")', id="setter"),
        pytest.param(f"https://api.example.net/v1?api_key={VALUE}&x=1", id="query"),
        pytest.param(f'curl -H "Authorization: Bearer {VALUE}" https://api.example.net', id="header"),
        pytest.param(f'{{"x-api-key":"{VALUE}"}}', id="header in JSON"),
        pytest.param(f"Server=db;User Id=sa;Password={VALUE};", id="connection string"),
        pytest.param(f"2026-11-24 ERROR denied: token={VALUE}, status=401", id="log"),
    ],
)
def test_a_telling_name_with_a_random_value_is_found_exactly(text: str) -> None:
    """Not one character more or less, in whatever form the assignment stands."""
    assert values(text) == [VALUE]


@pytest.mark.parametrize(
    "value",
    [
        drawn(HEX, 32),
        drawn(HEX, 64),
        drawn(BASE32, 40),
        drawn(string.ascii_lowercase + string.digits, 24),
        drawn(ALNUM + "-_", 43),
        drawn(ALNUM + "+/", 43) + "=",
        drawn(ALNUM, 20),
    ],
)
def test_the_alphabets_of_keys(value: str) -> None:
    """Hexadecimal, base32, base36, base62 and both of base64."""
    assert values(f"API_TOKEN={value}\n") == [value]


UUID = "3f2b8c1e-9a4d-4e6f-8b7a-1c2d3e4f5a6b"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"request_id={VALUE}", id="an id"),
        pytest.param(f"password_hash={VALUE}", id="a hash"),
        pytest.param(f"token_sha256={drawn(HEX, 64)}", id="a digest"),
        pytest.param(f"commit_token_checksum: {drawn(HEX, 40)}", id="a checksum"),
        pytest.param(f"next_page_token={VALUE}", id="a place in a list"),
        pytest.param(f"csrf_token={VALUE}", id="a token of one page"),
        pytest.param(f"public_key={VALUE}", id="a public key"),
        pytest.param(f"publishable_api_key={VALUE}", id="a publishable key"),
        pytest.param(f"trace_token={VALUE}", id="a trace"),
        pytest.param(f"API_KEY={UUID}", id="a UUID"),
        pytest.param("API_KEY=${VAULT_API_KEY_2}", id="a reference"),
        pytest.param("api_key: {{ secrets.API_KEY_V2 }}", id="a template"),
        pytest.param("API_KEY=$(pass show api/key2)", id="a command"),
        pytest.param("token = base64.urlsafe_b64decode(raw)", id="a call"),
        pytest.param("secret = self.client.v2.read_secret_version", id="an attribute"),
        pytest.param('password = "/run/secrets/db-password-1"', id="a path"),
        pytest.param('token_endpoint: "https://auth.example.net/oauth2/v1/token"', id="an address"),
        pytest.param('API_KEY="your-api-key-goes-here-123"', id="a placeholder"),
        pytest.param('API_KEY="1234567890abcdef1234567890abcdef"', id="a row of digits"),
        pytest.param('API_KEY="xxxxxxxxxxxxxxxx1xxxxxxxxxxxxx"', id="filler"),
        pytest.param('secretName: "orders-service-db-creds-v2"', id="a name made of words"),
        pytest.param("token = getServiceAccountToken2FromCache", id="an identifier"),
        pytest.param("password = correct-horse-battery-staple-9", id="words"),
        pytest.param("max_tokens: 1234567890123456789", id="a number"),
        pytest.param('auth: "2026-11-24T03:00:00.000Z+00:00"', id="a time"),
        pytest.param("password=$2b$12$" + drawn(ALNUM, 53), id="a bcrypt hash"),
        pytest.param("secret: ENC[AES256_GCM,data:" + VALUE + "]", id="a sealed value"),
        pytest.param(f'token = "oc-sent-v2{VALUE}end"', id="a sentinel"),
        pytest.param("private_key: ed25519.Ed25519PrivateKey", id="a type"),
        pytest.param(f"The secret {VALUE}", id="no assignment"),
        pytest.param(f'<script integrity="sha384-{VALUE}">', id="an integrity"),
        pytest.param(f'if token == "abc1":\n    x = "{VALUE}"', id="another name's value"),
        pytest.param("token=ghp_" + drawn(ALNUM, 36), id="a key that a rule refuses"),
        pytest.param(f"BRAVE_API_KEY={VALUE}", id="a vendor's key that does not look like one"),
        pytest.param(f'"hashed_secret": "{drawn(HEX, 40)}"', id="a hash in a baseline"),
        pytest.param(f'encodedPassword = "{VALUE}"', id="an encoded password"),
        pytest.param(f'name="authenticity_token" value="{VALUE}"', id="a token of one form"),
        pytest.param("a=ice-pwd:" + VALUE, id="a password of one call"),
        pytest.param('"s3_access_keys","s3AccessSettings"', id="a name with a number"),
        pytest.param("{token:k,apiKey:j.x" + VALUE + ",secret:!0}", id="a member in a minified script"),
        pytest.param('newSecretKey("PBKDF2WithHmacSHA256", 9)', id="an algorithm"),
        pytest.param(
            f'password = "{hashlib.md5(b"password", usedforsecurity=False).hexdigest()}"', id="the hash of a word"
        ),
        pytest.param("SEARCH_KEY: _win32typing.PyIID", id="a type with a number"),
        pytest.param("token: BAh7BjoIZm9vIghiYXI3QjdQx2", id="an object in a cookie"),
        pytest.param("API_KEY=AKIA" + drawn(BASE32, 16), id="a public half"),
    ],
)
def test_what_only_looks_like_one_is_none(text: str) -> None:
    """Names that tell of something public, and values that people made."""
    assert values(text) == []


@pytest.mark.parametrize("path", ["package-lock.json", "yarn.lock", "uv.lock", "go.sum", "app.min.js"])
def test_generated_files_are_left_out(path: str) -> None:
    """Their random text is public."""
    assert values(f'"token": "{VALUE}"', path) == []
    assert values(f'"token": "{VALUE}"', "settings.json") == [VALUE]


@pytest.mark.parametrize(
    ("text", "rule", "severity", "provider"),
    [
        pytest.param(f"API_KEY={VALUE}", "generic-assignment", Severity.LOW, "ambiguous", id="assignment"),
        pytest.param(
            f"GITHUB_CLIENT_SECRET={VALUE}", "generic-assignment", Severity.LOW, "github", id="a vendor's variable"
        ),
        pytest.param(
            f"HF_PASSWORD={VALUE}", "generic-assignment", Severity.LOW, "huggingface", id="a vendor's initials"
        ),
        pytest.param(
            f"Authorization: Bearer {VALUE}", "generic-authorization", Severity.MEDIUM, "ambiguous", id="header"
        ),
        pytest.param(
            f"Host=db;Password={VALUE};", "generic-connection-string", Severity.MEDIUM, "ambiguous", id="connection"
        ),
    ],
)
def test_it_is_never_loud(text: str, rule: str, severity: Severity, provider: str) -> None:
    """Medium at most, confidence generic, no prefix shown."""
    (match,) = matches(text)
    assert (match.rule, match.severity, match.provider) == (rule, severity, provider)
    assert (match.confidence, match.prefix) == (Confidence.GENERIC, "")


def test_basic_authorization_counts_where_it_holds_a_password() -> None:
    """The base64 says what is inside, so that a user without a password or with an example's is none."""
    good, bad = (base64.b64encode(f"deploy-user1:{word}".encode()).decode() for word in (drawn(length=12), "changeme"))
    assert values(f"Authorization: Basic {good}") == [good]
    assert values(f"Authorization: Basic {bad}") == []


def test_where_a_rule_knows_the_key_its_word_counts() -> None:
    """One finding, under the rule's name, plain and inside of base64."""
    secret = key("anthropic-api-key")
    plain = f"ANTHROPIC_API_KEY={secret}\n".encode()
    coded = b"api_key: " + base64.b64encode(secret.encode()) + b"\n"
    for text in (plain, coded, plain + coded):
        result = look(Blobs((blob(text),)), detectors=(rulebook(), GENERIC))
        assert [finding.rule for finding in result.findings] == ["anthropic-api-key"]


@pytest.mark.parametrize(("profile", "code"), [("fast", 0), ("ci", 1), ("deep", 1)])
def test_the_fast_profile_does_without(profile: str, code: int) -> None:
    """Off in `fast`, on in the others."""
    text = f"service_password={VALUE}\n".encode()
    assert keysweep("scan", "-", "--profile", profile, stdin=text).code == code


def test_asking_for_one_rule_brings_no_other() -> None:
    """`--rule` means that rule."""
    assert keysweep("scan", "-", "--rule", "npm", stdin=f"service_password={VALUE}\n".encode()).code == 0


@pytest.mark.parametrize(("alphabet", "length"), [(ALNUM, 32), (HEX, 40), (BASE32, 40), (ALNUM + "+/", 44)])
def test_nearly_every_random_text_looks_random(alphabet: str, length: int) -> None:
    """At least 96 in 100 of what a generator draws."""
    assert sum(looks_random(drawn(alphabet, length, seed=seed)) for seed in range(1000)) >= 960
