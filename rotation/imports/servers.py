"""What the configurations of MCP servers hand to them: environment, headers, arguments and addresses, with a name for each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

from keysweep.foundation.secret import Secret
from keysweep.rotation.imports import Given, Placed
from keysweep.rotation.imports.structured import Tree

_TABLES = ("mcpServers", "mcp_servers", "servers", "context_servers", "mcp")
_RUNS = ("command", "url", "httpUrl", "serverUrl", "args", "env", "headers", "http_headers")
_NAMED = ("env", "environment", "headers", "http_headers", "requestInit")
_SINGLE = ("token", "bearer_token", "experimental_bearer_token", "apiKey", "api_key", "authToken", "password")
_ADDRESSES = ("url", "httpUrl", "serverUrl", "endpoint", "base_url", "baseUrl")
_FLAG = re.compile(r"--?([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_KEY_FLAG = re.compile(r"(?i)key|token|secret|password|auth|pat$|bearer|credential|connection|dsn|^-?p$|header|^-?H$")
_ASSIGNED = re.compile(r"([A-Z_][A-Z0-9_]*)=(.+)", re.DOTALL)
_HEADER = re.compile(r"([A-Za-z][\w-]*):\s*(\S.*)", re.DOTALL)
_DEEPEST = 8


def tables_of_servers(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Mapping[str, Tree]]]:
    """Yield every table of servers in a tree, with the names on the way to it."""
    if not isinstance(tree, Mapping) or len(path) > _DEEPEST:
        return
    for name, value in tree.items():
        if not isinstance(value, Mapping):
            continue
        if name in _TABLES and any(_is_server(one) for one in value.values()):
            yield (*path, name), value
        else:
            yield from tables_of_servers(value, (*path, str(name)))


def handed_over(path: tuple[str, ...], servers: Mapping[str, Tree]) -> Iterator[Placed]:
    """Yield every value that the servers of a table get."""
    for name, server in servers.items():
        if isinstance(server, Mapping):
            place = "/".join((*path, str(name)))
            yield from ((place, given) for given in values_of(str(name), server))


def values_of(name: str, server: Mapping[str, Tree]) -> Iterator[Given]:
    """Yield what one server gets."""
    for field in _NAMED:
        yield from _table(name, field, server.get(field))
    for field in _SINGLE:
        if isinstance(value := server.get(field), str):
            yield _given(name, field, value)
    for field in _ADDRESSES:
        if isinstance(value := server.get(field), str):
            yield from _address(name, value)
    match server.get("args"):
        case list(items):
            yield from _arguments(name, [item for item in items if isinstance(item, str)])
        case _:
            pass
    match server.get("command"):
        case [*parts]:
            yield from _arguments(name, [part for part in parts if isinstance(part, str)])
        case _:
            pass


def _is_server(tree: Tree) -> bool:
    return isinstance(tree, Mapping) and any(field in tree for field in _RUNS)


def _table(server: str, field: str, tree: Tree) -> Iterator[Given]:
    if not isinstance(tree, Mapping):
        return
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _table(server, field, value)
        elif isinstance(value, str):
            yield _given(server, str(name), value, variable=str(name) if field in {"env", "environment"} else "")


def _given(server: str, name: str, value: str, *, variable: str = "") -> Given:
    return Given(path=(server, name), variable=variable, value=Secret(value), hints=(name, server))


def _address(server: str, url: str) -> Iterator[Given]:
    """Yield the whole address if a rule may know it, the values of its query, and the parts of its path."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return
    if parts.password:
        yield Given(path=(server, "url"), value=Secret(url), hints=(server, host))
        return
    for name, value in parse_qsl(parts.query):
        yield Given(path=(server, name), value=Secret(value), hints=(name, server, host))
    for segment in parts.path.split("/"):
        if len(segment) >= 20:
            yield Given(path=(server, "url"), value=Secret(segment), hints=(server, host))


def _arguments(server: str, items: Sequence[str]) -> Iterator[Given]:
    """Yield what stands behind a flag, in an assignment, in a header and in addresses; other words are no keys or not known as such."""
    taken = False
    for item, behind in pairwise([*items, ""]):
        if taken:
            taken = False
            continue
        flag = _FLAG.fullmatch(item)
        if flag and _KEY_FLAG.search(flag[1]):
            value = behind if flag[2] is None else flag[2]
            taken = flag[2] is None
            if header := _HEADER.fullmatch(value):
                yield _given(server, header[1], header[2])
            elif assigned := _ASSIGNED.fullmatch(value):
                yield _given(server, assigned[1], assigned[2], variable=assigned[1])
            else:
                yield _given(server, flag[1], value)
        elif assigned := _ASSIGNED.fullmatch(flag[2] if flag and flag[2] else item):
            yield _given(server, assigned[1], assigned[2], variable=assigned[1])
        elif "://" in item:
            yield from _address(server, item)
        elif len(item) >= 16 and not flag:
            yield Given(path=(server, "argument"), value=Secret(item), hints=(server,))
