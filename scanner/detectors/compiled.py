"""One rule made ready: an anchor for the multi-pattern engine, and an exact pattern with generated edges to confirm."""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import _parser  # type: ignore[attr-defined]  # the only place where Python tells the width of a pattern

from keysweep.rules.model import Rule

_GROUP = re.compile(r"\(\?P<\w+>")
_REPEAT = re.compile(r"\{(\d+),(\d+)\}\??")
_LEAST_LITERAL = 4
_ESCAPES = rb"(?<=\\[nrtbfv0])|(?<=%[0-9A-Fa-f]{2})|(?<=\\u[0-9A-Fa-f]{4})|(?<=\\x[0-9A-Fa-f]{2})|(?<=\x1b\[[0-9]m)|(?<=\x1b\[[0-9]{2}m)"
"""What may stand before a key although it ends in a letter or digit: the escapes of JSON, URLs and terminals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule as the detector uses it."""

    rule: Rule
    anchor: bytes
    """For the engine: no groups, no edges, cut where the length begins to vary, so that one key gives one hit."""
    reach: int
    """Widest match of the anchor, in bytes."""
    fixed: bool
    """Every match of the anchor is so wide, so that its end tells where the key begins."""
    width: int
    """Widest match of the whole pattern."""
    confirm: re.Pattern[bytes]
    part_groups: tuple[str, ...]


def compile_rule(rule: Rule) -> CompiledRule:
    """Make a rule ready.

    Raises:
        re.error: the pattern is wrong.
    """
    anchor = _anchor(rule)
    exact = re.compile(_edged(rule))
    least, reach = _widths(anchor)
    return CompiledRule(
        rule=rule,
        anchor=anchor.encode(),
        reach=reach,
        fixed=least == reach,
        width=_widths(rule.pattern)[1],
        confirm=exact,
        part_groups=tuple(name for name in exact.groupindex if name.startswith("part_")),
    )


def _edged(rule: Rule) -> bytes:
    """Put look-around on both sides, made from the alphabet of the token, so that no terminator is ever guessed."""
    pattern = rule.pattern.encode()
    if not rule.alphabet:
        return pattern
    solid = rule.alphabet.replace(".", "").encode()
    right = rb"(?![" + solid + rb"])" + (rb"(?!\.[A-Za-z0-9])" if "." in rule.alphabet else b"")
    if "(?P<secret>" in rule.pattern:
        return pattern + right
    open_left = rb"(?<![" + solid.replace(b"=", b"") + rb"])"
    if "." in rule.alphabet:
        open_left += rb"(?<![A-Za-z0-9_-]\.)"
    left = rb"(?:" + open_left + rb"|" + _ESCAPES + rb")"
    return left + rb"(?:" + pattern + rb")" + right


def _anchor(rule: Rule) -> str:
    """Cut a pattern at its first varying repeat, if a keyword is left before it and no alternative is lost."""
    plain = _GROUP.sub("(?:", rule.pattern)
    for repeat in _REPEAT.finditer(plain):
        if repeat[1] == repeat[2]:
            continue
        head = plain[: repeat.start()]
        if repeat[1] != "0":
            kept = head + f"{{{repeat[1]}}}"
        elif head.endswith("]"):
            head = kept = head[: head.rindex("[")]
        else:
            return plain
        depth = _open_groups(plain, repeat.start())
        if depth is None:
            continue
        if not _anchored(head, rule.keywords):
            return plain
        return kept + ")" * depth
    return plain


def _open_groups(pattern: str, position: int) -> int | None:
    """Count the groups that are open at *position*; None if a cut there would lose an alternative or an option."""
    stack: list[int] = []
    lossy: dict[int, bool] = {-1: False}
    open_at: list[int] | None = None
    index, in_class = 0, False
    while index < len(pattern):
        if index == position:
            open_at = [-1, *stack]
        char = pattern[index]
        if char == "\\":
            index += 1
        elif in_class:
            in_class = char != "]"
        elif char == "[":
            in_class = True
        elif char == "(":
            stack.append(index)
            lossy[index] = False
        elif char == ")":
            group = stack.pop()
            lossy[group] = lossy[group] or pattern[index + 1 : index + 2] in {"?", "*", "{"}
        elif char == "|":
            lossy[stack[-1] if stack else -1] = True
        index += 1
    if open_at is None or any(lossy[group] for group in open_at):
        return None
    return len(open_at) - 1


def _anchored(pattern: str, keywords: tuple[str, ...]) -> bool:
    """Whether four characters in a row of a keyword are left: what the engine needs to be fast."""
    text = re.sub(r"\[(\W)\]", r"\1", pattern).lower()
    return any(word[at : at + _LEAST_LITERAL] in text for word in keywords for at in range(max(len(word) - 3, 1)))


def _widths(pattern: str) -> tuple[int, int]:
    least, most = _parser.parse(pattern.encode()).getwidth()
    return int(least), int(most)
