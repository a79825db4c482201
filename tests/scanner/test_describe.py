"""Which rules a whole value is held against: looked up by the beginnings of keywords, the same as if each were searched for."""

from __future__ import annotations

import random

from keysweep.scanner.matching.describe import _BEGINNING, _candidates, _rules


def test_rules_are_looked_up_as_if_each_keyword_were_searched_for() -> None:
    """At the beginning, in the middle, at the end, overlapping, and in what is too short."""
    randomly = random.Random(5)
    words = [word for rule in _rules() for word in rule.keywords]
    assert min(map(len, words)) >= _BEGINNING
    values = [b"", b"a", *(word.encode() for word in words)]
    values += ["".join(randomly.choice(words)[: randomly.randrange(9)] for _ in range(5)).encode() for _ in range(500)]
    values += [f"x{first}{second}y".encode() for first, second in zip(words, reversed(words), strict=True)]
    for value in values:
        expected = [rule.id for rule in _rules() if any(word.encode() in value for word in rule.keywords)]
        assert [rule.id for rule in _candidates(value)] == expected
