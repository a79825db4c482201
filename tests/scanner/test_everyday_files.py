"""Keys as people, programs and agents leave them: the exact value, the right vendor, and nothing else beside it."""

from __future__ import annotations

import base64
import json
import quopri
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.scanner.making import found, key, rulebook, segment


def values(text: str | bytes) -> list[tuple[str, str]]:
    data = text if isinstance(text, bytes) else text.encode()
    return [(match.provider, match.secret.reveal().decode()) for match in rulebook().find(segment(data))]


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SECRETS: dict[str, Callable[[str, str], str]] = {
    "YAML": lambda name, value: f"apiVersion: v1\nkind: Secret\ndata:\n  {name}: {coded(value)}\n",
    "JSON": lambda name, value: json.dumps({"kind": "Secret", "data": {name: coded(value)}}),
    "with a line's end": lambda name, value: f"data:\n  {name}: {coded(value + chr(10))}\nkind: Secret\n",
    "annotation": lambda name, value: (
        "  last-applied: |\n    " + json.dumps({"data": {name: coded(value)}, "kind": "Secret"}) + "\n"
    ),
    "JSON in JSON": lambda name, value: json.dumps(
        {"out": json.dumps({"kind": "Secret", "data": {name: coded(value)}})}
    ),
}


@pytest.mark.parametrize("form", SECRETS)
@pytest.mark.parametrize(
    ("name", "rule"),
    [("MISTRAL_API_KEY", "mistral-api-key"), ("WEAVIATE_API_KEY", "weaviate-api-key"), ("EXA_API_KEY", "exa-api-key")],
)
def test_the_name_outside_tells_what_a_secret_of_kubernetes_is(form: str, name: str, rule: str) -> None:
    """A key without a form of its own, whose name stands in plain text and whose value in base64."""
    value = key(rule, seed=3)
    assert [(rule.partition("-")[0], value)] == values(SECRETS[form](name, value))


def test_both_halves_of_a_pair_in_a_secret_of_kubernetes() -> None:
    """The id and the secret are two values of one manifest."""
    from tests.scanner.making import example

    made = example("aws-access-key", seed=2)
    secret = made.key.decode()
    public = "AKIA" + "Q3ZTVW7Y2N5KLMRB"
    manifest = f"kind: Secret\ndata:\n  AWS_ACCESS_KEY_ID: {coded(public)}\n  AWS_SECRET_ACCESS_KEY: {coded(secret)}\n"
    assert [("aws", secret)] == values(manifest)


@pytest.mark.parametrize("rule", ["anthropic-api-key", "groq-api-key", "openai-project-key", "github-pat"])
def test_a_command_that_powershell_takes_in_base64(rule: str) -> None:
    """Base64 of UTF-16."""
    value = key(rule, seed=4)
    command = base64.b64encode(f"$env:KEY='{value}'; node a.js".encode("utf-16-le")).decode()
    assert [value] == [found for _, found in values(f"powershell -EncodedCommand {command}\n")]


@pytest.mark.parametrize("rule", ["anthropic-api-key", "mistral-api-key", "fal-key"])
def test_a_mail_writes_an_equals_sign_and_breaks_lines(rule: str) -> None:
    """Quoted-printable: `=3D` before the key, `=` at the line's end inside of it."""
    value = key(rule, seed=5)
    name = rule.partition("-")[0].upper() + "_" + ("KEY" if rule == "fal-key" else "API_KEY")
    mail = quopri.encodestring(f"Hello, here is what was asked for and agreed: {name}={value} - bye\n".encode())
    assert b"=\n" in mail
    assert [value] == [found for _, found in values(mail)]


@pytest.mark.parametrize("at", range(2, 13))
@pytest.mark.parametrize("seam", ['" + "', "' + '", "\n", "\\n", "\\\n"])
def test_a_cut_inside_of_a_prefix(at: int, seam: str) -> None:
    """The engine sees no beginning of such a key as a whole."""
    value = key("anthropic-api-key", seed=6)
    head, tail = value[:at], value[at:]
    quoted = seam[0] if seam[0] in "\"'" else ""
    assert [value] == [found for _, found in values(f"KEY={quoted}{head}{seam}{tail}{quoted}\n")]


@pytest.mark.parametrize("at", range(-30, -3, 5))
def test_a_key_that_fills_a_pane_goes_on_in_the_next_line(at: int) -> None:
    """Between borders, as tmux shows them; also a key of no fixed length."""
    value = key("anthropic-oauth-token", seed=8)
    pane = f"│ {value[:at]} │\n│ {value[at:].ljust(len(value) + at)} │\n"
    assert [value] == [found for _, found in values(pane)]


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        pytest.param(lambda v: json.dumps({"k": v}).replace("=", "\\u003d"), "aws-bedrock-api-key", id="JSON, equals"),
        pytest.param(lambda v: f"?key={quote(v, safe='')}&x=1", "aws-bedrock-api-key", id="URL, equals"),
        pytest.param(lambda v: f"<b>{v.replace('=', '&#61;')}</b>", "aws-bedrock-api-key", id="HTML, equals"),
        pytest.param(
            lambda v: f"token={v.replace('=', chr(92) + '=')}", "aws-bedrock-api-key", id="properties, equals"
        ),
        pytest.param(lambda v: f"db.url={v.replace(':', chr(92) + ':')}", "postgresql-uri", id="properties, colon"),
    ],
)
def test_the_end_of_a_key_may_be_escaped(written: Callable[[str], str], rule: str) -> None:
    """A key of no fixed length ends behind its last character, however that is written."""
    value = key(rule, seed=1)
    assert [value] == [found for _, found in values(written(value))]


