"""MCP servers and environments in the JSON settings of agents: Claude Code and Desktop, Cursor, Gemini CLI, VS Code, Windsurf and their like.

The file may be `.mcp.json`, `~/.claude.json` with its projects, `claude_desktop_config.json`, `mcp_config.json` or a `settings.json`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Form, Given, Placed
from keysweep.rotation.imports.document import Document
from keysweep.rotation.imports.servers import handed_over, tables_of_servers


def _recognises(document: Document) -> bool:
    """Whether some table in it is one of servers; OpenClaw's own settings, which have one, too, are asked before."""
    tree = document.tree
    return next(tables_of_servers(tree), None) is not None or (
        isinstance(tree, Mapping)
        and isinstance(tree.get("env"), Mapping)
        and bool({"permissions", "apiKeyHelper", "hooks", "model", "$schema"} & set(tree))
    )


def _read(document: Document) -> Iterator[Placed]:
    tree = document.tree
    for path, servers in tables_of_servers(tree):
        yield from handed_over(path, servers)
    match tree:
        case {"env": dict(variables)}:
            for name, value in variables.items():
                if isinstance(value, str):
                    yield f"env/{name}", Given(path=(name,), variable=name, value=Secret(value))
        case _:
            pass


FORM = Form(rank=20, recognises=_recognises, read=_read)
