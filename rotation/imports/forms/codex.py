"""Codex's `config.toml`: MCP servers, model providers with their headers, and the environment of its shell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Placed
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.servers import handed_over
from keysweep.rotation.inventory import ImportRowError

_TABLES = ("mcp_servers", "model_providers")


def _recognises(document: Document) -> bool:
    if document.text.lstrip()[:1] == "{":
        return False
    tree = document.tree
    return isinstance(tree, Mapping) and any(
        isinstance(tree.get(name), Mapping) for name in (*_TABLES, "shell_environment_policy")
    )


def _read(document: Document) -> Iterator[Placed]:
    tree = document.tree
    if not isinstance(tree, Mapping):
        msg = f"{document.name} is not TOML"
        raise ImportRowError(msg)
    for name in _TABLES:
        if isinstance(servers := tree.get(name), Mapping):
            yield from handed_over((name,), servers)
    match tree:
        case {"shell_environment_policy": {"set": dict(variables)}}:
            for name, value in variables.items():
                if isinstance(value, str):
                    yield (
                        f"shell_environment_policy/set/{name}",
                        Given(path=(name,), variable=name, value=Secret(value)),
                    )
        case _:
            pass


FORM = Form(rank=18, recognises=_recognises, read=_read)
