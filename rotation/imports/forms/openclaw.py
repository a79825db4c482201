"""OpenClaw's settings (`openclaw.json`) and its files of auth profiles: keys that stand in them, not those that they refer to.

A field may hold a key, a reference to an environment variable, or a SecretRef (`source`, `provider`, `id`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Left, Placed, Reason
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.profiles import is_profiles, profiles
from keysweep.rotation.imports.servers import handed_over, tables_of_servers
from keysweep.rotation.imports.structured import DEEPEST, Tree

_OWN = {"gateway", "channels", "models", "agents", "skills", "plugins", "messages", "auth", "session", "tools"}
_SOURCES = {"env", "file", "exec", "store"}
_KEY = re.compile(
    r"(?i)(?:api_?key|token|secret|password|passphrase|credential|authorization|webhookUrl|signingSecret|privateKey)s?$"
)
_NOT_THE_KEY = re.compile(r"(?i)(?:max|min|count|limit|total|num|budget)_?(?:output|input)?_?tokens?$|tokens$")
_TABLES = {"headers", "env", "vars", "environment"}


def _recognises(document: Document) -> bool:
    tree = document.tree
    return isinstance(tree, Mapping) and (is_profiles(tree) or (len(_OWN & set(tree)) >= 2) or "$include" in tree)


def _read(document: Document) -> Iterator[Placed]:
    tree = document.tree
    if isinstance(tree, Mapping) and is_profiles(tree):
        yield from profiles(tree)
        return
    for path, servers in tables_of_servers(tree):
        yield from handed_over(path, servers)
    yield from _walk(tree, ())


def _walk(tree: Tree, path: tuple[str, ...]) -> Iterator[Placed]:
    if len(path) > DEEPEST:
        return
    if isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from _walk(value, (*path, _named(value, at)))
    elif isinstance(tree, Mapping):
        for name, value in tree.items():
            yield from _field((*path, str(name)), value)


def _field(path: tuple[str, ...], value: Tree) -> Iterator[Placed]:
    place = ".".join(path)
    if path[-1] == "$include":
        yield place, Left(name=f"{place} ({_files(value)}), a file to import by itself", reason=Reason.REFERENCE)
    elif _is_reference(value):
        yield place, Left(name=place, reason=Reason.REFERENCE)
    elif isinstance(value, str):
        if _may_be_a_key(path):
            yield place, _given(path, value)
    elif path[-1] != "mcpServers" and path[-2:] != ("mcp", "servers"):
        yield from _walk(value, path)


def _named(value: Tree, at: int) -> str:
    match value:
        case {"id": str(name)} | {"name": str(name)}:
            return name
        case _:
            return str(at)


def _is_reference(value: Tree) -> bool:
    return isinstance(value, Mapping) and value.get("source") in _SOURCES and "id" in value


def _files(value: Tree) -> str:
    return ", ".join(str(one) for one in value) if isinstance(value, list) else str(value)


def _may_be_a_key(path: tuple[str, ...]) -> bool:
    if _NOT_THE_KEY.search(path[-1]):
        return False
    return _KEY.search(path[-1]) is not None or (len(path) > 1 and path[-2] in _TABLES) or path[0] == "env"


def _given(path: tuple[str, ...], value: str) -> Given:
    """Name a key by what it is for: `models.providers.openai.apiKey` is that of `openai`."""
    variable = path[-1] if path[0] == "env" else ""
    short = tuple(part for part in path if part not in {"models", "providers", "entries", "vars", "env", "config"})
    return Given(path=short or path, variable=variable, value=Secret(value), hints=tuple(reversed(path)))


FORM = Form(rank=15, recognises=_recognises, read=_read)
