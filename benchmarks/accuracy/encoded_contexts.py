"""Contexts in which the key is encoded, or cut into pieces."""

from __future__ import annotations

import base64
import gzip
import html
import json
from functools import partial
from urllib.parse import quote

from benchmarks.accuracy.chance import Chance, unpadded
from benchmarks.accuracy.contexts import ANY, BARE, NAMED, TOKENS, Context, Group, Write, lines, pairs
from benchmarks.accuracy.kinds import Key

encoded = partial(Context, group=Group.ENCODED)
_AT = "2026-11-24T10:00:00.123456789Z"


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _secret(key: Key, _chance: Chance) -> str:
    data = "\n".join(f"  {name}: {_b64(value)}" for name, value in pairs(key))
    return f"apiVersion: v1\nkind: Secret\ndata:\n{data}\ntype: Opaque\n"


def _env(key: Key, chance: Chance) -> str:
    """Return an environment in which the key stands anywhere."""
    return f"HOME=/home/{'a' * chance.randrange(1, 70)}\nSHELL=/bin/sh\n{lines(key)}\nTERM=xterm\n"


def _wrapped(key: Key, columns: int, chance: Chance) -> str:
    text = _b64(_env(key, chance))
    return "\n".join(text[at : at + columns] for at in range(0, len(text), columns)) + "\n"


def _gzip(key: Key, chance: Chance) -> str:
    return _b64_bytes(gzip.compress(_env(key, chance).encode(), mtime=0))


