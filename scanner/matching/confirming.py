"""From a place where the engine saw a rule's anchor to the exact key: pattern, edges, checks, secret half, cuts put together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from keysweep.rules.model import Confidence
from keysweep.scanner.matching.compiled import CompiledRule, begins, compiled

if TYPE_CHECKING:
    from keysweep.scanner.decoders import Decoded

_LEAST_ENTROPY = 2.8
"""Bits a character below which a token of a plain shape is filler, not a key."""
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WIDEST = 10_000
"""Widest key that is put together again."""
_WORD = r"A-Za-z0-9._~%+:/?&=,@-"
"""What stands for the alphabet of a rule that has none, such as a URI."""
_SHORT, _BLOB = 6, 24
"""Longest prefix that may stand anywhere by chance, and how much base64 on each side says so."""
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_-"
_MARK = 5
"""Bytes in which a mark such as `ak_` ends, where several of them are one vendor's."""
_DIGITS, _DIGIT_IN = b"0123456789", 8
"""Names have no more than one digit in so many characters."""
_NAME = re.compile(rb"([A-Za-z][A-Za-z0-9_.-]{2,48})[\\\"' \t]{0,6}(?:=>|[:=])[\\\"' \t]{0,6}\Z")
_OF_SECRETS = tuple(b"secret passw token auth private access aws credential value api_key apikey api-key".split())
"""Parts of names that a secret half may have."""
_ENTITY = re.compile(rb"&amp;")
"""An ampersand in XML; an address without its last character of it ends in the middle."""
_EDGE = 24
"""Bytes beside a key that its edges may ask for."""


class Candidate(NamedTuple):
    """An exact key, not yet weighed against others."""

    rule: CompiledRule
    confidence: Confidence
    start: int
    end: int
    value: bytes
    parts: tuple[bytes, ...]
    via: tuple[str, ...] = ()
    lead: int = 0
    """Bytes from the words that told whose it is; 0 where nothing but its own form did."""
    facts: tuple[tuple[str, str], ...] = ()


def confirm(rule: CompiledRule, secret: str) -> Confidence | None:
    """Return how sure a rule is of a candidate, None if its checks or common sense refuse it."""
    from keysweep.rules.checks import CHECKS, PROOFS, is_monotonous, is_placeholder

    if not all(CHECKS[name](secret) for name in rule.checks):
        return None
    if PROOFS.intersection(rule.checks):
        return Confidence.CHECKED
    if (rule.alphabet or rule.pair) and (is_placeholder(secret) or is_monotonous(secret, _LEAST_ENTROPY)):
        return None
    return Confidence.SHAPE


def candidates(rule: CompiledRule, data: bytes, low: int, end: int, *, fixed: bool) -> Iterator[Candidate]:
    """Yield the keys that begin around one hit of the anchor.

    Args:
        rule: whose anchor was seen.
        data: the text.
        low: where to begin to look.
        end: end of the hit.
        fixed: the key can begin at *low* only.
    """
    for match in _matches(rule, data, low, end, fixed=fixed):
        if rule.pair:
            if (whole := _paired(rule, data, match)) is not None:
                yield whole
        elif (candidate := _candidate(rule, match)) is not None:
            yield (rule.varies and _longer(rule, data, candidate, fixed=fixed)) or candidate


def _matches(rule: CompiledRule, data: bytes, low: int, end: int, *, fixed: bool) -> Iterator[re.Match[bytes]]:
    """Yield where the exact pattern fits: at the place of a fixed anchor, else wherever one begins before its end."""
    high = min(end + rule.width + _EDGE, len(data))
    if fixed:
        match = rule.confirm.match(data, low, high)
        if match is not None and rule.begins(data, low):
            yield match
        return
    match = rule.confirm.search(data, low, high)
    while match is not None and match.start() < end:
        whole = rule.begins(data, match.start())
        if whole:
            yield match
        match = rule.confirm.search(data, max(match.end(), low + 1) if whole else match.start() + 1, high)


def repaired(rule: CompiledRule, data: bytes, low: int, end: int, *, fixed: bool) -> Candidate | None:
    """Put the text behind a hit that gave no key together again, and ask the exact pattern once more."""
    from keysweep.scanner.matching.mend import goes_on, joined, resolved

    if rule.width > _WIDEST:
        return None
    best: Candidate | None = None
    alphabet = _run(rule.alphabet or _WORD)
    for view in joined(data, low, end, rule.width, alphabet, whole=rule.whole):
        best = _first(rule, data, view, low, end, fixed=fixed) or best
        if best is not None and not (rule.varies and best.end == view.end and goes_on(data, best.start, best.end)):
            break
    plain = resolved(data, low, end, rule.width, alphabet, whole=rule.whole) if best is None else None
    if plain is not None:
        best = _first(rule, data, plain, low, end, fixed=fixed)
    return best


def _first(rule: CompiledRule, data: bytes, view: Decoded, low: int, end: int, *, fixed: bool) -> Candidate | None:
    """Return the first key in text that was put together, placed in the text that it was taken from."""
    from keysweep.scanner.matching.mapping import place_of

    for candidate in candidates(rule, view.data, 0, end - low, fixed=fixed):
        start, stop = place_of(view, candidate.start, candidate.end)
        if start > low or rule.begins(data, low):
            return candidate._replace(start=start, end=stop, via=view.via)
    return None


