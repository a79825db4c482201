"""The literal beginnings of a pattern: what every key of a rule starts with, read off the parsed expression."""

from __future__ import annotations

from collections.abc import Sequence
from re import _constants, _parser  # type: ignore[attr-defined]  # the only place where Python shows a parsed pattern
from typing import Any, NamedTuple

_LONGEST = 20
_MOST = 16
_LEAST = 3
_BEHIND = 3
"""Characters of a class behind a beginning that an opening keeps."""
_ALONE = 8
"""A beginning as long is rare enough by itself, and is then seen with a cut right behind it too."""
_BEHIND_SHORT = 8
"""The same behind a beginning that is as short as one may be: `sk-` alone stands in `task-`."""


class Opening(NamedTuple):
    """One way in which every match of a pattern may begin."""

    text: bytes
    behind: str
    """Pattern of the few characters that follow, each of one byte; empty where that cannot be said in short."""
    taken: int
    """How many those are."""

    @property
    def width(self) -> int:
        """Length of every text that it describes."""
        return len(self.text) + self.taken


class _Way(NamedTuple):
    text: bytes
    stop: Any = None
    """The item at which the literal ends; None while it goes on."""


_CUT: Any = ("cut", None)


def openings(pattern: str) -> tuple[Opening, ...]:
    """Return the ways to begin, each of three bytes or more; none if that cannot be said in a few."""
    ways = _walk(list(_parser.parse(pattern.encode())), folded=False)
    for length in range(_LONGEST, _LEAST - 1, -1):
        found = {_opening(way, length) for way in ways}
        if len(found) <= _MOST:
            break
    if len(found) > _MOST or any(len(opening.text) < _LEAST for opening in found):
        return ()
    return tuple(sorted(found))


def heads(pattern: str) -> tuple[bytes, ...]:
    """Return the texts one of which every match begins with, or failing that has inside, each of three bytes or more."""
    if known := openings(pattern):
        return tuple(dict.fromkeys(opening.text for opening in known))
    inside = _longest_inside(list(_parser.parse(pattern.encode())))
    return (inside,) if len(inside) >= _LEAST else ()


def _longest_inside(items: Sequence[Any]) -> bytes:
    """Return the longest literal text that every match has, on the pattern's own level."""
    best, run = b"", b""
    for kind, value in items:
        run = run + bytes([value]) if kind is _constants.LITERAL else b""
        best = max(best, run, key=len)
    return best


def _walk(items: Sequence[Any], *, folded: bool) -> list[_Way]:
    """Return each way in which *items* can begin."""
    ways = [_Way(b"")]
    for item in items:
        steps = _step(item, folded=folded)
        grown = [
            way if way.stop is not None else _Way(way.text + step.text, step.stop)
            for way in ways
            for step in (steps if way.stop is None else steps[:1])
        ]
        ways = list({(way.text, repr(way.stop)): way for way in grown}.values())
        if len(ways) > 4 * _MOST:
            return [_Way(way.text, way.stop or _CUT) for way in ways]
        if all(way.stop is not None or len(way.text) >= _LONGEST for way in ways):
            break
    return ways


def _step(item: Any, *, folded: bool) -> list[_Way]:
    kind, value = item
    if kind is _constants.LITERAL:
        return [_Way(text) for text in _cases(bytes([value]), folded=folded)]
    if kind is _constants.IN and len(value) <= 8 and all(part[0] is _constants.LITERAL for part in value):
        return [_Way(bytes([part[1]])) for part in value]
    if kind is _constants.SUBPATTERN:
        _, added, _, inner = value
        if folded or added & _constants.SRE_FLAG_IGNORECASE:
            return _folded(list(inner))
        return _walk(list(inner), folded=False)
    if kind is _constants.BRANCH:
        return [way for branch in value[1] for way in _walk(list(branch), folded=folded)]
    if kind is _constants.MAX_REPEAT and value[0] == 0 and value[1] == 1:
        return [_Way(b""), *_walk(list(value[2]), folded=folded)]
    return [_Way(b"", item)]


def _folded(items: Sequence[Any]) -> list[_Way]:
    """Ignore case: words are written small or in capitals throughout, hardly ever mixed."""
    small = _walk(items, folded=False)
    return [_Way(text, way.stop) for way in small for text in _cases(way.text, folded=True)]


def _cases(text: bytes, *, folded: bool) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys((text.lower(), text.upper()))) if folded else (text,)


def _opening(way: _Way, length: int) -> Opening:
    """Return a way in, with the first characters of the repeated class behind it, where there is one."""
    if len(way.text) > length or way.stop is None or way.stop is _CUT:
        return Opening(way.text[:length], "", 0)
    kind, value = way.stop
    if len(way.text) >= _ALONE or kind is not _constants.MAX_REPEAT or value[0] < _BEHIND or len(value[2]) != 1:
        return Opening(way.text, "", 0)
    inner, members = value[2][0]
    if inner is not _constants.IN or any(m[0] not in {_constants.LITERAL, _constants.RANGE} for m in members):
        return Opening(way.text, "", 0)
    text = "".join(
        f"\\x{what:02x}" if m is _constants.LITERAL else f"\\x{what[0]:02x}-\\x{what[1]:02x}" for m, what in members
    )
    count = min(value[0], _BEHIND_SHORT) if len(way.text) <= _LEAST else _BEHIND
    return Opening(way.text, f"[{text}]{{{count}}}", count)
