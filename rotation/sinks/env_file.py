"""Lines `NAME=value` of an environment file: one value replaced in the quotes that it stands in, every other byte as it was.

Programs read such files differently (a shell, systemd, Docker, dotenv).  A value that they would not all read alike is refused.
"""

from __future__ import annotations

import re

from keysweep.rotation.agents import AgentError

_PLAIN = re.compile(r"[A-Za-z0-9_.~:/?=@%+,&-]*")
_IN_QUOTES = {"'": re.compile(r"[^'\\\n\r]*"), '"': re.compile(r'[^"\\$`\n\r]*')}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_VALUE = r"""(?P<value>'[^'\n\r]*'|"(?:[^"\\\n\r]|\\.)*"|[^\s'"`]*)"""


def replaced(text: str, name: str, value: str) -> str:
    """Return the file with *value* in every line that sets *name*; in a line at its end if none does.

    Raises:
        AgentError: the line or the value is not plain.
    """
    lines = _lines(text, name)
    if not lines:
        _must_fit("", name, value)
        start = text if not text or text.endswith("\n") else f"{text}\n"
        return f"{start}{name}={value}\n"
    for found in reversed(lines):
        quote = found["value"][:1] if found["value"][:1] in _IN_QUOTES else ""
        _must_fit(quote, name, value)
        text = f"{text[: found.start('value')]}{quote}{value}{quote}{text[found.end('value') :]}"
    return text


def values(text: str, name: str) -> tuple[str, ...]:
    """Return what the lines that set *name* set it to.

    Raises:
        AgentError: one of them is not plain.
    """
    held = [found["value"] for found in _lines(text, name)]
    return tuple(value[1:-1] if value[:1] in _IN_QUOTES else value for value in held)


def _lines(text: str, name: str) -> list[re.Match[str]]:
    if not _NAME.fullmatch(name):
        msg = f"{name!r} is no name of a variable"
        raise AgentError(msg)
    start = rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*="
    plain = re.compile(rf"{start}[ \t]*{_VALUE}[ \t]*(?:[ \t]#[^\n]*)?\r?$", re.MULTILINE)
    found = list(plain.finditer(text))
    if len(found) != len(re.findall(start, text, re.MULTILINE)):
        msg = f"a line that sets {name} has no plain end"
        raise AgentError(msg, hint=f"write it on one line: {name}='...'")
    return found


def _must_fit(quote: str, name: str, value: str) -> None:
    if not (_IN_QUOTES[quote] if quote else _PLAIN).fullmatch(value):
        msg = f"the value has a character that not every program reads alike in {name}={quote}...{quote}"
        raise AgentError(msg, hint=f"write {name}='' in the file first, and rotate again")
