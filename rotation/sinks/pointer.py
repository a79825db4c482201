"""One string in a JSON, YAML or TOML document, by its pointer (RFC 6901): read, or replaced with every other byte as it was.

Nothing is written anew: the string is found by where it stands, replaced there, and the whole is parsed again; if that is not
the same document but for this string, the change is refused.
"""

from __future__ import annotations

import copy
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping

import yaml

from keysweep.rotation.agents import AgentError

FORMS = ("json", "toml", "yaml")
_QUOTED = {
    "json": re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "toml": re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'"),
}
_MOST = 200
"""Places that hold the same string and are tried."""
_ASIDE = re.compile(r'("(?:[^"\\\n]|\\.)*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])', re.DOTALL)


def value_at(form: str, text: str, pointer: str) -> str:
    """Return the string at *pointer*.

    Raises:
        AgentError: the document cannot be read, or there is no string.
    """
    return _look_up(_parse(form, text), pointer)


def replaced(form: str, text: str, pointer: str, value: str) -> str:
    """Return the document with *value* at *pointer*, where a string must stand already.

    Raises:
        AgentError: there is no string, or it cannot be replaced without touching more.
    """
    document = _parse(form, text)
    if _look_up(document, pointer) == value:
        return text
    wanted = copy.deepcopy(document)
    *above, last = _steps(pointer)
    place: object = wanted
    for step in above:
        place = _inside(place, step)
    match place:
        case dict():
            place[last] = value
        case list():
            place[int(last)] = value
        case _:
            pass
    for start, end in _places(form, text, pointer, _look_up(document, pointer)):
        changed = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
        try:
            if _parse(form, changed) == wanted:
                return changed
        except AgentError:
            continue
    msg = f"the string at {pointer} cannot be replaced without touching the rest of the {form} document"
    raise AgentError(msg, hint="write it as a string in double quotes, on one line, without an alias")


def _parse(form: str, text: str) -> object:
    try:
        match form:
            case "json":
                return _json(text)
            case "toml":
                return tomllib.loads(text)
            case _:
                parsed: object = yaml.safe_load(text)
                return parsed
    except (ValueError, RecursionError, yaml.YAMLError):
        msg = f"the file is no {form} document, or states a name twice"
        raise AgentError(msg) from None


def _json(text: str) -> object:
    """Parse JSON; where it is none, with comments and last commas blanked out, as editors allow in their settings."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except ValueError:
        blanked = _ASIDE.sub(_blank, text)
        return json.loads(_LAST_COMMA.sub(_blank, blanked), object_pairs_hook=_once)


def _blank(found: re.Match[str]) -> str:
    return found[1] or re.sub(r"[^\n]", " ", found[0])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        msg = "a name stands twice"
        raise ValueError(msg)
    return made


def _places(form: str, text: str, pointer: str, held: str) -> Iterator[tuple[int, int]]:
    """Yield where the string at *pointer* may stand."""
    if form == "yaml":
        yield from _yaml_places(text, pointer)
        return
    tried = 0
    for start in (found.start() for found in re.finditer("[\"']", text)):
        found = _QUOTED[form].match(text, start)
        if found and tried < _MOST and _decoded(form, found[0]) == held:
            tried += 1
            yield found.span()


def _decoded(form: str, token: str) -> object:
    read: Callable[[str], object] = json.loads if form == "json" else lambda quoted: tomllib.loads(f"v={quoted}")["v"]
    try:
        return read(token)
    except ValueError:
        return None


def _yaml_places(text: str, pointer: str) -> Iterator[tuple[int, int]]:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    for step in _steps(pointer):
        match node:
            case yaml.MappingNode():
                fits = [value for key, value in node.value if key.value == step]
                node = fits[0] if len(fits) == 1 else None
            case yaml.SequenceNode():
                node = node.value[int(step)]
            case _:
                return
    if isinstance(node, yaml.ScalarNode):
        yield node.start_mark.index, node.end_mark.index


def _look_up(document: object, pointer: str) -> str:
    for step in _steps(pointer):
        document = _inside(document, step)
    if isinstance(document, str):
        return document
    msg = f"there is no string at {pointer}"
    raise AgentError(msg, hint="put an empty one there first; the file is not written anew")


def _inside(document: object, step: str) -> object:
    match document:
        case Mapping():
            return document.get(step)
        case list() if step.isdecimal() and int(step) < len(document):
            return document[int(step)]
        case _:
            return None


def _steps(pointer: str) -> list[str]:
    if not pointer.startswith("/"):
        msg = f"{pointer!r} is no pointer"
        raise AgentError(msg, hint="like /mcpServers/search/env/SEARCH_API_KEY")
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer[1:].split("/")]