def _b64_bytes(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _result(text: str, chance: Chance) -> str:
    block = {"type": "tool_result", "tool_use_id": f"toolu_01{chance.alnum(22)}", "content": text}
    return json.dumps({"type": "user", "message": {"role": "user", "content": [block]}, "uuid": chance.uuid()}) + "\n"


def _every(form: str, *, letters: bool) -> Write:
    """Return a writer of characters as escapes: all of them, or all but letters and digits."""

    def write(key: Key, _chance: Chance) -> str:
        text = lines(key).replace("\n", " ")
        return "x " + "".join(c if c.isalnum() and not letters else form % ord(c) for c in text) + " y\n"

    return write


def _hard(columns: int, *, escaped: bool = False) -> Write:
    """Return a writer of a terminal's lines: cut where its edge is."""

    def write(key: Key, chance: Chance) -> str:
        cut = []
        for line in _env(key, chance).split("\n"):
            cut += [line[at : at + columns] for at in range(0, len(line), columns)] or [""]
        text = "\n".join(cut)
        return _result(text, chance) if escaped else text

    return write


def _halves(text: str, key: Key, chance: Chance) -> tuple[str, str]:
    at = text.rindex(key.value) + chance.randrange(8, len(key.value) - 4)
    return text[:at], text[at:]


def _docker(key: Key, chance: Chance) -> str:
    first, second = _halves(lines(key), key, chance)
    rows = (first, second + "\n")
    return "".join(
        json.dumps({"log": row, "stream": "stdout", "time": _AT}, separators=(",", ":")) + "\n" for row in rows
    )


def _node(key: Key, chance: Chance) -> str:
    first, second = _halves(f"{key.name}={key.value}", key, chance)
    return f"{_AT} stdout P {first}\n{_AT} stdout F {second}\n"


def _coloured(key: Key, chance: Chance) -> str:
    first, second = _halves(f".env:{key.name}={key.value}", key, chance)
    return f"{first}\x1b[01;31m\x1b[K{second[:3]}\x1b[m\x1b[K{second[3:]}\n"


def _mail(key: Key, chance: Chance) -> str:
    first, second = _halves(f"the key is {key.value}", key, chance)
    first, second = (half.replace("=", "=3D") for half in (first, second))
    return f"Content-Transfer-Encoding: quoted-printable\n\n{first}=\n{second} \n"


def _concatenated(form: str) -> Write:
    def write(key: Key, chance: Chance) -> str:
        first, second = _halves(key.value, key, chance)
        return form.format(name=key.name, first=first, second=second)

    return write


CONTEXTS = (
    encoded(name="Kubernetes secret", shapes=NAMED, write=_secret, suffix=".yaml"),
    encoded(name="base64 of the key", shapes=BARE, write=lambda k, _c: f"data: {_b64(k.value)}\n"),
    encoded(name="base64 of the key and a line break", shapes=BARE, write=lambda k, _c: f"echo {_b64(k.value + chr(10))} | base64 -d\n"),
    encoded(name="base64 of a file", shapes=ANY, write=lambda k, c: f"content: {_b64(_env(k, c))}\n"),
    encoded(name="base64 of JSON", shapes=ANY, write=lambda k, _c: json.dumps({"payload": _b64(json.dumps(dict(pairs(k))))})),
    encoded(name="base64 of the URL alphabet", shapes=ANY, write=lambda k, c: f"state={unpadded(_env(k, c).encode())}&a=1\n"),
    encoded(name="base64 in 76 columns", shapes=ANY, write=lambda k, c: _wrapped(k, 76, c)),
    encoded(name="base64 in 64 columns", shapes=ANY, write=lambda k, c: _wrapped(k, 64, c)),
    encoded(name="base64 in 76 columns, transcript", shapes=NAMED, write=lambda k, c: _result(_wrapped(k, 76, c), c), suffix=".jsonl"),
    encoded(name="base64 twice", shapes=ANY, write=lambda k, c: _b64(_b64(_env(k, c)))),
    encoded(name="base64 in a transcript", shapes=NAMED, write=lambda k, c: _result(f"$ base64 .env\n{_b64(_env(k, c))}\n$", c), suffix=".jsonl"),
    encoded(name="basic authorisation, password", shapes=TOKENS, write=lambda k, _c: f"Authorization: Basic {_b64('x-token:' + k.value)}\n"),
    encoded(name="basic authorisation, user", shapes=TOKENS, write=lambda k, _c: f"Authorization: Basic {_b64(k.value + ':')}\n"),
    encoded(name="docker auth", shapes=TOKENS, write=lambda k, _c: json.dumps({"auths": {"ghcr.io": {"auth": _b64("ann:" + k.value)}}}, indent=1), suffix=".json"),
    encoded(name="data URL", shapes=ANY, write=lambda k, c: f'<a href="data:text/plain;base64,{_b64(_env(k, c))}">x</a>', suffix=".html"),
    encoded(name="hex", shapes=NAMED, write=lambda k, _c: f"value: {lines(k).encode().hex()}\n"),
    encoded(name="hex in capitals", shapes=NAMED, write=lambda k, _c: f"0x{lines(k).encode().hex().upper()}\n"),
    encoded(name="hex of JSON", shapes=NAMED, write=lambda k, _c: f"INSERT INTO meta VALUES('{json.dumps(dict(pairs(k))).encode().hex()}');\n", suffix=".sql"),
    encoded(name="percent, form", shapes=NAMED, write=lambda k, _c: "&".join(f"{n}={quote(v, safe='')}" for n, v in pairs(k)) + "&x=1\n"),
    encoded(name="percent, nested URL", shapes=NAMED, write=lambda k, _c: f"https://a.example/cb?to={quote('https://b.example/?' + lines(k).replace(chr(10), '&') + '&y=2', safe='')}\n"),
    encoded(name="percent, every character", shapes=BARE, write=lambda k, _c: "q=" + "".join(f"%{b:02X}" for b in k.value.encode()) + "&r=1\n"),
    encoded(name="percent twice", shapes=BARE, write=lambda k, _c: f"https://a.example/?u={quote(quote(k.value + '&b=1', safe=''), safe='')}\n"),
    encoded(name="\\u escapes", shapes=NAMED, write=_every("\\u%04x", letters=True), suffix=".json"),
    encoded(name="\\u escapes of punctuation", shapes=NAMED, write=_every("\\u%04x", letters=False), suffix=".json"),
    encoded(name="\\x escapes", shapes=NAMED, write=_every("\\x%02x", letters=True)),
    encoded(name="HTML entities", shapes=NAMED, write=_every("&#%d;", letters=True), suffix=".html"),
    encoded(name="HTML entities, hexadecimal", shapes=NAMED, write=_every("&#x%x;", letters=False), suffix=".html"),
    encoded(name="HTML entities of JSON", shapes=NAMED, write=lambda k, _c: f'<div data-props="{html.escape(json.dumps(dict(pairs(k))))}"></div>', suffix=".html"),
    encoded(name="JSON with escaped slashes", shapes=NAMED, write=lambda k, _c: json.dumps(dict(pairs(k))).replace("/", "\\/"), suffix=".json"),
    encoded(name="UTF-16 file", shapes=ANY, write=lambda k, c: _env(k, c).encode("utf-16"), suffix=".reg"),
    encoded(name="UTF-16 file, big end", shapes=ANY, write=lambda k, c: b"\xfe\xff" + _env(k, c).encode("utf-16-be")),
    encoded(name="UTF-16 without a mark", shapes=NAMED, write=lambda k, c: _env(k, c).encode("utf-16-le")),
    encoded(name="UTF-16 in a binary file", shapes=NAMED, write=lambda k, c: c.randbytes(64) + lines(k).encode("utf-16-le") + b"\0\0" + c.randbytes(64), suffix=".bin"),
    encoded(name="UTF-32 file", shapes=ANY, write=lambda k, c: _env(k, c).encode("utf-32")),
    encoded(name="gzip in base64", shapes=ANY, write=_gzip),
    encoded(name="Helm release", shapes=NAMED, write=lambda k, c: f"data:\n  release: {_b64(_gzip(k, c))}\n", suffix=".yaml"),
    encoded(name="list of numbers", shapes=NAMED, write=lambda k, _c: json.dumps({"MESSAGE": list(lines(k).encode())}), suffix=".json"),
    encoded(name="terminal of 80 columns", shapes=NAMED, write=_hard(80)),
    encoded(name="terminal of 120 columns", shapes=NAMED, write=_hard(120)),
    encoded(name="terminal of 60 columns, transcript", shapes=NAMED, write=_hard(60, escaped=True), suffix=".jsonl"),
    encoded(name="docker log, split", shapes=NAMED, write=_docker, suffix=".log"),
    encoded(name="node log, split", shapes=TOKENS, write=_node, suffix=".log"),
    encoded(name="colour inside", shapes=TOKENS, write=_coloured, suffix=".log"),
    encoded(name="quoted-printable", shapes=TOKENS, write=_mail, suffix=".eml"),
    encoded(name="shell continuation", shapes=TOKENS, write=_concatenated("curl -H x-key:{first}\\\n{second} https://a.example\n"), suffix=".sh"),
    encoded(name="Python concatenation", shapes=TOKENS, write=_concatenated('KEY = "{first}" + "{second}"\n'), suffix=".py"),
    encoded(name="Python implicit concatenation", shapes=TOKENS, write=_concatenated('KEY = (\n    "{first}"\n    "{second}"\n)\n'), suffix=".py"),
    encoded(name="JavaScript concatenation", shapes=TOKENS, write=_concatenated("const k = '{first}' +\n  '{second}';\n"), suffix=".js"),
    encoded(name="Go concatenation", shapes=TOKENS, write=_concatenated('key := "{first}" +\n\t\t"{second}"\n'), suffix=".go"),
    encoded(name="Java concatenation", shapes=TOKENS, write=_concatenated('String k = "{first}"\n    + "{second}";\n'), suffix=".java"),
)  # fmt: skip
"""One line each; a table that is read by its names."""
