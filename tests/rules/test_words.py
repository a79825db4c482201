"""Keys without a form of their own: the words that tell of them, and what may stand between."""

from __future__ import annotations

import hashlib
import json
import random
import time

import pytest

from keysweep.rules.file import expanded, words_of
from keysweep.rules.samples import expand
from tests.scanner.making import found

KEY = expand("{A-Za-z0-9:31}7", random.Random(11))
WAYS = [
    "MISTRAL_API_KEY={key}",
    "export MISTRAL_API_KEY='{key}'",
    "  MISTRAL_API_KEY: {key}",
    'mistral_api_key = "{key}"',
    '"mistral_api_key": "{key}"',
    json.dumps({"body": json.dumps({"mistral_api_key": "{key}"})}),
    json.dumps({"body": json.dumps({"a": json.dumps({"mistral_api_key": "{key}"})})}),
    "docker run -e MISTRAL_API_KEY={key} image",
    "agent --mistral-api-key {key} --verbose",
    "agent --mistral-api-key={key}",
    'os.environ["MISTRAL_API_KEY"] = "{key}"',
    'os.getenv("MISTRAL_API_KEY", "{key}")',
    'os.environ.get("MISTRAL_API_KEY") or "{key}"',
    "process.env.MISTRAL_API_KEY = '{key}';",
    "process.env['MISTRAL_API_KEY'] || '{key}'",
    'const mistralApiKey: string = "{key}";',
    'MISTRAL_API_KEY: str = "{key}"',
    'mistralKey := "{key}"',
    "'mistral_api_key' => '{key}',",
    'mistral_client(api_key="{key}")',
    'Mistral(model="large", api_key="{key}")',
    'new Mistral({ apiKey: "{key}" })',
    "mistral:\n  model: large\n  api_key: {key}\n",
    '"mistral": {\n  "command": "npx",\n  "env": {\n    "API_KEY": "{key}"\n',
    '[mistral]\nmodel = "large"\napi_key = "{key}"\n',
    "- name: MISTRAL_API_KEY\n          value: {key}\n",
    '{"name": "MISTRAL_API_KEY", "value": "{key}"}',
    "<key>MISTRAL_API_KEY</key>\n\t<string>{key}</string>",
    '<add key="MISTRAL_API_KEY" value="{key}"/>',
    "<MISTRAL_API_KEY>{key}</MISTRAL_API_KEY>",
    "ENV MISTRAL_API_KEY {key}",
    "$env:MISTRAL_API_KEY = '{key}'",
    "set MISTRAL_API_KEY={key}",
    "| MISTRAL_API_KEY | {key} |",
    "https://h/?mistral_api_key={key}&a=b",
    "mistral_api_key%3D{key}",
    "&quot;mistral_api_key&quot;: &quot;{key}&quot;",
    'curl https://api.mistral.ai/v1/models -H "Authorization: Bearer {key}"',
    'curl -H "Authorization: Bearer {key}" https://api.mistral.ai/v1/models',
    "POST /v1/chat HTTP/1.1\r\nHost: api.mistral.ai\r\nAccept: */*\r\nAuthorization: Bearer {key}\r\n",
    "MISTRAL_API_KEY_PROD={key}",
]
NOT = [
    "MISTRAL_API_KEY=${MISTRAL_API_KEY}",
    "MISTRAL_API_KEY={{ secrets.MISTRAL_API_KEY }}",
    "MISTRAL_API_KEY=process.env.MISTRAL_API_KEY_FROM_SOMEWHERE",
    "mistral_api_key = getMistralApiKeyFromEnvironments()",
    "MISTRAL_API_KEY=xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "MISTRAL_API_KEY=abcdefghijklmnopqrstuvwxyz123456",
    "MISTRAL_API_KEY=" + hashlib.sha256(b"a").hexdigest()[:32],
    "MISTRAL_API_KEY=\nUNRELATED={key}",
    "the mistral key to this is that {key} is no key",
    "MISTRAL_MODEL=large\nOTHER_VENDOR_API_KEY={key}",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_key_is_found_in_every_way_it_is_assigned(way: str) -> None:
    """The exact value and the right vendor."""
    names = {value: name for name, value in found(way.replace("{key}", KEY).encode())}
    assert names.get(KEY.encode(), "").startswith("mistral-api-key"), way


@pytest.mark.parametrize("text", NOT)
def test_what_is_no_key_of_the_vendor_is_none(text: str) -> None:
    """Variables, hashes, fillers, and the keys of other names."""
    assert [name for name, _ in found(text.replace("{key}", KEY).encode()) if name.startswith("mistral")] == []


def test_the_nearest_words_tell_whose_a_key_is() -> None:
    """Two vendors whose keys look alike, in one line and in one file."""
    one, two = (expand("{a-f0-9:40}", random.Random(seed)) for seed in (1, 2))
    for between in ("\n", " ", ", "):
        text = f"DEEPGRAM_API_KEY={one}{between}WANDB_API_KEY={two}"
        assert [(name.partition("-")[0], value.decode()) for name, value in found(text.encode())] == [
            ("deepgram", one),
            ("wandb", two),
        ]


@pytest.mark.parametrize(
    "hostile", ["mistral key " * 4000, "mistral" + " " * 60_000, "mistral_key:" * 5000, "mistral{\n " * 6000]
)
def test_no_text_makes_the_words_slow(hostile: str) -> None:
    """Every repeat is bounded: a text of words costs time in step with its length."""
    started = time.process_time()
    found(hostile.encode())
    assert time.process_time() - started < 3


def test_the_engine_is_given_the_words_alone() -> None:
    """The value is left to the exact pattern; a rule without words has none."""
    assert words_of("abc_[a-z]{3}") == ""
    assert "secret>" not in words_of("(?i:acme)<near><key><assign>(?P<secret>[a-z]{9})")
    assert "<" not in expanded("(?i:acme)<near><key><assign>x").replace("(?P<", "").replace("</", "").replace("<[", "")
