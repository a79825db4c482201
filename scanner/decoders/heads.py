"""The literal beginnings of a pattern: what every key of a rule starts with, read off the parsed expression."""

from __future__ import annotations

from collections.abc import Sequence
from re import _constants, _parser  # type: ignore[attr-defined]  # the only place where Python shows a parsed pattern
from typing import Any

_LONGEST = 20
_MOST = 16
_LEAST = 3


def heads(pattern: str) -> tuple[bytes, ...]:
    """Return the texts one of which every match begins with, each of three bytes or more; none if that cannot be said."""
    found = {text[:_LONGEST] for text, _ in _walk(list(_parser.parse(pattern.encode())), folded=False)}
    if len(found) > _MOST or any(len(text) < _LEAST for text in found):
        return ()
    return tuple(sorted(found))


def _walk(items: Sequence[Any], *, folded: bool) -> list[tuple[bytes, bool]]:
    """Return (text, whether everything behind it is open) for each way in which *items* can begin."""
    ways: list[tuple[bytes, bool]] = [(b"", False)]
    for item in items:
        steps = _step(item, folded=folded)
        grown = [
            (text, True) if closed else (text + more, ended)
            for text, closed in ways
            for more, ended in (steps if not closed else [(b"", True)])
        ]
        ways = list(dict.fromkeys(grown))
        if len(ways) > 4 * _MOST or all(closed or len(text) >= _LONGEST for text, closed in ways):
            break
    return ways


def _step(item: Any, *, folded: bool) -> list[tuple[bytes, bool]]:
    kind, value = item
    if kind is _constants.LITERAL:
        return [(text, False) for text in _cases(bytes([value]), folded=folded)]
    if kind is _constants.IN and len(value) <= 3 and all(part[0] is _constants.LITERAL for part in value):
        return [(bytes([part[1]]), False) for part in value]
    if kind is _constants.SUBPATTERN:
        _, added, _, inner = value
        fold = folded or bool(added & _constants.SRE_FLAG_IGNORECASE)
        return _walk(list(inner), folded=False) if not fold else _folded(list(inner))
    if kind is _constants.BRANCH:
        return [way for branch in value[1] for way in _walk(list(branch), folded=folded)]
    if kind is _constants.MAX_REPEAT and value[0] == 0 and value[1] == 1:
        return [(b"", False), *_walk(list(value[2]), folded=folded)]
    return [(b"", True)]


def _folded(items: Sequence[Any]) -> list[tuple[bytes, bool]]:
    """Ignore case: words are written small or in capitals throughout, hardly ever mixed."""
    small = _walk(items, folded=False)
    return list(dict.fromkeys(way for text, closed in small for way in ((text.lower(), closed), (text.upper(), closed))))


def _cases(text: bytes, *, folded: bool) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys((text.lower(), text.upper()))) if folded else (text,)
