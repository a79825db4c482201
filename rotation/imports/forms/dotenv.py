"""dotenv: `NAME=value` lines, also as Doppler, Infisical and shells write them; nothing is expanded.

Where a name is given twice, the last one counts, as it does for the programs that read such files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.inventory import ImportRowError

_START = re.compile(r"[^\S\n]*(?:export[^\S\n]+)?([A-Za-z_][\w.-]*)[^\S\n]*=[^\S\n]*")
_SKIPPED = re.compile(r"[^\S\n]*(?:#[^\n]*)?(?:\n|$)|[^\S\n]*export[^\S\n]+[A-Za-z_]\w*[^\S\n]*(?:\n|$)")
_QUOTED = {
    quote: re.compile(rf"{quote}((?:[^{quote}\\]|\\[\s\S])*){quote}[^\S\n]*(?:#[^\n]*)?(?:\n|$)") for quote in '"`'
} | {"'": re.compile(r"'([^']*)'[^\S\n]*(?:#[^\n]*)?(?:\n|$)")}
_BARE = re.compile(r"([^\n]*?)(?:[^\S\n]+#[^\n]*|[^\S\n]*)(?:\n|$)")
_ESCAPE = re.compile(r"\\([\s\S])")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_NAMES = re.compile(r"\$\{?([A-Za-z_]\w*)")
_META = {"DOPPLER_PROJECT", "DOPPLER_CONFIG", "DOPPLER_ENVIRONMENT"}


def _recognises(document: Document) -> bool:
    for line in document.lines():
        if not _SKIPPED.fullmatch(line):
            return _START.match(line) is not None
    return False


def _read(document: Document) -> Iterator[Placed]:
    found = list(_assignments(document.text.replace("\r\n", "\n")))
    last = {name: number for number, name, _, _ in found if name}
    environment = next((value for _, name, value, _ in found if name == "DOPPLER_ENVIRONMENT"), "")
    for number, name, value, literal in found:
        place = f"line {number}"
        if not name:
            yield place, ImportRowError(value)
        elif last[name] != number:
            yield place, Left(name=name, reason=Reason.REPLACED)
        elif name in _META:
            yield place, Left(name=name, reason=Reason.PLAIN)
        elif not literal and _refers(value, set(last)):
            yield place, Left(name=name, reason=Reason.REFERENCE)
        else:
            yield place, Given(path=(name,), variable=name, value=Secret(value), environment=environment)


def _assignments(text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Yield line, name, value and whether it stands in single quotes; without a name the value says what is wrong."""
    at, line = 0, 1
    while at < len(text):
        begun = line
        if skipped := _SKIPPED.match(text, at):
            at = skipped.end()
            line += 1
            continue
        start = _START.match(text, at)
        if start is None:
            at, line = _next_line(text, at), line + 1
            yield begun, "", "not NAME=value", True
            continue
        quote = text[start.end() : start.end() + 1]
        value = _QUOTED[quote].match(text, start.end()) if quote in _QUOTED else _BARE.match(text, start.end())
        if value is None:
            at, line = _next_line(text, at), line + 1
            yield begun, "", "a quote that is not closed, or text behind it", True
            continue
        at, line = value.end(), line + value[0].count("\n")
        content = (
            _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1] if m[1] in '"\\$`' else m[0]), value[1])
            if quote == '"'
            else value[1]
        )
        yield begun, start[1], content, quote == "'"


def _next_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _refers(value: str, names: set[str]) -> bool:
    """Whether a program that expands variables would put another value here."""
    return "${" in value or "$(" in value or any(name[1] in names for name in _NAMES.finditer(value))


FORM = Form(rank=80, recognises=_recognises, read=_read)
