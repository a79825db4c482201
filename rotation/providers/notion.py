"""Notion integration secrets: an integration has one, and a new one ends it at once.

An internal integration has one secret; a second integration with the same capabilities and pages is what lets the new key work before
the old one dies.
"""

from __future__ import annotations

from keysweep.rotation.guided import guided
from keysweep.rotation.providers import Runbook

PROVIDER = guided(
    "notion",
    title="Notion",
    runbook=Runbook(
        console="https://www.notion.so/profile/integrations",
        create="make a second internal integration with the capabilities of the old one and connect it to the same pages",
        end="delete the old integration, or refresh its secret",
    ),
)
