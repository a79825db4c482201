"""Look-alike folding: what an engine takes for each other is one character, and the way back is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keysweep.scanner.ocr.confusable import fold

text = st.binary(max_size=60)


@given(text=text)
def test_folding_twice_is_folding_once(text: bytes) -> None:
    """Folded text is a form of its own."""
    assert fold(fold(text).text).text == fold(text).text


@given(text=text)
def test_the_way_back_is_in_order_and_inside(text: bytes) -> None:
    """Each folded byte knows its original, and each original has at most one."""
    folded = fold(text)
    assert len(folded.offsets) == len(folded.text)
    assert list(folded.offsets) == sorted(set(folded.offsets))
    for byte, offset in zip(folded.text, folded.offsets, strict=True):
        assert fold(text[offset : offset + 1]).text == bytes([byte])


@given(one=text, two=text)
def test_text_folds_piece_by_piece(one: bytes, two: bytes) -> None:
    """A word that an engine cut in two folds to the same."""
    assert fold(one + two).text == fold(one).text + fold(two).text
    assert fold(one + b" \n-_." + two).text == fold(one + two).text


@pytest.mark.parametrize("alike", ["oO0QD", "l1Ii|!", "sS5$", "bB8", "zZ2", "gqG69", "uUvV"])
def test_look_alikes_are_one(alike: str) -> None:
    """Confusions that were measured on terminal screenshots."""
    assert len({fold(char.encode()).text for char in alike}) == 1


def test_what_is_not_alike_stays_apart() -> None:
    """Else any key would resemble any other."""
    classes = {fold(char.encode()).text for char in "acdefhjkmnprtwxy3"}
    assert len(classes) >= 14