@pytest.mark.parametrize("before", ["%22", "%2522", "%252522", "=3D"])
def test_an_escape_before_a_key_is_not_part_of_it(before: str) -> None:
    """Although it ends in a letter or digit."""
    value = key("groq-api-key", seed=2)
    assert value in [found for _, found in values(f"u={before}{value}{before}\n")]


@pytest.mark.parametrize(
    "text",
    [
        "Use the **MISTRAL_API_KEY** `{}` for staging.",
        "The MISTRAL_API_KEY is {}.",
        "$ echo $MISTRAL_API_KEY\n{}\n$ ",
        "\x1b[32mMISTRAL_API_KEY\x1b[0m=\x1b[33m{}\x1b[0m",
        'MISTRAL_API_KEY = (\n    "{}"\n)',
        "curl -u {}: https://api.mistral.ai/v1/models",
        "GET https://api.mistral.ai/v1/models?key={}&alt=json",
        "host='api.mistral.ai' headers=[(b'x-api-key', b'{}')]",
    ],
)
def test_what_may_stand_between_a_name_and_a_key(text: str) -> None:
    """The vendor is told by the words or the host, not by the key."""
    value = key("mistral-api-key", seed=7)
    assert [("mistral", value)] == values(text.format(value))


@pytest.mark.parametrize("server", ["exa", "nango", "pinecone"])
@pytest.mark.parametrize("argument", ['"--api-key={}"', '"--api-key",\n        "{}"'])
def test_the_package_of_an_mcp_server_names_the_vendor_of_its_argument(server: str, argument: str) -> None:
    """In the list of arguments, where a UUID alone says nothing."""
    value = key("exa-api-key", seed=9)
    arguments = argument.format(value)
    config = f'{{"args": [\n        "-y",\n        "{server}-mcp",\n        {arguments}\n      ]}}'
    assert [(server, value)] == values(config)


def test_a_putty_key_stands_in_json_too() -> None:
    """With its line breaks escaped; and the private part of the smallest kind of key is one short line."""
    lines = [
        "PuTTY-User-Key-File-3: ssh-ed25519",
        "Encryption: none",
        "Comment: work",
        "Public-Lines: 2",
        "A" + coded(key("groq-api-key"))[:63],
        coded("x" * 20),
        "Private-Lines: 1",
        coded(key("groq-api-key", seed=1))[:48],
        "Private-MAC: " + "0a1b2c3d" * 8,
    ]
    for text in ("\n".join(lines), "\r\n".join(lines), json.dumps({"key": "\n".join(lines)})):
        assert [rule for rule, _ in found(text.encode())] == ["putty-private-key"]


def test_a_key_of_a_shape_is_told_before_the_address_around_it() -> None:
    """The password of a URL is the key; who holds it is to rotate the key, not the address."""
    value = key("sk-48-key", seed=3)
    assert [value] == [found for _, found in values(f"url = https://oauth2:{value}@git.example.dev/a/b.git\n")]


@pytest.mark.parametrize(
    "harmless",
    [
        "const total = 'sk' + 'ip-navigation-to-content-42';",
        'KEY_A = "first" + "second-part-of-a-sentence-1"',
        "kind: Secret\ndata:\n  tls.crt: " + coded("just a plain text of some length") + "\n",
        "a mail =3D with nothing in it =\nand so on\n",
    ],
)
def test_seams_and_manifests_without_a_key_are_quiet(harmless: str) -> None:
    """Looking closer finds nothing there."""
    assert values(harmless) == []


@pytest.mark.parametrize(
    "behind",
    [
        "\n2026-11-20T09:14:22.3811234Z   PORT: 80\n",
        "\nsrc/a1.ts:10:  const x = 1\n",
        "\n09:14:22.381 done\n",
    ],
)
@pytest.mark.parametrize("columns", [80, 100, 120])
def test_a_line_that_is_by_chance_as_long_as_a_terminal_is_wide_ends_there(columns: int, behind: str) -> None:
    """What follows is a record of its own: a time, or a file and a line."""
    value = key("hashicorp-vault-token", seed=2)
    line = f"KEY={value}".rjust(columns)
    assert [value] == [found for _, found in values(line + behind)]


def test_the_next_field_of_a_form_is_no_part_of_an_address() -> None:
    """What stands as `&` divides the fields; what was escaped belongs to the value."""
    address = f"mongodb+srv://app:{key('groq-api-key')[4:20]}@db.internal/main?retryWrites=true&w=majority"
    assert [("mongodb", address)] == values(f"a=1&uri={quote(address, safe='')}&scope=a+b\n")


def test_an_address_in_xml_is_whole() -> None:
    """With its ampersand written as XML demands."""
    address = f"mongodb+srv://app:{key('groq-api-key')[4:20]}@db.internal/main?retryWrites=true&w=majority"
    assert [("mongodb", address)] == values(f"<uri>{address.replace('&', '&amp;')}</uri>\n")


def test_a_private_key_in_a_quoted_mail() -> None:
    """Each of its lines begins with `>`."""
    text = key("private-key", seed=1).replace("\\n", "\n")
    quoted = "".join(f"> {line}\n" for line in text.splitlines())
    assert [rule for rule, _ in found(quoted.encode())] == ["private-key"]


def test_an_escaped_line_break_is_no_letter_of_the_key_behind_it() -> None:
    """Where the length of a key may vary."""
    value = key("weaviate-api-key", seed=7)[:36]
    assert [("weaviate", value)] == values(json.dumps(f"use this\n\nWEAVIATE_API_KEY\n{value}\n\nthanks"))
