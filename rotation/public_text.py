"""Text that is stored and shown in the open: names, owners, reasons.  A key that was put there by mistake is refused unrepeated."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator

from keysweep.foundation.errors import UsageError
from keysweep.scanner.matching.describe import describe

_LONGEST = 1000
_SHORTEST_KEY = 16
_SHORTEST_VALUE = 8
_CUTS = (
    re.compile(r"[\s\"'`,;()\[\]{}<>|]+"),
    re.compile(r"[\s\"'`,;()\[\]{}<>|=:@/?&#]+"),
)
"""Where one word ends and the next begins: once so that an address stays whole, once so that its parts stand alone."""
_RUN = re.compile(r"[A-Za-z0-9]{8}")
"""What every key has and few names: the rules are asked only about words with it, so that an import stays quick."""
_DENSE = re.compile(r"[A-Za-z0-9+/_=]{32,}")
_SUSPECT = re.compile(r"[A-Za-z0-9+/_=]{16,}")
_DENSE_BITS = 4.2
"""Bits a character of a random run; words, numbers and hexadecimal ids have fewer."""


class KeyInPublicTextError(UsageError):
    """What should be a name or a reason is, or holds, a key."""


def public_text(text: str, *, what: str, is_value: Callable[[str], bool] | None = None) -> str:
    """Return *text* without space around it, if it may be stored and shown in the open.

    Args:
        text: as it was typed or read.
        what: what it should be, for the message: `name`, `owner`, `reason`.
        is_value: whether a word is a value that is known otherwise; for those that no rule knows.

    Raises:
        KeyInPublicTextError: it holds what looks like a key; the message does not repeat it.
        UsageError: it is too long, or not text.
    """
    clean = text.strip()
    if len(clean) > _LONGEST:
        msg = f"the {what} has more than {_LONGEST} characters"
        raise UsageError(msg)
    if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in clean):
        msg = f"the {what} holds a character that is no text"
        raise UsageError(msg)
    if any(_is_key(word) or (is_value is not None and is_value(word)) for word in _words(clean)):
        msg = f"the {what} looks like a key; it was neither stored nor shown"
        hint = "keysweep keys add --help; rotate this key, it may stand in your shell's history"
        raise KeyInPublicTextError(msg, hint=hint)
    return clean


def quoted(text: str) -> str:
    """Return *text* in quotation marks for a message, or that it is not shown: where a name was asked for, a key was typed."""
    if any(_is_key(word) or any(_mixes(run) for run in _SUSPECT.findall(word)) for word in _words(text)):
        return "[not shown: it looks like a key]"
    return repr(text)


def _words(text: str) -> Iterator[str]:
    """Yield everything that could be a key on its own, each once."""
    if len(text) < _SHORTEST_VALUE:
        return
    found = {text: None}
    for cut in _CUTS:
        found |= dict.fromkeys(word.strip(".!?") for word in cut.split(text))
    yield from (word for word in found if len(word) >= _SHORTEST_VALUE)


def _is_key(word: str) -> bool:
    if len(word) < _SHORTEST_KEY or not ("://" in word or _RUN.search(word)):
        return False
    return describe(word.encode()) is not None or any(_is_random(run) for run in _DENSE.findall(word))


def _is_random(run: str) -> bool:
    """Whether a run mixes cases and digits as evenly as a generated key."""
    if not _mixes(run):
        return False
    bits = -sum(n / len(run) * math.log2(n / len(run)) for n in Counter(run).values())
    return bits >= _DENSE_BITS


def _mixes(run: str) -> bool:
    return all(re.search(kind, run) for kind in ("[a-z]", "[A-Z]", "[0-9]"))
