"""Hard negatives: text that looks like keys to a pattern, and that a person would not rotate anything for.

Each kind yields single lines or small blocks.  Everything is generated: nothing here is anybody's data.
"""

from __future__ import annotations

import base64
import hmac
import json
import string
from collections.abc import Callable, Mapping

from benchmarks.accuracy import model_keys, platform_keys, tool_keys
from benchmarks.accuracy.chance import ALNUM, Chance, unpadded
from benchmarks.accuracy.file_negatives import FILE_NEGATIVES
from benchmarks.accuracy.kinds import Kind, Shape
from benchmarks.accuracy.prose import CHINESE, ENGLISH, GERMAN, LOOSE, NAMES, PARTS

Line = Callable[[Chance], str]
"""Returns one negative."""

BULLETS = "\u2022" * 20
_KINDS: tuple[Kind, ...] = (*model_keys.KINDS, *tool_keys.KINDS, *platform_keys.KINDS)
_FIXED = tuple(kind for kind in _KINDS if kind.fixed)
_PROVEN = tuple(kind for kind in _KINDS if kind.proven)
_FORMED = tuple(kind for kind in _KINDS if kind.shape is Shape.TOKEN)
_WRITTEN = ('{}="{}"', "{}: {}", "{}={}", '"{}": "{}",', "export {}={}", "{} = '{}'", "--{}={}")


def _assigned(chance: Chance, value: str, names: tuple[str, ...] = NAMES) -> str:
    return chance.choice(_WRITTEN).format(chance.choice(names), value)


def _uuid(c: Chance) -> str:
    return _assigned(c, c.uuid(), ("request_id", "session", "tenant", "id", "trace", *LOOSE))


def _git(c: Chance) -> str:
    return c.choice((
        f"commit {c.hexa(40)}", f"index {c.hexa(7)}..{c.hexa(7)} 100644", f"uses: actions/checkout@{c.hexa(40)} # v4",
        f"{c.hexa(40)} refs/heads/main", f"Merge {c.hexa(12)} into {c.hexa(12)}", f"{c.hexa(64)}  dist/app-1.2.tar.gz",
    ))  # fmt: skip


def _integrity(c: Chance) -> str:
    size, name = c.choice(((32, "sha256"), (48, "sha384"), (64, "sha512")))
    return f'<script src="/app.js" integrity="{name}-{base64.b64encode(c.randbytes(size)).decode()}"></script>'


def _trace(c: Chance) -> str:
    return c.choice((
        f"traceparent: 00-{c.hexa(32)}-{c.hexa(16)}-01", json.dumps({"traceId": c.hexa(32), "spanId": c.hexa(16)}),
        f"x-amzn-trace-id: Root=1-{c.hexa(8)}-{c.hexa(24)}", f"x-request-id: req_{c.alnum(24)}", f"cf-ray: {c.hexa(16)}-FRA",
        f"sentry-trace: {c.hexa(32)}-{c.hexa(16)}-1", f"dd.trace_id={c.digits(19)} dd.span_id={c.digits(19)}",
    ))  # fmt: skip


def _call(c: Chance) -> str:
    name = c.choice((
        f"toolu_01{c.alnum(22)}", f"call_{c.alnum(24)}", f"chatcmpl-{c.alnum(29)}", f"msg_01{c.alnum(22)}", f"req_01{c.alnum(22)}",
        f"asst_{c.alnum(24)}", f"thread_{c.alnum(24)}", f"run_{c.alnum(24)}", f"file-{c.alnum(24)}", f"resp_{c.hexa(48)}",
        f"fc_{c.hexa(48)}", f"rs_{c.hexa(48)}", f"ws_{c.hexa(48)}", f"vs_{c.alnum(24)}", f"org-{c.alnum(24)}", f"proj_{c.alnum(24)}",
        f"batch_{c.hexa(32)}", f"srvtoolu_01{c.alnum(22)}", f"gen-{c.digits(10)}-{c.alnum(20)}", f"key_{c.alnum(16)}",
    ))  # fmt: skip
    return json.dumps({"type": "tool_use", "id": name, "name": "Bash", "input": {"command": "ls"}})


