"""One rule made ready: an anchor for the multi-pattern engine, and an exact pattern with generated edges to confirm."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from keysweep.scanner.cuts import COLOUR

if TYPE_CHECKING:
    from keysweep.rules.model import Rule

_GROUP = re.compile(r"\(\?P<\w+>")
_REPEAT = re.compile(r"\{(\d+)(?:,(\d+))?\}\??")
_LEAST_LITERAL = 3
_LONG_LITERAL = 5
_SHORT = 3
"""Characters of a long repeat that an anchor keeps: one key gives one hit, and a key that is cut further on gives one too."""
_ESCAPE = re.compile(
    rb"(?:\\[nrtbfv0]|%(?:25){0,3}[0-9A-Fa-f]{2}|=3D|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|" + COLOUR + rb")\Z"
)
"""What may stand before a key although it ends in a letter or digit: the escapes of JSON, URLs, mails and terminals."""
_LONGEST_ESCAPE = 24


class CompiledRule(NamedTuple):
    """A rule as the detector uses it: plain values, so that it can be kept between runs."""

    id: str
    provider: str
    severity: str
    prefix: str
    checks: tuple[str, ...]
    keywords: tuple[str, ...]
    alphabet: str
    pattern: str
    """With its right edge."""
    whole: bool
    """The pattern begins with the key itself, not with words before it; then the key has a left edge too."""
    anchors: tuple[tuple[str, int, bool], ...]
    """For the engine: pattern without groups and edges; its widest match in bytes; whether every match of it is as wide, so that the
    key begins where the anchor does."""
    width: int
    """Widest match of the whole pattern."""
    varies: bool
    """Keys are not all as long."""
    facts: str
    """Name of the function of `rules.facts` that reads what a key says of itself."""
    pair: str
    """Pattern, with its right edge, of the secret half that must stand nearby; empty for a key that is whole by itself."""
    pair_alphabet: str
    pair_within: int
    """Bytes to each side in which it is looked for."""

    @property
    def confirm(self) -> re.Pattern[bytes]:
        """The exact pattern; compiled when it is first needed."""
        return compiled(self.pattern)

    def begins(self, data: bytes, start: int) -> bool:
        """Whether a key that stands at *start* begins there, and is not the rest of a longer word."""
        return not self.whole or begins(self.alphabet, data, start)


def begins(alphabet: str, data: bytes, start: int) -> bool:
    """Whether a token of characters from *alphabet* may begin at *start*."""
    if start == 0 or not alphabet:
        return True
    before = data[max(start - _LONGEST_ESCAPE, 0) : start]
    if compiled(left_edge(alphabet)).search(before) is None:
        return True
    return _ESCAPE.search(before) is not None


@cache
def left_edge(alphabet: str) -> str:
    """Return a pattern of what must not end right before a token."""
    solid = alphabet.replace(".", "").replace("=", "").replace("/", "")
    dotted = r"|[A-Za-z0-9_-]\." if "." in alphabet else ""
    return rf"(?:[{solid}]{dotted})\Z"


@cache
def compiled(pattern: str) -> re.Pattern[bytes]:
    """Return a pattern over bytes."""
    return re.compile(pattern.encode())


def compile_rule(rule: Rule) -> CompiledRule:
    """Make a rule ready.

    Raises:
        re.error: the pattern is wrong.
    """
    least, most = _widths(rule.pattern)
    return CompiledRule(
        id=rule.id,
        provider=rule.provider,
        severity=rule.severity.value,
        prefix=rule.prefix,
        checks=rule.checks,
        keywords=rule.keywords,
        alphabet=rule.alphabet,
        pattern=_edged(rule.pattern, rule.alphabet),
        whole="(?P<secret>" not in rule.pattern,
        anchors=_anchors(rule),
        width=most,
        varies=least < most,
        facts=rule.facts,
        pair=_edged(rule.pair, rule.pair_alphabet) if rule.pair else "",
        pair_alphabet=rule.pair_alphabet,
        pair_within=rule.pair_within,
    )


def _edged(pattern: str, alphabet: str) -> str:
    """Put a look-ahead behind the pattern, made from the alphabet of the token, so that no terminator is ever guessed."""
    if not alphabet:
        return pattern
    right = f"(?![{alphabet.replace('.', '')}])" + (r"(?!\.[A-Za-z0-9])" if "." in alphabet else "")
    return f"(?:{pattern}){right}"


def _anchors(rule: Rule) -> tuple[tuple[str, int, bool], ...]:
    """Return the ways to begin, where they are literals long enough to be rare; else the pattern itself, cut short."""
    if rule.anchor:
        reach = 0 if "(?P<secret>" in rule.pattern else _widths(rule.pattern)[1]
        return ((rule.anchor, max(reach, _widths(rule.anchor)[1]), False),)
    from keysweep.scanner.matching.heads import openings

    known = () if "(?i" in rule.pattern else openings(rule.pattern)
    if known and all(opening.behind or len(opening.text) >= _LONG_LITERAL for opening in known):
        return tuple((re.escape(o.text.decode("latin-1")) + o.behind, o.width, True) for o in known)
    anchor = _cut(rule)
    least, most = _widths(anchor)
    return ((anchor, most, least == most),)


def _cut(rule: Rule) -> str:
    """Cut a pattern at its first long or varying repeat, if a keyword is left before it and no alternative is lost."""
    plain = _GROUP.sub("(?:", rule.pattern)
    for repeat in _REPEAT.finditer(plain):
        least, most = int(repeat[1]), int(repeat[2] or repeat[1])
        if least == most <= 2 * _SHORT:
            continue
        head = plain[: repeat.start()]
        if least:
            kept = head + f"{{{min(least, _SHORT)}}}"
        elif head.endswith("]"):
            head = kept = head[: head.rindex("[")]
        else:
            return plain
        depth = _open_groups(plain, repeat.start())
        if depth is None or not _anchored(head, rule.keywords):
            continue
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
    """Whether a few characters in a row of a keyword are left: what the engine needs to be fast."""
    text = re.sub(r"\[(\W)\]", r"\1", pattern).lower()
    return any(
        word[at : at + _LEAST_LITERAL] in text
        for word in keywords
        for at in range(max(len(word) - _LEAST_LITERAL + 1, 1))
    )


def _widths(pattern: str) -> tuple[int, int]:
    from re import _parser  # type: ignore[attr-defined]  # the only place where Python tells the width of a pattern

    least, most = _parser.parse(pattern.encode()).getwidth()
    return int(least), int(most)
