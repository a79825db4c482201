"""detect-secrets as a second opinion: its plugin classes on short texts, low confidence, never louder than our rules.

A plugin is asked only where the engine saw a word or prefix of its vendor, and only about the line around it; of a line longer than the
plugins can bear, about the part around the place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, final

from keysweep.foundation.secret import Secret
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.finding import Match, Segment
from keysweep.scanner.matching.matcher import Gated
from keysweep.scanner.spans import Spans

_REACH = 500
"""Bytes to each side of a place that a plugin is shown; the plugins are slow on long lines."""


class _Plugin(NamedTuple):
    """A plugin for a vendor that our packs do not know; those that overlap with our rules are left out."""

    name: str
    provider: str
    gate: bytes
    """What the engine must see before the plugin is asked."""


_PLUGINS = (
    _Plugin(
        "CloudantDetector",
        "cloudant",
        rb"(?i)cloudant[\w.-]{0,12}[\"'\]\s=:>]{1,6}[a-z0-9]{8}|[a-f0-9]{4}@[\w.-]{1,64}\.cloudant\.com",
    ),
    _Plugin("IbmCloudIamDetector", "ibm", rb"(?i)(?:ibm|cloud_?iam)[\w-]{0,16}[\"'\]\s=:>]{1,6}[a-z0-9_-]{32}"),
    _Plugin("IbmCosHmacDetector", "ibm", rb"(?i)cos[\w-]{0,24}key[\"'\]\s=:>]{1,6}[a-f0-9]{32}"),
    _Plugin("SoftlayerDetector", "softlayer", rb"(?i)softlayer"),
)
GATES = tuple(plugin.gate for plugin in _PLUGINS)


@final
class SecondOpinion:
    """Asks the plugins, place by place."""

    def __init__(self) -> None:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

        mapping: dict[str, Any] = get_mapping_from_secret_type_to_class()
        classes = {kind.__name__: kind for kind in mapping.values()}
        self._asked = [classes[plugin.name]() if plugin.name in classes else None for plugin in _PLUGINS]

    def find(self, segment: Segment, spots: Sequence[Gated]) -> Sequence[Match]:
        """Return what the plugins take for keys around the places of their gates, in order."""
        taken = Spans()
        found: list[Match] = []
        for number, plugin in enumerate(_PLUGINS):
            asked, reached = self._asked[number], 0
            for spot in spots:
                if asked is None or spot.number != number or spot.end < reached:
                    continue
                low, reached = _around(segment.data, spot.end)
                found += [m for m in _ask(plugin, asked, segment.data[low:reached], low) if taken.take(m.start, m.end)]
        return sorted(found, key=lambda match: match.start)


def _around(data: bytes, place: int) -> tuple[int, int]:
    """Return the line around a place, cut to what a plugin can bear."""
    low = max(place - _REACH, 0)
    low = max(data.rfind(b"\n", low, place) + 1, low)
    high = data.find(b"\n", place, place + _REACH)
    return low, high if high >= 0 else min(place + _REACH, len(data))


def _ask(plugin: _Plugin, asked: Any, text: bytes, at: int) -> list[Match]:
    from keysweep.rules.checks import CHECKS
    from keysweep.scanner.randomness import is_filler

    matches = []
    for value in asked.analyze_string(text.decode("utf-8", "surrogateescape")):
        raw = str(value).encode("utf-8", "surrogateescape").strip(b' \t\r\n=:"')
        start = text.find(raw)
        if len(raw) < 4 or is_filler(str(value)) or not CHECKS["uri-password"](f"x://u:{raw.decode('latin-1')}@h"):
            continue
        matches.append(
            Match(
                rule=RuleId(f"detect-secrets-{plugin.name.removesuffix('Detector').lower()}"),
                provider=plugin.provider,
                severity=Severity.LOW,
                confidence=Confidence.GENERIC,
                prefix="",
                start=at + start,
                end=at + start + len(raw),
                secret=Secret(raw),
            )
        )
    return matches
