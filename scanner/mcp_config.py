"""Keys in the configuration of MCP servers: `env`, `args`, headers and addresses, in JSON, in JSON inside strings, and in TOML.

The structure tells what the name of a variable does not: that a value is handed to a server, and to which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from urllib.parse import parse_qsl, urlsplit

_REACH = 64 << 10
_OPEN = re.compile(rb'\\*"?[\s]{0,20}[:=]\s{0,20}(?=\{)')
_COMMENTS = re.compile(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/|,(?=\s*[}\]])', re.DOTALL)
_TABLE = re.compile(rb"(?m)^[ \t]*\[\[?[ \t]*([^\]\n]{1,200})\]")
_FLAG = re.compile(r"(?i)--?[a-z-]*(?:key|token|secret|password|auth|pat|bearer|credential)[a-z-]*(?:=(.+))?$")
_SCHEME = re.compile(r"(?i)^(?:bearer|basic|token|apikey)\s+")
_NO_KEY = re.compile(
    r"(?i)(?:^|[_-])(?:id|sid|url|uri|host|path|name|version|region|model|org|team|project|user|email)$"
)
_MOST = 64
"""Places in one segment that are parsed."""

Named = tuple[str, tuple[str, ...]]
"""A value, with the names that may tell the vendor, the nearest first."""


def servers_in(data: bytes, ends: Sequence[int]) -> Iterator[tuple[int, bytes, tuple[str, ...]]]:
    """Yield (offset, value, names) of what the configurations behind *ends* hand to their servers and looks like a key."""
    from keysweep.scanner.randomness import looks_random

    reached = -1
    for end in sorted(ends)[:_MOST]:
        if end < reached:
            continue
        start, stop, servers = _table(data, end)
        reached = stop
        for name, server in servers.items():
            for value, names in _values(name, server):
                raw = value.encode("utf-8", "replace")
                place = data.find(raw, start, stop)
                if place >= 0 and looks_random(value):
                    yield place, raw, names


def _table(data: bytes, end: int) -> tuple[int, int, dict[str, object]]:
    """Return the extent and the content of the table of servers whose name ends at *end*; empty if it cannot be read."""
    if (opened := _OPEN.match(data, end)) is not None:
        stop = _closed(data, opened.end())
        if stop is not None:
            return opened.end(), stop, _parsed(data[opened.end() : stop].decode("utf-8", "replace"))
    line = data.rfind(b"\n", 0, end) + 1
    if _TABLE.match(data, line):
        stop = _last_table(data, line)
        return line, stop, _toml(data[line:stop].decode("utf-8", "replace"))
    return end, end, {}


def _closed(data: bytes, start: int) -> int | None:
    """Return the offset behind the brace that closes the one at *start*."""
    depth = 0
    for brace in re.finditer(rb"[{}]", data[start : start + _REACH]):
        depth += 1 if brace[0] == b"{" else -1
        if depth == 0:
            return start + brace.end()
    return None


def _parsed(text: str) -> dict[str, object]:
    """Read JSON, with comments and trailing commas, or as it stands inside of strings of other JSON."""
    for _ in range(4):
        for form in (text, _COMMENTS.sub(lambda m: m[1] or "", text)):
            try:
                content: object = json.loads(form)
            except (ValueError, RecursionError):
                continue
            return content if isinstance(content, dict) else {}
        try:
            text = json.loads(f'"{text}"')
        except (ValueError, RecursionError):
            return {}
    return {}


def _last_table(data: bytes, start: int) -> int:
    """Return where the tables of servers end: at the first table of another name, or after the reach."""
    for table in _TABLE.finditer(data, start, start + _REACH):
        if not table[1].strip().startswith((b"mcp_servers", b"mcpServers", b"mcp.servers")):
            return table.start()
    return min(len(data), start + _REACH)


def _toml(text: str) -> dict[str, object]:
    import tomllib

    try:
        content: dict[str, object] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}
    match content:
        case {"mcp_servers": dict(servers)} | {"mcpServers": dict(servers)} | {"mcp": {"servers": dict(servers)}}:
            return servers
        case _:
            return {}


def _values(name: str, server: object) -> Iterator[Named]:
    """Yield what one server is handed."""
    if not isinstance(server, dict):
        return
    for field in ("env", "environment", "headers", "http_headers", "requestInit"):
        yield from _pairs(server.get(field), name)
    for field in ("token", "bearer_token", "apiKey", "api_key", "authToken", "password"):
        yield from _pairs({field: server.get(field)}, name)
    for field in ("url", "serverUrl", "endpoint"):
        if isinstance(url := server.get(field), str):
            yield from ((value, (part, name, urlsplit(url).netloc)) for part, value in _in_address(url))
    match server.get("args"):
        case [*given]:
            yield from _arguments([item for item in given if isinstance(item, str)], name)
        case _:
            pass


def _pairs(table: object, server: str) -> Iterator[Named]:
    if not isinstance(table, dict):
        return
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _pairs(value, server)
        elif isinstance(value, str) and not _NO_KEY.search(str(key)):
            yield _SCHEME.sub("", value), (str(key), server)


def _arguments(given: Sequence[str], server: str) -> Iterator[Named]:
    for item, behind in pairwise([*given, ""]):
        if flag := _FLAG.match(item):
            yield flag[1] or behind, (item.lstrip("-").partition("=")[0], server)
        elif "://" in item:
            yield from ((value, (part, server, urlsplit(item).netloc)) for part, value in _in_address(item))
        elif ":" in item and item.partition(":")[0].lower().strip() in {"authorization", "x-api-key"}:
            yield _SCHEME.sub("", item.partition(":")[2].strip()), (server,)


def _in_address(url: str) -> Iterator[tuple[str, str]]:
    """Yield the values of a query and the segments of a path."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from ((key, value) for key, value in parse_qsl(parts.query) if not _NO_KEY.search(key))
    yield from (("", segment) for segment in parts.path.split("/"))
