"""Keys of strangers in text read from images: a public prefix, look-alikes folded, and a long run behind it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import final

from keysweep.foundation.secret import Secret
from keysweep.rules.model import Confidence, Rule
from keysweep.rules.ruleset import RuleSet
from keysweep.rules.words import is_a_name
from keysweep.scanner.finding import Match, Segment
from keysweep.scanner.ocr.confusable import fold

_LEAST_PREFIX = 6
_LEAST_RUN = 24
_CHUNK = rb"[^\s\"'<>()]"
_ROW = _CHUNK + rb"+(?:(?:(?<=[-_]) | (?=[-_]))" + _CHUNK + rb"+| " + _CHUNK + rb"{12,})*"
_RUN = re.compile(_ROW + rb"(?:\n(?=" + _CHUNK + rb"{12,})" + _ROW + rb")?")
"""A key as engines read it: with spaces beside hyphens and within long runs, over one line break at most."""


@final
class OcrShapes:
    """Looks at segments that an OCR engine read, and at no others.

    Args:
        ruleset: its public prefixes are what is looked for.
    """

    def __init__(self, ruleset: RuleSet) -> None:
        prefixes = [(fold(rule.prefix.encode()).text, rule) for rule in ruleset.rules if rule.alphabet]
        self._prefixes: Sequence[tuple[bytes, Rule]] = sorted(
            ((folded, rule) for folded, rule in prefixes if len(folded) >= _LEAST_PREFIX), key=lambda p: -len(p[0])
        )

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return what looks like a key, as low confidence: its characters are a guess of the engine."""
        if "ocr" not in segment.via:
            return ()
        folded = fold(segment.data)
        found: list[Match] = []
        for prefix, rule in self._prefixes:
            at = folded.text.find(prefix)
            while at >= 0:
                start = folded.offsets[at]
                run = _RUN.match(segment.data, start)
                if run and len(run[0]) >= _LEAST_RUN and not _covered(found, start) and not _is_written(run[0]):
                    found.append(_match(rule, run))
                at = folded.text.find(prefix, at + 1)
        return sorted(found, key=lambda m: m.start)


def _covered(found: Sequence[Match], start: int) -> bool:
    return any(match.start <= start < match.end for match in found)


def _is_written(run: bytes) -> bool:
    """Whether it is text that people wrote: a prefix without its marks stands in names too, and pictures show those."""
    return is_a_name("_".join(re.findall("[A-Za-z0-9]+", run.decode("latin-1"))))


def _match(rule: Rule, run: re.Match[bytes]) -> Match:
    return Match(
        rule=rule.id,
        provider=rule.provider,
        severity=rule.severity,
        confidence=Confidence.GENERIC,
        prefix=rule.prefix,
        start=run.start(),
        end=run.end(),
        secret=Secret(re.sub(rb"\s", b"", run[0])),
    )