def _image(c: Chance) -> str:
    head = c.choice((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF", b"wOF2"))
    data = base64.b64encode(head + c.randbytes(c.randrange(600, 3000))).decode()
    return c.choice(
        (f"url(data:image/png;base64,{data})", json.dumps({"type": "base64", "media_type": "image/png", "data": data}))
    )


def _minified(c: Chance) -> str:
    words = "".join(
        f'{c.text(string.ascii_letters, 2)}.{c.choice(PARTS)}={c.choice(("!0", "void 0", "null"))},"{c.choice(NAMES)}"===e.key&&(t[{c.randrange(999)}]=n({c.text(string.ascii_lowercase, 1)},"{c.choice(PARTS)}-{c.choice(PARTS)}"));'
        for _ in range(12)
    )
    return f"!function(e,t){{{words}}}();//# sourceMappingURL=app.{c.hexa(20)}.js.map"


def _lock(c: Chance) -> str:
    sha = base64.b64encode(c.randbytes(64)).decode()
    return c.choice((
        f'      "integrity": "sha512-{sha}",', f'  resolved "https://registry.example.net/lodash/-/lodash-4.17.21.tgz#{c.hexa(40)}"',
        f'    {{file = "a-1.0-py3-none-any.whl", hash = "sha256:{c.hexa(64)}"}},', f"    --hash=sha256:{c.hexa(64)} \\",
        f"github.com/acme/x v1.2.3 h1:{base64.b64encode(c.randbytes(32)).decode()}", f'checksum = "{c.hexa(64)}"',
        f"  /@scope/token@7.2.1: {{integrity: sha512-{sha}}}", f'"nixHash": "sha256-{base64.b64encode(c.randbytes(32)).decode()}"',
    ))  # fmt: skip


def _placeholder(c: Chance) -> str:
    head = c.choice(
        (
            "sk-",
            "sk-ant-api03-",
            "sk-proj-",
            "ghp_",
            "hf_",
            "gsk_",
            "xoxb-",
            "AKIA",
            "AIza",
            "r8_",
            "sk_live_",
            "glpat-",
            "tvly-",
            "npm_",
            "pplx-",
            "",
        )
    )
    filler = c.choice((
        "...", "your-api-key-here", "YOUR_API_KEY", "x" * c.randrange(8, 60), "X" * c.randrange(16, 60), "<your-key>", "[YOUR_KEY]",
        "1234567890abcdef1234567890abcdef", "0123456789abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz123456",
        "example-key-not-real-000000000000", "0" * c.randrange(16, 60), "replace_me_with_your_own_token", "changeme", "dummy" * c.randrange(2, 9),
        "test-key-for-unit-tests-only-1234", "EXAMPLEKEY" * c.randrange(2, 5), "aaaaaaaaaaaabbbbbbbbbbbbcccccccccccc", "insert-your-token-here-please-now",
        "my-secret-api-key", "fake_key_for_testing_purposes_only", "***", "PLACEHOLDER_PLACEHOLDER_PLACEHOLDER", "REPLACE_WITH_REAL_TOKEN_FROM_CONSOLE",
    ))  # fmt: skip
    return _assigned(
        c,
        head + filler,
        ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "MISTRAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", *NAMES),
    )


def _documented(c: Chance) -> str:
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    body = ".".join(
        unpadded(json.dumps(part, separators=(",", ":")).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    )
    jwt = f"{body}.{unpadded(hmac.digest(b'your-256-bit-secret', body.encode(), 'sha256'))}"
    return c.choice((
        "aws_access_key_id = AKIAIOSFODNN7" + "EXAMPLE", "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY" + "EXAMPLEKEY",
        "AWS_ACCESS_KEY_ID=AKIAI44QH8DHB" + "EXAMPLE", f"Authorization: Bearer {jwt}", f"token = '{jwt}'",
        "AWS_SECRET_ACCESS_KEY=je7MtGbClwBF/2Zp9Utk/h3yCo8nvb" + "EXAMPLEKEY", f"# step {c.randrange(9)}: sk-ant-api03-... or sk-proj-...",
    ))  # fmt: skip


def _variable(c: Chance) -> str:
    name = c.choice(
        (
            "OPENAI_API_KEY",
            "ANTHROPIC_API_KEY",
            "MISTRAL_API_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "COHERE_API_KEY",
            "DD_API_KEY",
            "GITHUB_TOKEN",
        )
    )
    value = c.choice((
        f"${{{name}}}", f"${name}", f"${{{{ secrets.{name} }}}}", f"process.env.{name}", f"os.environ['{name}']", f"{{{{ .Values.{name.lower()} }}}}",
        f"os.getenv('{name}')", f"%{name}%", f"$(pass show {name.lower()}/production/gateway)", f"{{env:{name}}}", f"vault:secret/data/app#{name}",
        f"op://Production/{name}/credential", f"!Ref {name}Parameter", f"var.{name.lower()}", f"data.aws_secretsmanager_secret.{name.lower()}.arn",
        f"arn:aws:secretsmanager:eu-west-1:{c.digits(12)}:secret:{name}-{c.alnum(6)}", f"settings.{name.lower()}.get_secret_value()", f"$(< /run/secrets/{name})",
    ))  # fmt: skip
    return _assigned(c, value, (name,))


def _redacted(c: Chance) -> str:
    value = c.choice(_FORMED).make(c)
    head, tail = value[: c.randrange(4, 9)], value[-4:]
    mark = c.choice((
        f"{head}...{tail}", f"{head}***{tail}", f"{head}{'*' * c.randrange(8, 50)}", f"{head}\u2026{tail}", "[REDACTED]", "***REDACTED***",
        "__OPENCLAW_REDACTED__", "<redacted>", "[LANGSMITH SECRET]", f"{head}[REDACTED:{c.randrange(99)}]", f"{'x' * 32}{tail}", f"{head}{'x' * 40}", "********",
        f"{head}{BULLETS}{tail}", f"sha256:{c.hexa(64)}", f"{head}<snip>{tail}", f"{head}{'X' * 36}",
    ))  # fmt: skip
    return _assigned(c, mark)


def _public(c: Chance) -> str:
    return c.choice((
        f"pk_live_51{c.alnum(97)}", f"pk_test_{c.alnum(24)}", f"LANGFUSE_PUBLIC_KEY=pk-lf-{c.uuid()}", f"NEXT_PUBLIC_SUPABASE_KEY=sb_publishable_{c.url(22)}_{c.url(8)}",
        f"GOOGLE_CLIENT_ID={c.digits(12)}-{c.lower(32)}.apps.googleusercontent.com", f"AWS_ACCESS_KEY_ID=AKIA{c.base32(16)}", f"POSTHOG_KEY=phc_{c.alnum(43)}",
        f"TWILIO_ACCOUNT_SID=AC{c.hexa(32)}", f"TWILIO_API_KEY=SK{c.hexa(32)}", f"GITHUB_CLIENT_ID=Iv1.{c.hexa(16)}", f"client_id: Iv23li{c.alnum(14)}", f"STRIPE_ACCOUNT=acct_{c.alnum(16)}",
        f"MODAL_TOKEN_ID=ak-{c.alnum(22)}", f"arn:aws:iam::{c.digits(12)}:user/agent", f"AROA{c.base32(17)}:session", f"AIDA{c.base32(17)}", f"AUTH0_CLIENT_ID={c.alnum(32)}",
        f"pub{c.hexa(32)}", f"recaptcha_site_key: 6L{c.url(38)}", f"AZURE_TENANT_ID={c.uuid()}", f"SLACK_CLIENT_ID={c.digits(12)}.{c.digits(13)}", f"discord application id {c.digits(19)}",
    ))  # fmt: skip


def _wrong_sum(c: Chance) -> str:
    kind = c.choice(_PROVEN)
    value = kind.make(c)
    at = c.randrange(len(value) - 7, len(value))
    other = c.choice(
        [
            x
            for x in ("0123456789abcdef" if value[at] in "0123456789abcdefABCDEF" else string.ascii_letters)
            if x.lower() != value[at].lower()
        ]
    )
    return _assigned(c, value[:at] + other + value[at + 1 :], (kind.name,))


def _one_short(c: Chance) -> str:
    kind = c.choice(_FIXED)
    return _assigned(c, kind.make(c)[:-1], (kind.name,))


def _one_long(c: Chance) -> str:
    kind = c.choice(_FIXED)
    return _assigned(c, kind.make(c) + c.alnum(1), (kind.name,))


def _wrong_alphabet(c: Chance) -> str:
    kind = c.choice(_FIXED)
    value = kind.make(c)
    at = c.randrange(len(value) - 12, len(value) - 2)
    return _assigned(c, value[:at] + c.choice("!$*(^~") + value[at + 1 :], (kind.name,))


def _beside_words(c: Chance) -> str:
    value = c.choice(
        (
            c.hexa(32),
            c.hexa(40),
            c.alnum(22),
            c.uuid(),
            c.digits(18),
            f"user:{c.digits(9)}:profile",
            c.base32(26),
            f"{c.hexa(8)}/{c.hexa(8)}.parquet",
        )
    )
    return _assigned(c, value, LOOSE)


def _fixture(c: Chance) -> str:
    head = c.choice(("sk-", "sk-ant-", "sk-proj-", "ghp_", "AIza", "xoxb-", "sk-or-v1-", "hf_", "csk-"))
    body = c.choice(
        (
            f"...{c.alnum(4)}",
            f"test-{'x' * 20}{c.alnum(4)}",
            f"{'x' * 20}",
            f"abc{'x' * 30}",
            "test123",
            "fake-key",
            "FAKE" * 8,
            "test" * 10,
            "deadbeef" * 5,
            "abcd1234" * 5,
            f"{c.alnum(3)}{'0' * 40}",
        )
    )
    return f'assert redact("{head}{body}") == "{head}***"'


def _german(c: Chance) -> str:
    return " ".join(c.choices(GERMAN, k=9)) + ". Der API-Schluessel: " + c.choice(GERMAN) + c.choice(GERMAN).lower()


def _chinese(c: Chance) -> str:
    return (
        "".join(c.choices(CHINESE, k=12))
        + "API key\uff1a"
        + "".join(c.choices(CHINESE, k=4))
        + "\u3002token="
        + c.choice(CHINESE)
    )


def _english(c: Chance) -> str:
    return f"The {c.choice(NAMES)} = {'-'.join(c.choices(ENGLISH, k=6))} and {'_'.join(c.choices(ENGLISH, k=5))}, see {'.'.join(c.choices(ENGLISH, k=4))}"


def _numbers(c: Chance) -> str:
    return c.choice((
        f"Tel. +49 30 {c.digits(8)}", f"IBAN DE{c.digits(2)} {c.digits(4)} {c.digits(4)} {c.digits(4)} {c.digits(4)} {c.digits(2)}", f"GB{c.digits(2)}NWBK{c.digits(14)}",
        f"card 4111 1111 1111 {c.digits(4)}", f"order {c.digits(10)}:AA{c.digits(4)}", f"ISBN 978-3-{c.digits(2)}-{c.digits(6)}-1", f"at {c.digits(13)} ns {c.digits(19)}", f"{c.digits(9)}:{c.digits(9)}:{c.digits(9)}",
    ))  # fmt: skip


def _colours(c: Chance) -> str:
    return f".token-{c.choice(PARTS)}{{color:#{c.hexa(6)};background:#{c.hexa(8)};--key:{','.join('#' + c.hexa(6) for _ in range(8))}}}"


def _paths(c: Chance) -> str:
    return "/" + "/".join("-".join(c.choices(PARTS, k=3)) for _ in range(6)) + f"/{c.choice(PARTS)}_{c.hexa(16)}.py"


def _slugs(c: Chance) -> str:
    slug = "-".join(c.choices(ENGLISH, k=9))
    return f"https://blog.example.org/{c.choice(PARTS)}/{slug}-{c.hexa(12)}?utm_source={c.choice(ENGLISH)}&ref={c.alnum(11)}&v={c.digits(10)}#{c.choice(ENGLISH)}"


def _identifiers(c: Chance) -> str:
    mark = c.choice("_-")
    return f"{c.choice(PARTS)}{mark}{mark.join(c.choices((*PARTS, *ENGLISH), k=6))} = {c.choice(PARTS)}_{'_'.join(c.choices(ENGLISH, k=4))}({c.choice(NAMES)})"


def _camel(c: Chance) -> str:
    return f"{c.choice(PARTS)}_{''.join(word.capitalize() for word in c.choices(ENGLISH, k=5))}{c.randrange(99)}: {c.choice(('BSA', 'SG.', 'AC', 'SK', 'dapi', 'hf_', 'fw_', 'r8_', 'm0-', 'pa-', 'ak_'))}{''.join(word.capitalize() for word in c.choices(ENGLISH, k=4))}"


def _certificate(c: Chance) -> str:
    body = base64.b64encode(b"0\x82\x03" + c.randbytes(600)).decode()
    return (
        "-----BEGIN CERTIFICATE-----\n"
        + "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        + "\n-----END CERTIFICATE-----"
    )


def _public_key(c: Chance) -> str:
    body = base64.b64encode(c.randbytes(294)).decode()
    block = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return c.choice((
        f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{c.base64(43)} ann@host", f"ssh-rsa AAAAB3NzaC1yc2E{c.base64(357)} ann@host", f"age1{c.lower(58)}",
        f"-----BEGIN PUBLIC KEY-----\n{block}\n-----END PUBLIC KEY-----", f"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n{block}\n-----END PGP PUBLIC KEY BLOCK-----", f"untrusted comment: minisign public key\nRWQ{c.base64(53)}",
    ))  # fmt: skip


def _uris(c: Chance) -> str:
    scheme = c.choice(("postgres", "mysql", "mongodb", "redis", "amqp", "mongodb+srv", "postgresql"))
    return c.choice((
        f"{scheme}://localhost:5432/app", f"{scheme}://user@db.internal/app", f"{scheme}://${{DB_USER}}:${{DB_PASSWORD}}@db/app", f"{scheme}://user:password@localhost/app", f"{scheme}://<user>:<password>@host/db",
        f"{scheme}://app:$PASS@db:1/app", f"{scheme}://{{user}}:{{password}}@{{host}}/db", f"{scheme}://app:***@db/app", f"{scheme}://app:xxxxxx@db/app", f"{scheme}://%s:%s@%s/%s", f"{scheme}://user:pass@host:1/db",
        f"{scheme}://root:example@mongo:27017/", f"{scheme}://postgres:postgres@postgres:5432/test",
    ))  # fmt: skip


def _hashes(c: Chance) -> str:
    return c.choice(
        (
            f"$2b$12${c.alnum(53)}",
            f"$argon2id$v=19$m=65536,t=3,p=4${c.base64(22)}${c.base64(43)}",
            f"pbkdf2_sha256$600000${c.alnum(22)}${c.base64(43)}=",
            f"image: ghcr.io/acme/agent@sha256:{c.hexa(64)}",
            f'etag: W/"{c.hexa(32)}"',
            f"md5={c.hexa(32)}",
            f"bc1q{c.lower(38)}",
            f"0x{c.hexa(40)}",
        )
    )


def _plain_base64(c: Chance) -> str:
    return (
        "data: "
        + base64.b64encode(
            json.dumps({"name": " ".join(c.choices(ENGLISH, k=6)), "id": c.uuid(), "n": c.randrange(10**6)}).encode()
        ).decode()
    )


def _random_runs(c: Chance) -> str:
    return c.choice(
        (
            c.base64(c.randrange(40, 400)),
            c.text(ALNUM + "-_", c.randrange(40, 400)),
            c.hexa(c.randrange(40, 300)),
            c.base32(c.randrange(20, 80)),
        )
    )


NEGATIVES: Mapping[str, Line] = {
    "UUIDs": _uuid, "git and file hashes": _git, "integrity hashes": _integrity, "trace and span ids": _trace, "tool-call ids": _call,
    "base64 images": _image, "minified JavaScript": _minified, "lock files": _lock, "placeholders": _placeholder,
    "documented examples": _documented, "variable references": _variable, "redaction marks": _redacted, "public halves": _public,
    "wrong checksums": _wrong_sum, "one character short": _one_short, "one character long": _one_long, "wrong alphabet": _wrong_alphabet,
    "random beside telling words": _beside_words, "test fixtures": _fixture, "German prose": _german, "Chinese prose": _chinese,
    "English prose": _english, "numbers": _numbers, "colours": _colours, "file paths": _paths, "URLs with slugs": _slugs,
    "identifiers": _identifiers, "camel case": _camel, "certificates": _certificate, "public keys": _public_key,
    "URIs without a password": _uris, "other hashes": _hashes, "base64 of ordinary JSON": _plain_base64, "random runs": _random_runs,
    **FILE_NEGATIVES,
}  # fmt: skip
"""Kinds by name."""
