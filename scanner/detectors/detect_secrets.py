"""detect-secrets as a second opinion: its plugin classes on bounded lines, low confidence, never louder than our rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

from keysweep.foundation.secret import Secret
from keysweep.rules.model import Confidence, RuleId, Severity
from keysweep.scanner.finding import Match, Segment

_LONGEST = 2000
"""Bytes of a line that is looked at; the plugins are slow on long lines."""
_PLUGINS = {
    "ArtifactoryDetector": "artifactory",
    "BasicAuthDetector": "ambiguous",
    "CloudantDetector": "cloudant",
    "IbmCloudIamDetector": "ibm",
    "MailchimpDetector": "mailchimp",
    "SoftlayerDetector": "softlayer",
    "SquareOAuthDetector": "square",
}
"""Plugins for vendors that our packs do not know; those that overlap with our rules are left out."""


@final
class SecondOpinion:
    """Asks the plugins, line by line."""

    def __init__(self) -> None:
        from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

        mapping: dict[str, Any] = get_mapping_from_secret_type_to_class()
        classes = {kind.__name__: kind for kind in mapping.values()}
        self._plugins: list[tuple[str, str, Any]] = [
            (name, provider, classes[name]()) for name, provider in _PLUGINS.items() if name in classes
        ]

    def find(self, segment: Segment) -> Sequence[Match]:
        """Return what the plugins take for keys, in order."""
        found: list[Match] = []
        at = 0
        for line in segment.data.split(b"\n"):
            if line and len(line) <= _LONGEST:
                text = line.decode("utf-8", "surrogateescape")
                found += [m for plugin in self._plugins for m in _ask(plugin, text, line, at)]
            at += len(line) + 1
        return found


def _ask(plugin: tuple[str, str, Any], text: str, line: bytes, at: int) -> list[Match]:
    name, provider, asked = plugin
    matches = []
    for value in asked.analyze_string(text):
        raw = str(value).encode("utf-8", "surrogateescape")
        start = line.find(raw)
        if raw and start >= 0:
            matches.append(
                Match(
                    rule=RuleId(f"detect-secrets-{name.removesuffix('Detector').lower()}"),
                    provider=provider,
                    severity=Severity.LOW,
                    confidence=Confidence.GENERIC,
                    prefix="",
                    start=at + start,
                    end=at + start + len(raw),
                    secret=Secret(raw),
                )
            )
    return matches
