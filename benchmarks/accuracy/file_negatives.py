"""More hard negatives, of kinds that a scan of thirty public repositories showed: what stands in files beside keys, and is none."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Callable, Mapping

from benchmarks.accuracy.chance import ALNUM, Chance
from benchmarks.accuracy.prose import ENGLISH, NAMES, PARTS

_PREFIXES = re.findall(
    r"\S+",
    "m0- BSA hf_ fw_ sk- sk_ pa- al- nk- ck- key_ api_ gsk_ rc_ bu_ re_ EAA AKCp cio AQVN as- xai-"
    " jina_ pcsk_ nvapi- sk-proj- sk-ant-api03- glpat- ghp_ csk- tvly- fc- pplx- r8_ dp. hvs. npm_"
    " figd_ ntn_ rnd_ whsec_ ya29. GOCSPX- oy2 dapi API- llx- sess- gho_ dckr_pat_",
)
_HASHED = re.findall(
    r"\S+",
    "password_hash hashed_password hashed_secret encodedPassword encrypted_password tokenDigest"
    " api_key_hash key_fingerprint secret_sha256 authenticity_token csrfToken nextPageToken"
    " continuationToken apiKeyId access_key_id secretArn token_id session_id",
)
_USERS = ("app", "admin", "postgres", "root", "cache", "fake", "guest", "my-user")
_POD = "bcdfghjklmnpqrstvwxz2456789"


def _camel(c: Chance, least: int) -> str:
    name = ""
    while len(name) < least:
        name += c.choice(
            (*ENGLISH, "of", "to", "in", "as", "get", "http", "async", "config", "server", "default")
        ).capitalize()
    return name


def _name(c: Chance) -> str:
    name = _camel(c, c.randrange(20, 46))
    return f"{c.choice(_PREFIXES)}{c.choice((name, name[0].lower() + name[1:]))}{c.choice(('', '()', '.ts', ';', ' = 1', ': null'))}"


def _markup(c: Chance) -> str:
    kebab = "-".join(c.choices(ENGLISH, k=5))
    return f'<div class="{c.choice(_PREFIXES)}{kebab} css-{c.alnum(7)}" data-testid="{_camel(c, 20)}" data-v-{c.hexa(8)} nonce="{c.base64(24)}">'


def _assigned_name(c: Chance) -> str:
    called = c.choice(("", "()", f".{_camel(c, 9)}", "[0]"))
    return f"{c.choice(NAMES)}{c.choice((' = ', '=', ': '))}{c.choice(PARTS)}{_camel(c, c.randrange(12, 30))}{called}"


def _script(c: Chance) -> str:
    parts = (
        f"{{token:{c.text(string.ascii_lowercase, 1)},apiKey:{c.text(string.ascii_lowercase, 1)}.{_camel(c, 16)},secret:!0}}",
        f'{{password:"{_camel(c, 18)}"}}',
        f'["s{c.randrange(9)}_access_keys","s{c.randrange(9)}{_camel(c, 15)}"]',
        f"n({c.randrange(9999)})",
    )
    return "var " + ",".join(f"{c.text(string.ascii_letters, 1)}={c.choice(parts)}" for _ in range(8)) + ";"


def _of_a_password(c: Chance) -> str:
    scheme = c.choice(("postgres", "mysql", "mongodb", "redis", "amqp", "https", "smtp", "mongodb+srv", "clickhouse"))
    user = c.choice(_USERS)
    password = c.choice((
        user, f"{user}pass", "p", "pw", "abc", "pass%20word", "mypass", "my-secret-pw", "supersecret", "changeme", "embedded-password",
        "[YOUR-PASSWORD]", "YOUR_PASSWORD", "password123", "hunter2", "fakepassword", "dummy", "XXXXXXXX", "<password>", "${DB_PASSWORD}",
    ))  # fmt: skip
    return (
        f"{scheme}://{user}:{password}@{c.choice(('localhost', 'db', '127.0.0.1:5432', 'some.host'))}/{c.choice(PARTS)}"
    )


def _hashed(c: Chance) -> str:
    value = c.choice((c.hexa(32), c.hexa(40), c.hexa(64), c.alnum(22), c.url(43), c.base64(43) + "="))
    return c.choice(('"{}": "{}",', '{} = "{}"', '<input name="{}" value="{}">')).format(c.choice(_HASHED), value)


def _response(c: Chance) -> str:
    return json.dumps({
        "id": f"resp_{c.hexa(48)}", "system_fingerprint": f"fp_{c.hexa(10)}", "prompt_cache_key": c.alnum(20),
        "output": [{"id": f"rs_{c.hexa(48)}", "encrypted_content": f"gAAAAAB{c.url(160)}"}, {"call_id": f"call_{c.alnum(24)}"}],
        "requestId": f"req_011{c.alnum(21)}", "signature": c.base64(c.randrange(80, 400)), "usage": {"cache_creation_input_tokens": 11},
    })  # fmt: skip


def _cluster(c: Chance) -> str:
    return c.choice((
        f"name: api-{c.choice(ENGLISH)}-{c.hexa(10)}-{c.text(_POD, 5)}", f"secretName: {c.choice(ENGLISH)}-token-{c.text(_POD, 5)}",
        f"containerID: containerd://{c.hexa(64)}", f"client-certificate-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{c.base64(400)}",
        f'"secret_id": "{c.uuid()}"', f'"kms_key_arn": "arn:aws:kms:eu-west-1:{c.digits(12)}:key/{c.uuid()}"', f'"h1:{c.base64(43)}=",',
        f'"arn": "arn:aws:secretsmanager:us-east-1:{c.digits(12)}:secret:prod/{c.choice(PARTS)}_key-{c.alnum(6)}"', f'"zh:{c.hexa(64)}",',
        f"token = data.vault_generic_secret.{c.choice(PARTS)}.data[\"{c.choice(PARTS)}_2\"]", f'"unique_id": "AIDA{c.base32(17)}"',
    ))  # fmt: skip


def _header(c: Chance) -> str:
    return c.choice((
        f"x-amz-id-2: {c.base64(76)}", f"X-Amz-Cf-Id: {c.url(54)}==", f"sec-websocket-key: {c.base64(22)}==", f"openai-organization: org-{c.alnum(24)}",
        f"content-security-policy: script-src 'nonce-{c.base64(22)}==' 'sha256-{c.base64(43)}='", f"anthropic-organization-id: {c.uuid()}",
        f"idempotency-key: {c.uuid()}", f"Set-Cookie: __cf_bm={c.url(43)}-{c.digits(10)}-1.0.1.1-{c.url(80)}; XSRF-TOKEN={c.url(54)}",
        f"DKIM-Signature: v=1; a=rsa-sha256; bh={c.base64(43)}=; b={c.base64(172)}", f"x-vercel-id: fra1::{c.lower(5)}-{c.digits(13)}-{c.hexa(12)}",
        f"a=ice-pwd:{c.alnum(32)}", f"a=fingerprint:sha-256 {':'.join(c.hexa(2).upper() for _ in range(32))}",
    ))  # fmt: skip


def _link(c: Chance) -> str:
    return c.choice((
        f"https://docs.google.com/document/d/1{c.url(43)}/edit", f"https://www.notion.so/{_camel(c, 12)}-{c.hexa(32)}",
        f"https://figma.com/file/{c.alnum(22)}/{_camel(c, 12)}", f"https://gist.github.com/u/{c.hexa(32)}", f"ipfs://Qm{c.alnum(44)}",
        f"https://s3.amazonaws.com/b/{c.uuid()}/{c.hexa(32)}.jpg", f"magnet:?xt=urn:btih:{c.hexa(40)}", f"https://i.example.org/?key_id={c.hexa(20)}",
        f"https://app.slack.com/client/T{c.base32(10)}/C{c.base32(10)}", f"https://www.youtube.com/watch?v={c.url(11)}&list=PL{c.url(32)}",
    ))  # fmt: skip


def _map(c: Chance) -> str:
    segments = ";".join(",".join(c.text(ALNUM + "+/", 4) for _ in range(12)) for _ in range(9))
    return json.dumps(
        {"version": 3, "file": f"app.{c.hexa(8)}.js", "mappings": segments, "names": c.sample(ENGLISH, 5)}
    )


def _blob(c: Chance) -> str:
    bytes_of_base64 = c.base64(600)
    head = c.choice(
        ("hf/", "BSA", "AKIA", "AIza", "EAA", "SK", "cio", "LTAI", "AKCp", "oy2", "EZAK", "AQVN", "EAAA", "eyJ")
    )
    at = c.randrange(200, 400)
    return bytes_of_base64[:at] + head + bytes_of_base64[at:]


FILE_NEGATIVES: Mapping[str, Callable[[Chance], str]] = {
    "names behind prefixes": _name, "markup": _markup, "names assigned to words": _assigned_name, "bundled scripts": _script,
    "passwords of documentation": _of_a_password, "hashes named for a key": _hashed, "responses of models": _response,
    "clusters and clouds": _cluster, "headers": _header, "links with ids": _link, "source maps": _map, "prefixes in blobs": _blob,
}  # fmt: skip
"""Kinds by name."""
