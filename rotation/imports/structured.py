"""JSON, JSON with comments, TOML and YAML as plain trees: every number stays text, nothing is given twice, nothing grows.

A name that is given twice in one object is refused: which of the two a program uses cannot be told from here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from keysweep.rotation.imports.wording import shown
from keysweep.rotation.inventory import ImportRowError

if TYPE_CHECKING:
    import yaml

Tree = object
"""Mappings, lists, text, True, False and None."""

DEEPEST = 64
_EVENTS = 2_000_000
_TOKENS = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/)|(?P<text>"(?:[^"\\]|\\[\s\S])*"|'(?:[^'\\]|\\[\s\S])*')"""
    r"""|(?P<mark>[{}\[\]:,])|(?P<word>[^\s{}\[\]:,"'/]+)"""
)
_ESCAPES = re.compile(r"""\\(\r\n|x[0-9A-Fa-f]{2}|[\s\S])|\"""")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")


class NoTreeError(Exception):
    """The text is not of that syntax."""


def parse_json(text: str) -> Tree:
    """Read JSON.

    Raises:
        NoTreeError: it is none, or nested too deeply.
        ImportRowError: an object gives a name twice.
    """
    try:
        tree: Tree = json.loads(
            text, object_pairs_hook=_once, parse_int=str, parse_float=str, parse_constant=str, strict=False
        )
    except (ValueError, RecursionError):
        raise NoTreeError from None
    return tree


def parse_json5(text: str) -> Tree:
    """Read JSON as people write it: comments, trailing commas, names without quotes, single quotes.

    Raises:
        NoTreeError: it is none, or nested too deeply.
        ImportRowError: an object gives a name twice.
    """
    return parse_json("".join(_as_json(text)))


def parse_toml(text: str) -> Tree:
    """Read TOML.

    Raises:
        NoTreeError: it is none, nested too deeply, or gives a name twice.
    """
    try:
        tree: Tree = tomllib.loads(text, parse_float=str)
    except (ValueError, RecursionError):
        raise NoTreeError from None
    return tree


def parse_yaml(text: str) -> list[Tree]:
    """Read every document of a YAML stream; all plain values are text.

    Raises:
        NoTreeError: it is none.
        ImportRowError: it is nested too deeply, refers to itself or gives a name twice.
    """
    import yaml

    kind: type[yaml.BaseLoader] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check_events(text, kind)
        loader = kind(text)
        try:
            return [_plain(loader, node) for node in iter(lambda: _next_node(loader), None)]
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError):
        raise NoTreeError from None


def leaves(tree: Tree, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    """Yield every value that is neither mapping nor list, with the names on the way to it.

    Raises:
        ImportRowError: it is nested too deeply.
    """
    waiting: list[tuple[tuple[str, ...], Tree]] = [(path, tree)]
    while waiting:
        where, node = waiting.pop()
        if len(where) > DEEPEST:
            msg = f"it is nested more than {DEEPEST} levels deep"
            raise ImportRowError(msg)
        if isinstance(node, Mapping):
            waiting += reversed([((*where, str(key)), value) for key, value in node.items()])
        elif isinstance(node, list):
            waiting += reversed([((*where, str(at)), value) for at, value in enumerate(node)])
        else:
            yield where, node


def _once(pairs: list[tuple[str, Tree]]) -> dict[str, Tree]:
    made: dict[str, Tree] = {}
    for name, value in pairs:
        if name in made:
            msg = f"{shown(name)} is given twice in one object"
            raise ImportRowError(msg, hint="remove the one that is not used")
        made[name] = value
    return made


def _as_json(text: str) -> Iterator[str]:
    """Yield the text as strict JSON: a comma waits until it is known that something follows it."""
    comma, at = False, 0
    while at < len(text):
        token = _TOKENS.match(text, at)
        if token is None:
            raise NoTreeError
        at = token.end()
        if token["space"]:
            continue
        part = token[0]
        if comma and part not in "}]":
            yield ","
        comma = part == ","
        if token["text"]:
            yield f'"{_ESCAPES.sub(_escape, part[1:-1])}"'
        elif token["word"] and part not in {"true", "false", "null"} and not _NUMBER.fullmatch(part):
            yield json.dumps(part)
        elif not comma:
            yield part


def _escape(found: re.Match[str]) -> str:
    what = found[1]
    if what is None:
        return '\\"'
    if what in {"\n", "\r\n", "\r", "\u2028", "\u2029"}:
        return ""
    if what[0] == "x" and len(what) == 3:
        return f"\\u00{what[1:]}"
    if what in '"\\/bfnrtu':
        return found[0]
    return {"0": "\\u0000", "v": "\\u000b"}.get(what, what)


def _check_events(text: str, kind: type[yaml.BaseLoader]) -> None:
    """Refuse what could grow or overflow before a tree is made of it: events come one by one, without recursion."""
    import yaml

    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=kind)):
        if isinstance(event, yaml.AliasEvent):
            msg = "it refers to other parts of itself (YAML aliases), which is not followed"
            raise ImportRowError(msg, hint="write the values out, or give the file as JSON")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST or count > _EVENTS:
            msg = f"it is nested more than {DEEPEST} levels deep" if depth > DEEPEST else "it holds too many values"
            raise ImportRowError(msg)


def _next_node(loader: yaml.BaseLoader) -> yaml.Node | None:
    return loader.get_node() if loader.check_node() else None


def _plain(loader: yaml.BaseLoader, node: yaml.Node) -> Tree:
    import yaml

    match node:
        case yaml.ScalarNode():
            return None if node.style is None and node.value in {"", "~", "null"} else str(node.value)
        case yaml.SequenceNode():
            return [_plain(loader, item) for item in node.value]
        case _:
            return _once([(str(_plain(loader, key)), _plain(loader, value)) for key, value in node.value])
