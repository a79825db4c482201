"""In which form a file holds a key: how the file looks with another one, and whether it holds a given one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
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
    beside: Mapping[str, str] = field(default_factory=dict)
    """Public halves by name, or by pointer: they stand there with the value."""

    def with_value(self, content: bytes | None, value: Secret) -> bytes:
        """Return the file with *value* in its place.

        Raises:
            AgentError: it cannot be put there safely.
        """
        if self.form is Form.RAW:
            self._alone()
            return value.reveal()
        plain = _text(value.reveal())
        text = _text(content or b"")
        match self.form:
            case Form.ENV:
                for name in self.names:
                    text = env_file.replaced(text, name, plain)
                for name, half in self.beside.items():
                    text = env_file.replaced(text, name, half)
            case Form.TEMPLATE:
                text = self._filled(plain)
            case _:
                text = pointer.replaced(self.form.value, text, self.pointer, plain)
                for place, half in self._pointers().items():
                    text = pointer.replaced(self.form.value, text, place, half)
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
        """Return what stands where the value belongs; nothing if the public halves beside it are others."""
        if self.form is Form.RAW:
            self._alone()
            return [content]
        text = _text(content)
        match self.form:
            case Form.ENV:
                each = [env_file.values(text, name) for name in self.names]
                halves = all(set(env_file.values(text, name)) == {half} for name, half in self.beside.items())
                return [value.encode() for values in each for value in values] if halves and all(each) else []
            case Form.TEMPLATE:
                return self._in_template(text)
            case _:
                if any(pointer.value_at(self.form.value, text, at) != half for at, half in self._pointers().items()):
                    return []
                return [pointer.value_at(self.form.value, text, self.pointer).encode()]

    def _in_template(self, text: str) -> list[bytes]:
        around = [re.escape(part) for part in _PLACE.split(self.template)[::2]]
        found = re.fullmatch(f"({_SAFE.pattern})".join(around), text)
        filled = list(zip(_PLACE.findall(self.template), found.groups() if found else (), strict=False))
        if any(self.beside[name] != text for name, text in filled if name in self.beside):
            return []
        return [text.encode() for name, text in filled if name not in self.beside]

    def _filled(self, value: str) -> str:
        named = set(_PLACE.findall(self.template))
        if not named & set(self.names) or not self.beside.keys() <= named <= {*self.names, *self.beside}:
            msg = "the template has no place for the value or its public half, or one for another"
            raise AgentError(msg, hint=f"known: {', '.join(f'{{{{{name}}}}}' for name in (*self.names, *self.beside))}")
        if not _SAFE.fullmatch(value):
            msg = "the value has a character that may mean something where the template puts it"
            raise AgentError(msg, hint="use format=json, yaml, toml or raw instead")
        return _PLACE.sub(lambda found: self.beside.get(found[1], value), self.template)

    def pointers(self) -> tuple[str, ...]:
        """Return where in a document the key stands, with its public half."""
        return (self.pointer, *self._pointers())

    def _pointers(self) -> dict[str, str]:
        """Return the public halves by pointer: a plain name stands beside the value."""
        above = self.pointer.rpartition("/")[0]
        return {name if name.startswith("/") else f"{above}/{name}": half for name, half in self.beside.items()}

    def _alone(self) -> None:
        """Refuse to leave a value where its public half has no place."""
        if self.beside:
            msg = "the file holds the value alone, and the key has a public half"
            raise AgentError(msg, hint="use format=env or json instead")


def _text(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        msg = "the file or the value is not UTF-8"
        raise AgentError(msg) from None
