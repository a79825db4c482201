"""Whether letters look like words, without a dictionary: by the pairs of letters that words and the names of programs are made of."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache
from itertools import pairwise

_RUNS = re.compile(r"[A-Z]?[a-z]{3,}|[A-Z]{4,}")
_PAIRS = frozenset(
    re.findall(
        "..",
        "thheinerreonanenatndtihaesoredtehassettoeditsaouisngouarhioflealveralieroecomecechtaldessurafeomlirorico"
        "unneraiddeostsmaadilwacorolospelantpotutrctncaonsplgeamelccusuppirrsprgobfimkeiviodplyfobltoemtsckciia",
    )
)
"""Pairs of letters that are frequent in English words and in names that programmers make of them."""
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_STEP = 1.1
_ROWS = (
    "55655544534554452565444122 25551342513656141656433242 63336222631722620553611040 "
    "61416106505511710536500030 63247232721422620452521131 53564431312546243765243431 "
    "62226520700522620534501040 62217345601435520652621031 72127111601333620535501030 "
    "54555440123557641456140214 73337120513122642262624100 63237334622434531464523031 "
    "62247221712622620154531050 75127211611342660242411030 52566472523324521266331031 "
    "44442341324557450655545221 61236114501621650645501130 40221001302520312333903021 "
    "62447241603344620455432040 52527215604333552267513040 61427215701321520654402140 "
    "55545240512556250666110212 70218021700212510131210010 72236116602405611552203120 "
    "52626204600331370137200430 64445232502555560565323123 73218023600323510132401144"
)
"""How frequent a letter is at the beginning of a word, and behind each other letter, in steps of so many bits from one in 32 of an even share."""
_BEGINS, _SHOUTS, _NUMBERED, _NUMBERS_GO_ON = 0.22, 0.2, 0.05, 0.45
"""How often in a name a word begins, an abbreviation goes on in capitals, ends in a number, and a number goes on."""
_MARKS = "_-."
_NEVER = 1e-9
_CERTAIN = 8
"""Bits: of random texts at most one in 2 ** 8 is taken for a name, since that is how seldom chance favours another model so much."""


def in_words(text: str) -> int:
    """Count the letters that stand in runs that look like words."""
    count = 0
    for run in _RUNS.findall(text):
        low = run.lower()
        pairs = [low[at : at + 2] in _PAIRS for at in range(len(low) - 1)]
        if sum(pairs) >= 0.6 * len(pairs):
            count += len(run)
    return count


def is_a_name(text: str, *, certain: float = _CERTAIN) -> bool:
    """Whether a text is rather put together from words, as `getUserAccountInformation` is, than drawn by chance.

    Weighs how likely its characters follow each other in names against how likely they are by chance.

    Args:
        text: of letters, digits and marks.
        certain: bits by which names must explain it better.
    """
    text = text.strip(_MARKS)
    letters = [char for char in text if char.isalpha()]
    if not text or len(letters) * 2 < len(text) or not text.isascii():
        return False
    one_case = len({char.isupper() for char in letters}) == 1
    size = (26 if one_case else 52) + (10 if any(char.isdigit() for char in text) else 0)
    size += len(set(_MARKS).intersection(text))
    return len(text) * math.log2(size) + sum(_follows(*pair, one_case) for pair in pairwise("_" + text)) >= certain


@cache
def _follows(before: str, char: str, one_case: bool) -> float:  # noqa: FBT001  (a cache of keywords takes twice the time)
    """Return how likely a character stands behind another in a name, in bits."""
    return math.log2(max(_likely(before, char, one_case=one_case), _NEVER))


def _likely(before: str, char: str, *, one_case: bool) -> float:
    """Return how likely a character stands behind another in a name, as a share of one."""
    if char.isdigit():
        return (_NUMBERS_GO_ON if before.isdigit() else _NUMBERED) / 10
    if not char.isalpha():
        return 0.0 if char not in _MARKS or before in _MARKS else _BEGINS / len(_MARKS)
    if not before.isalpha():
        rest = 1 - _BEGINS - _NUMBERS_GO_ON if before.isdigit() else 1 - _NUMBERED
        return rest / (1 if one_case else 2) * _share("^", char)
    rest, pair = 1 - _BEGINS - _NUMBERED, _share(before, char)
    if one_case:
        return rest * pair
    if before.isupper():
        return rest * (_SHOUTS * (pair + _share("^", char)) / 2 if char.isupper() else (1 - _SHOUTS) * pair)
    return rest * (_BEGINS * _share("^", char) if char.isupper() else (1 - _BEGINS) * pair)


@cache
def _shares() -> Mapping[str, float]:
    """Return how frequent each letter is behind each other, as shares of one."""
    shares = {}
    for first, row in zip("^" + _LETTERS, _ROWS.split(), strict=True):
        weights = [2 ** (_STEP * int(step)) for step in row]
        shares.update({first + letter: weight / sum(weights) for letter, weight in zip(_LETTERS, weights, strict=True)})
    return shares


def _share(before: str, letter: str) -> float:
    return _shares()[before.lower() + letter.lower()]
