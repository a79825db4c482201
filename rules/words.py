"""Whether letters look like words, without a dictionary: by the pairs of letters that words and the names of programs are made of."""

from __future__ import annotations

import re

_RUNS = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_PIECES = re.compile(r"[A-Z][a-z]*|[a-z]+|[^A-Za-z]")
_LEAST_PIECE = 3.5
"""Letters that the pieces between capitals have on average in names; by chance they have two."""
_PAIRS = frozenset(
    re.findall(
        "..",
        "thheinerreonanenatndtihaesoredtehassettoeditsaouisngouarhioflealveralieroecomecechtaldessurafeomlirorico"
        "unneraiddeostsmaadilwacorolospelantpotutrctncaonsplgeamelccusuppirrsprgobfimkeiviodplyfobltoemtsckciia",
    )
)
"""Pairs of letters that are frequent in English words and in names that programmers make of them."""


def in_words(text: str) -> int:
    """Count the letters that stand in runs that look like words."""
    count = 0
    for run in _RUNS.findall(text):
        low = run.lower()
        pairs = [low[at : at + 2] in _PAIRS for at in range(len(low) - 1)]
        if sum(pairs) >= 0.6 * len(pairs):
            count += len(run)
    return count


def is_a_name(text: str) -> bool:
    """Whether a text is put together from words, as `getUserAccountInformation` is: no digit, few capitals, a fifth of it in words."""
    if any(char.isdigit() for char in text):
        return False
    pieces = _PIECES.findall(text)
    return len(text) >= _LEAST_PIECE * len(pieces) and in_words(text) * 5 >= len(text)
