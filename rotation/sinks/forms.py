"""In which form a file holds a key: how the file looks with another one, and whether it holds a given one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from keysweep.foundation.secret import Secret
from keysweep.rotation.agents import AgentError
from keysweep.rotation.sinks import env_file, pointer

_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_SAFE = re.compile(r"[A-Za-z0-9_.~:/?=@%+,&-]*")
"""Means itself in whatever a template may be a template of."""


class Form(StrEnum):
    """How a file holds a key."""

    RAW = "raw"
    """The value, and nothing else."""
    ENV = "env"
    """A line `NAME=value`."""
    JSON = "json"
    TOML = "toml"
    YAML = "yaml"
    TEMPLATE = "template"
    """A text with `{{NAME}}` where the value goes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Where in a file a key stands."""

    form: Form
    names: tuple[str, ...] = ()
    """Of the variables, for `env` and `template`."""
    pointer: str = ""
    template: str = ""

    def with_value(self, content: bytes | None, value: Secret) -> bytes:
        """Return the file with *value* in its place.

        Raises:
            AgentError: it cannot be put there safely.
        """
        if self.form is Form.RAW:
            return value.reveal()
        plain = _text(value.reveal())
        text = _text(content or b"")
        match self.form:
            case Form.ENV:
                for name in self.names:
                    text = env_file.replaced(text, name, plain)
            case Form.TEMPLATE:
                text = self._filled(plain)
            case _:
                text = pointer.replaced(self.form.value, text, self.pointer, plain)
        return text.encode()

    def holds(self, content: bytes | None, is_value: Callable[[bytes], bool]) -> bool:
        """Whether the file has a value there, and *is_value* says of it, wherever it stands, that it is the one."""
        if content is None:
            return False
        try:
            found = self._values(content)
        except AgentError:
            return False
        return bool(found) and all(map(is_value, found))

    def _values(self, content: bytes) -> list[bytes]:
        if self.form is Form.RAW:
            return [content]
        text = _text(content)
        match self.form:
            case Form.ENV:
                each = [env_file.values(text, name) for name in self.names]
                return [value.encode() for values in each for value in values] if all(each) else []
            case Form.TEMPLATE:
                around = [re.escape(part) for part in _PLACE.split(self.template)[::2]]
                found = re.fullmatch(f"({_SAFE.pattern})".join(around), text)
                return [value.encode() for value in found.groups()] if found else []
            case _:
                return [pointer.value_at(self.form.value, text, self.pointer).encode()]

    def _filled(self, value: str) -> str:
        named = set(_PLACE.findall(self.template))
        if not named or not named <= set(self.names):
            msg = "the template has no place for the value, or one for another"
            raise AgentError(msg, hint=f"known: {', '.join(f'{{{{{name}}}}}' for name in self.names)}")
        if not _SAFE.fullmatch(value):
            msg = "the value has a character that may mean something where the template puts it"
            raise AgentError(msg, hint="use format=json, yaml, toml or raw instead")
        return _PLACE.sub(lambda _: value, self.template)


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        msg = "the file or the value is not UTF-8"
        raise AgentError(msg) from None
