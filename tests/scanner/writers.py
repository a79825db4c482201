"""How programs write a key down: each writer takes the text around a key, and the key, and returns bytes that hold it encoded or cut."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable, Mapping
from urllib.parse import quote

Writer = Callable[[str, str, random.Random], bytes]
"""Text, the key in it, chance."""


def _base64_in_text(text: str, _key: str, chance: random.Random) -> bytes:
    before = "".join(chance.choices('abc =\n:{"', k=chance.randrange(40)))
    return b"data: " + base64.b64encode(f"{before} {text}\nx".encode())


def _wrapped(columns: int) -> Writer:
    def write(text: str, _key: str, chance: random.Random) -> bytes:
        line = chance.choice(["", "export KEY=", '  "api_key": "', "$ echo "]) + text
        return "\n".join(line[at : at + columns] for at in range(0, len(line), columns)).encode() + b"\n"

    return write


def _halves(text: str, key: str, chance: random.Random) -> tuple[str, str]:
    at = text.index(key) + chance.randrange(len(key) // 2, len(key) - 1)
    return text[:at], text[at:]


def _coloured(text: str, key: str, chance: random.Random) -> bytes:
    at = text.index(key) + chance.randrange(1, len(key) - 1)
    return f"{text[:at]}\x1b[01;31m\x1b[K{text[at:]}\x1b[m".encode()


def _docker(text: str, key: str, chance: random.Random) -> bytes:
    first, second = (json.dumps(half)[1:-1] for half in _halves(text, key, chance))
    return (
        f'{{"log":"{first}","stream":"stdout","time":"2026-11-24T10:00:00.000000001Z"}}\n'
        f'{{"log":"{second}\\n","stream":"stdout","time":"2026-11-24T10:00:00.000000002Z"}}\n'
    ).encode()


def _cri(text: str, key: str, chance: random.Random) -> bytes:
    first, second = _halves(text, key, chance)
    stamp = "2026-11-24T10:00:00.000000001Z stdout"
    return f"{stamp} P {first}\n{stamp} F {second}\n".encode()


def _escaped(form: str, *, all_: bool) -> Writer:
    def write(text: str, _key: str, _chance: random.Random) -> bytes:
        return "".join(c if c.isalnum() and not all_ else form % ord(c) for c in text).encode()

    return write


def _mail(text: str, key: str, chance: random.Random) -> bytes:
    first, second = _halves(text, key, chance)
    return f"Content-Transfer-Encoding: quoted-printable\n\n{first}=\n{second}\n".encode()


ENCODINGS: Mapping[str, Writer] = {
    "base64": _base64_in_text,
    "base64 of the URL alphabet": lambda t, _k, _r: b"key: " + base64.urlsafe_b64encode(f"{t}\n".encode()).rstrip(b"="),
    "base64 over lines": lambda t, _k, _r: base64.encodebytes(f"HOME=/root\nPATH=/usr/bin\n{t}\nTERM=xterm\n".encode()),
    "base64 twice": lambda t, _k, _r: base64.b64encode(base64.b64encode(t.encode())),
    "hex": lambda t, _k, _r: t.encode().hex().encode(),
    "hex in capitals": lambda t, _k, _r: t.encode().hex().upper().encode(),
    "a list of numbers": lambda t, _k, _r: str(list(t.encode())).encode(),
    "UTF-16 in a database": lambda t, _k, _r: b"\x00\x01" + t.encode("utf-16-le") + b"\xff",
    "URL query": lambda t, _k, _r: f"https://h/?q={quote(t, safe='')}&b=1".encode(),
    "URL query twice": lambda t, _k, _r: f"https://h/?q={quote(quote(t, safe=''), safe='')}&b=1".encode(),
    "URL, every character": _escaped("%%%02X", all_=True),
    "JSON escapes": _escaped("\\u%04x", all_=True),
    "JSON escapes of punctuation": _escaped("\\u%04x", all_=False),
    "HTML entities": _escaped("&#%d;", all_=True),
    "HTML entities of punctuation": _escaped("&#x%X;", all_=False),
    "bytes literal": _escaped("\\x%02x", all_=True),
    "gzip in base64": lambda t, _k, _r: base64.b64encode(gzip.compress(f"a: b\n{t}\nq: z\n".encode(), mtime=0)),
    "a Helm release": lambda t, _k, _r: base64.b64encode(
        base64.b64encode(gzip.compress(f"a: b\n{t}\nq: z\n".encode(), mtime=0))
    ),
    "PHP's JSON": lambda t, _k, _r: json.dumps({"url": t}).replace("/", "\\/").encode(),
}
"""Forms that must be decoded."""
CUTS: Mapping[str, Writer] = {
    "a colour code inside": _coloured,
    "a terminal of 80 columns": _wrapped(80),
    "a terminal of 120 columns": _wrapped(120),
    "two records of a container's log": _docker,
    "two lines of a node's log": _cri,
    "a soft break of a mail": _mail,
}
"""Forms in which the key is whole but for a cut."""