def _longer(rule: CompiledRule, data: bytes, candidate: Candidate, *, fixed: bool) -> Candidate | None:
    """Return a key of no fixed length with what stands behind the cut or the escape at its end."""
    from keysweep.scanner.matching.mend import escaped_on, goes_on, joined, resolved

    alphabet = _run(rule.alphabet or _WORD)
    if rule.width > _WIDEST:
        return None
    if escaped_on(data, candidate.end, alphabet) or (not rule.alphabet and _ENTITY.match(data, candidate.end - 4)):
        plain = resolved(data, candidate.start, candidate.end, rule.width, alphabet)
        return _extended(rule, candidate, plain, fixed=fixed) if plain else None
    if not goes_on(data, candidate.start, candidate.end):
        return None
    best: Candidate | None = None
    for view in joined(data, candidate.start, candidate.end, rule.width, alphabet):
        best = _extended(rule, best or candidate, view, fixed=fixed) or best
        if not goes_on(data, candidate.start, view.end):
            break
    return best


def _extended(rule: CompiledRule, shorter: Candidate, view: Decoded, *, fixed: bool) -> Candidate | None:
    """Return the key at the beginning of text that was put together, if it is longer than the one that is known."""
    from keysweep.scanner.matching.mapping import place_of

    match = rule.confirm.match(view.data) if fixed or rule.whole else rule.confirm.search(view.data)
    longer = _candidate(rule, match) if match else None
    if longer is None or longer.start != 0 or len(longer.value) <= len(shorter.value):
        return None
    start, stop = place_of(view, longer.start, longer.end)
    return longer._replace(start=start, end=stop, via=view.via)


def _candidate(rule: CompiledRule, match: re.Match[bytes]) -> Candidate | None:
    groups = match.re.groupindex
    group = "secret" if "secret" in groups else 0
    try:
        confidence = confirm(rule, match[group].decode())
    except UnicodeDecodeError:
        return None
    if confidence is Confidence.SHAPE and _by_chance(rule, match, group):
        return None
    if confidence is None or _CONTROL.search(match[group]):
        return None
    parts = tuple(match[name] for name in groups if name.startswith("part_") and match[name])
    start = match.start(group)
    facts = _facts(rule, match[group], parts)
    return Candidate(
        rule, confidence, start, match.end(group), match[group], parts, lead=start - match.start(), facts=facts
    )


def _by_chance(rule: CompiledRule, match: re.Match[bytes], group: int | str) -> bool:
    """Whether a prefix stands there by chance: in a name that a programmer made of words, or, if it is short, in a blob."""
    body = match[group][len(rule.prefix) :]
    if not rule.prefix:
        body = body[body.find(b"_", 0, _MARK) + 1 :]
    if rule.alphabet and len(body.translate(None, _DIGITS)) * _DIGIT_IN >= len(body) * (_DIGIT_IN - 1):
        from keysweep.rules.words import is_a_name

        if is_a_name(body.decode()):
            return True
    return len(rule.prefix) <= _SHORT and _in_a_blob(match.string, *match.span(group))


def _in_a_blob(data: bytes, start: int, end: int) -> bool:
    """Whether base64 goes on to both sides: in the bytes of a program or an image a short prefix stands by chance."""
    before, after = data[max(start - _BLOB, 0) : start], data[end : end + _BLOB]
    return len(before) == len(after) == _BLOB and not (before + after).translate(None, _BASE64)


def _paired(rule: CompiledRule, data: bytes, public: re.Match[bytes]) -> Candidate | None:
    """Return the secret half nearest to a public one; None if there is none, for a public half alone is no leak."""
    from keysweep.rules.checks import is_placeholder

    if is_placeholder(public[0].decode("latin-1")):
        return None
    low, high = max(public.start() - rule.pair_within, 0), min(public.end() + rule.pair_within, len(data))
    nearest: Candidate | None = None
    for match in compiled(rule.pair).finditer(data, low, high):
        group = "secret" if "secret" in match.re.groupindex else 0
        begin, end = match.span(group)
        if (begin < public.end() and end > public.start()) or not (group or begins(rule.pair_alphabet, data, begin)):
            continue
        if _named_otherwise(data, begin, public) or (not group and _in_a_blob(data, begin, end)):
            continue
        apart = max(begin - public.end(), public.start() - end)
        if nearest is None or apart < nearest.lead:
            confidence = confirm(rule, match[group].decode("latin-1"))
            if confidence is not None:
                nearest = Candidate(rule, confidence, begin, end, match[group], (public[0],), lead=apart)
    if nearest is None:
        return None
    facts = _facts(rule, nearest.value, nearest.parts)
    return nearest._replace(facts=facts, lead=1 if facts else nearest.lead)


def _named_otherwise(data: bytes, start: int, public: re.Match[bytes]) -> bool:
    """Whether a value is assigned to a name that is no name of a secret half, such as `site_key` or `commit`."""
    named = _NAME.search(data, max(start - 64, 0), start)
    if named is None or named.start() < public.end() <= named.end() or public[0] in named[0]:
        return False
    return named[1].lower() != b"key" and not any(word in named[1].lower() for word in _OF_SECRETS)


def _facts(rule: CompiledRule, value: bytes, parts: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    """Return what a key says of itself, in order of the names."""
    if not rule.facts:
        return ()
    from keysweep.rules.facts import facts_of

    return facts_of(rule.facts, value.decode("latin-1"), tuple(part.decode("latin-1") for part in parts))


@cache
def _run(alphabet: str) -> re.Pattern[bytes]:
    return re.compile(f"[{alphabet}]*".encode())
